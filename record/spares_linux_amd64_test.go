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

// TestTakeSpares wants spares in tier A alone, where they are needed, and of programs that
// are there.
func TestTakeSpares(t *testing.T) {
	const gone = fentryProgThreadEnd
	for _, f := range flavours {
		for _, needed := range []bool{false, true} {
			spec, err := f.load()
			if err != nil {
				t.Fatal(err)
			}
			delete(spec.Programs, gone)
			takeSpares(spec, needed)
			for name, spare := range spares {
				want := needed && f.tier == TierA && name != gone
				if got := spec.Programs[spare] != nil; got != want {
					t.Errorf("tier %v, needed %v: %s there: %v", f.tier, needed, spare, got)
				}
				want = want && slices.Contains(twice, name)
				if got := spec.Programs[second(spare)] != nil; got != want {
					t.Errorf("tier %v, needed %v: %s there: %v", f.tier, needed, second(spare), got)
				}
			}
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
	h.useSpares()
	h.forget()
	h.calls()
	h.request(xen.IOReq{Size: 1, Count: 1})
	h.request(xen.IOReq{Size: 1, Count: 1})
	h.hook(fentryProgThreadEnd, 0, 1)
	return kindsOf(h.decode(newDecoder()))
}

func (h *byHand) useSpares() {
	if err := (&probes{coll: h.coll}).useSpares(true); err != nil {
		h.Fatal(err)
	}
	h.spared = true
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

// TestSparesWaitForTheirPrograms wants nothing from spares before they are told that all
// programs are attached.
func TestSparesWaitForTheirPrograms(t *testing.T) {
	h := newByHand(t)
	h.run(fentryProgEvtchnReadReturnSpare, 0, h.address(numberAt), 4, 0, 4)
	h.run(fentryProgEvtchnIoctlEnterSpare, 0, uint64(xen.EvtchnBindInterdomain), h.address(numberAt))
	h.run(fentryProgThreadEndSpare, 0, 1)
	if got := h.decode(newDecoder()); len(got) != 0 {
		t.Errorf("want nothing, got %v", got)
	}
}

// TestUnwantedNotifyLeavesNoCall wants nothing left in the table of calls of a notify that
// is no wanted domain's: a spare would take it for the thread's next call.
func TestUnwantedNotifyLeavesNoCall(t *testing.T) {
	h := newByHand(t, func(s *fentrySettings) { s.ByDomain = 1 })
	h.forget()
	h.notify()
	var id uint64
	var c []byte
	if h.coll.Maps[fentryMapCalls].Iterate().Next(&id, &c) {
		t.Errorf("thread %#x has a call: %x", id, c)
	}
	if got := h.decode(newDecoder()); len(got) != 0 {
		t.Errorf("want nothing recorded, got %v", got)
	}
}

// TestSpareTellsWhatItLeavesOut reads one port more than a program takes of a call.
func TestSpareTellsWhatItLeavesOut(t *testing.T) {
	const ports = 17
	h := newByHand(t)
	h.useSpares()
	h.skip = fentryProgEvtchnReadReturn
	h.hook(h.skip, 0, h.address(numberAt), 4*ports, 0, 4*ports)
	perCPU, err := (&probes{coll: h.coll}).lostAt(uint32(format.ProbeEvtchnRead)*lossReasons + uint32(format.ReasonTruncated))
	if err != nil || add(perCPU) != 1 {
		t.Errorf("want 1 port lost, got %v, %v", perCPU, err)
	}
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
