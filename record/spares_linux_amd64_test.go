package record

import (
	"errors"
	"slices"
	"testing"

	"github.com/cilium/ebpf/rlimit"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestNewestFirst wants the order of programs that spares rely on.
func TestNewestFirst(t *testing.T) {
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Skipf("needs root to load programs: %v", err)
	}
	err := newestFirst()
	if errors.Is(err, errOrder) {
		t.Fatal(err)
	}
	if err != nil {
		t.Skipf("this kernel or user cannot trace functions: %v", err)
	}
}

func TestPreemptsAs(t *testing.T) {
	for _, c := range []struct {
		version, mode string
		want          bool
	}{
		{"#1 SMP Debian 5.10.0-30", "", false},
		{"#1 SMP PREEMPT Debian", "", true},
		{"#1 SMP PREEMPT_RT Debian", "", true},
		{"#1 SMP PREEMPT_DYNAMIC Debian 6.12.43-1", "none (voluntary) full \n", false},
		{"#1 SMP PREEMPT_DYNAMIC Debian 6.12.43-1", "(none) voluntary full lazy \n", false},
		{"#1 SMP PREEMPT_DYNAMIC Debian 6.12.43-1", "none voluntary (full) \n", true},
		{"#1 SMP PREEMPT_DYNAMIC Debian 7.3", "full (lazy) \n", true},
		{"#1 SMP PREEMPT_DYNAMIC Debian 7.3", "", true}, // nobody knows
	} {
		if got := preemptsAs(c.version, c.mode); got != c.want {
			t.Errorf("%q, %q: %v, want %v", c.version, c.mode, got, c.want)
		}
	}
}

// TestSparesStandIn has the kernel skip each program that has a spare, through a device
// model's start and two requests. The trace is the same, and nothing counts as missed.
func TestSparesStandIn(t *testing.T) {
	none := newByHand(t)
	want := none.serves()
	for name := range spares {
		t.Run(name, func(t *testing.T) {
			h := newByHand(t)
			h.skip = name
			if got := h.serves(); !slices.Equal(got, want) {
				t.Errorf("skipped: %v\nelse: %v", got, want)
			}
			if missed := h.missed(); h.skipped == 0 || missed != 0 {
				t.Errorf("%d skipped, %d missed; want some, and none", h.skipped, missed)
			}
		})
	}
}

// serves has a device model start and answer two requests, with spares in use, and returns
// what is recorded of that.
func (h *byHand) serves() []format.Kind {
	if err := (&probes{coll: h.coll}).useSpares(true); err != nil {
		h.Fatal(err)
	}
	h.forget()
	h.calls()
	h.request(xen.IOReq{Size: 1, Count: 1})
	h.request(xen.IOReq{Size: 1, Count: 1})
	h.hook(fentryProgThreadEnd, 0, 1)
	return kindsOf(h.decode(newDecoder()))
}

// missed returns what counts as missed of the programs that were skipped.
func (h *byHand) missed() uint64 {
	probe, ok := programProbe[h.skip]
	if !ok || h.skip == fentryProgThreadEnd { // whose are counted by the spare's; see below
		return 0
	}
	n := map[format.Probe]uint64{probe: h.skipped}
	(&probes{coll: h.coll}).takeSpared(n)
	return n[probe]
}

// calls makes the calls that map a server's pages and bind its vCPU's port.
func (h *byHand) calls() {
	mapping, bind := h.setup()
	h.hook(fentryProgPrivcmdEnter, 0, uint64(xen.PrivcmdMmapResource), mapping)
	h.hook(fentryProgPrivcmdReturn, 0, uint64(xen.PrivcmdMmapResource), mapping, 0)
	h.hook(fentryProgEvtchnIoctlEnter, 0, uint64(xen.EvtchnBindInterdomain), bind)
	h.hook(fentryProgEvtchnIoctlReturn, 0, uint64(xen.EvtchnBindInterdomain), bind, handPort)
}

func TestEndsMissed(t *testing.T) {
	var m endsMissed
	for i, c := range []struct {
		skipped [3]uint64
		want    uint64
	}{
		{[3]uint64{0, 0, 0}, 0},
		{[3]uint64{3, 0, 0}, 0},
		{[3]uint64{3, 2, 1}, 0}, // the program was not, this time
		{[3]uint64{5, 4, 2}, 1},
		{[3]uint64{9, 4, 4}, 1},
		{[3]uint64{11, 7, 7}, 3},
	} {
		if got := m.add(c.skipped); got != c.want {
			t.Errorf("reading %d: %d, want %d", i, got, c.want)
		}
	}
}
