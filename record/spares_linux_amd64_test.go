package record

import (
	"errors"
	"os/exec"
	"slices"
	"testing"

	"github.com/cilium/ebpf/rlimit"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
	"golang.org/x/sys/unix"
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

// noRead, noWrite are calls of the evtchn device that pass no port.
func (h *byHand) noRead(ret int64) {
	h.hook(fentryProgEvtchnReadReturn, 0, h.address(numberAt), 4, 0, uint64(ret))
}

func (h *byHand) noWrite() { h.hook(fentryProgEvtchnWriteEnter, 0, h.address(numberAt), 3, 0) }

// leaveOutAll has all processes left out, this one with them.
func leaveOutAll(s *fentrySettings) { s.ByPid = 1 }

// TestNothingToRecordIsNotMissed has the kernel skip programs in calls of which they would
// record nothing. None counts as missed, and none as spared of those that were not skipped:
// that would hide others that are missed.
func TestNothingToRecordIsNotMissed(t *testing.T) {
	all := func(h *byHand) {
		h.calls()
		h.request(xen.IOReq{Size: 1, Count: 1})
		h.noRead(0)
		h.noWrite()
	}
	for _, c := range []struct {
		what    string
		choices []func(*fentrySettings)
		skip    string
		play    func(*byHand)
	}{
		{"read of nothing", nil, fentryProgEvtchnReadReturn, func(h *byHand) { h.noRead(0) }},
		{"read that fails", nil, fentryProgEvtchnReadReturn, func(h *byHand) { h.noRead(-int64(unix.EAGAIN)) }},
		{"write of no whole port", nil, fentryProgEvtchnWriteEnter, (*byHand).noWrite},
		{"left out", []func(*fentrySettings){leaveOutAll}, fentryProgPrivcmdEnter, all},
		{"left out", []func(*fentrySettings){leaveOutAll}, fentryProgPrivcmdReturn, all},
		{"left out", []func(*fentrySettings){leaveOutAll}, fentryProgEvtchnIoctlEnter, all},
		{"left out", []func(*fentrySettings){leaveOutAll}, fentryProgEvtchnReadReturn, all},
		{"left out", []func(*fentrySettings){leaveOutAll}, fentryProgEvtchnWriteEnter, all},
	} {
		t.Run(c.what+"/"+c.skip, func(t *testing.T) {
			h := newByHand(t, c.choices...)
			h.useSpares()
			for range 3 {
				h.skip = ""
				c.play(h)
				h.skip = c.skip
				c.play(h)
			}
			if missed := h.missed(); h.skipped == 0 || missed != 0 {
				t.Errorf("%d skipped, %d missed; want some, and none", h.skipped, missed)
			}
			var spared uint64
			for probe := range uint32(lossProbes) {
				if err := h.coll.Maps[fentryMapSpared].Lookup(probe, &spared); err != nil || (probe != uint32(programProbe[c.skip]) && spared > 0) || spared > h.skipped {
					t.Errorf("probe %v: %d spared of %d skipped, %v", format.Probe(probe), spared, h.skipped, err)
				}
			}
			for _, table := range []string{fentryMapCalls, fentryMapMarks} {
				if n := h.threads(table); n > 0 {
					t.Errorf("%d threads left in table %s", n, table)
				}
			}
		})
	}
}

// threads returns how many are in a table.
func (h *byHand) threads(table string) (n int) {
	var id uint64
	var v []byte
	for it := h.coll.Maps[table].Iterate(); it.Next(&id, &v); {
		n++
	}
	return n
}

// TestFullTableOfCalls wants calls recorded once for which there is no room in the table.
func TestFullTableOfCalls(t *testing.T) {
	for _, skip := range []string{"", fentryProgPrivcmdEnter} {
		h := newByHand(t)
		h.useSpares()
		h.skip = skip
		table := h.coll.Maps[fentryMapCalls]
		for id := range uint64(table.MaxEntries()) {
			if err := table.Put(id, make([]byte, table.ValueSize())); err != nil {
				t.Fatal(err)
			}
		}
		mapping, _ := h.setup()
		for range 2 {
			h.hook(fentryProgPrivcmdEnter, 0, uint64(xen.PrivcmdMmapResource), mapping)
			h.hook(fentryProgPrivcmdReturn, 0, uint64(xen.PrivcmdMmapResource), mapping, 0)
		}
		n := 0
		h.records(func(b []byte) {
			if rawKind(b[rawKindAt]) == rawMmap {
				n++
			}
		})
		if n != 2 {
			t.Errorf("skipped %q: want 2 calls recorded, got %d", skip, n)
		}
		lost, err := (&probes{coll: h.coll}).lostAt(uint32(format.ProbePrivcmd)*lossReasons + uint32(format.ReasonMapFull))
		if err != nil || add(lost) != 2 {
			t.Errorf("skipped %q: want 2 lost, got %v, %v", skip, lost, err)
		}
	}
}

// TestMissedReadIsToldOnce skips a read with its spare, which the kernel counts. A port's
// first read may have begun before the capture, which nobody else counts.
func TestMissedReadIsToldOnce(t *testing.T) {
	h, d := newByHand(t), newDecoder()
	h.useSpares()
	for i, want := range []int{1, 0, 0} {
		if i == 1 {
			h.request(xen.IOReq{Size: 1, Count: 1})
			h.decode(d)
		}
		h.put(xen.IOReq{EPort: handRemote, State: xen.StateReady, Size: 1, Count: 1})
		h.event()
		h.unmask()
		got := h.decode(d)
		n := 0
		for _, e := range got {
			if e.Kind == format.KindLost && e.Lost().Probe == format.ProbeEvtchnRead {
				n++
			}
		}
		if !slices.Contains(kindsOf(got), format.KindIOReq) || n != want {
			t.Errorf("read %d: want a request and %d lost, got %v", i, want, got)
		}
		h.put(xen.IOReq{EPort: handRemote, State: xen.StateRespReady, Size: 1, Count: 1})
		h.notify()
		h.decode(d)
	}
}

// TestSpareTellsAFault reads one port, and another from where nothing is.
func TestSpareTellsAFault(t *testing.T) {
	h := newByHand(t)
	h.useSpares()
	h.skip = fentryProgEvtchnReadReturn
	if err := unix.Mprotect(h.pages[numberAt:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	h.hook(h.skip, 0, h.address(numberAt)-4, 8, 0, 8)
	perCPU, err := (&probes{coll: h.coll}).lostAt(uint32(format.ProbeEvtchnRead)*lossReasons + uint32(format.ReasonFault))
	if err != nil || add(perCPU) != 1 || h.missed() != 0 {
		t.Errorf("want 1 port lost and nothing missed, got %v, %d, %v", perCPU, h.missed(), err)
	}
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
		gone []uint32
		most uint64
		want uint64
	}{
		{nil, 2, 0},               // others were skipped
		{[]uint32{7}, 2, 1},       // at whichever reading they were
		{[]uint32{7}, 2, 1},       // it stays known
		{[]uint32{7, 8, 9}, 2, 2}, // more cannot have been
		{[]uint32{7, 8, 9}, 3, 3},
		{[]uint32{8}, 3, 3},
		{[]uint32{7}, 4, 4}, // another of the same number
	} {
		if m.add(c.gone, c.most); m.n != c.want {
			t.Errorf("reading %d: %d, want %d", i, m.n, c.want)
		}
	}
}

// TestGoneProcesses wants those that the probes know and that are no more, by whichever
// table they are known.
func TestGoneProcesses(t *testing.T) {
	h := newByHand(t) // which makes this process known
	gone := endedProcess(t)
	p := &probes{coll: h.coll}
	if got, err := p.goneProcesses(); err != nil || len(got) != 0 {
		t.Fatalf("want none, got %v, %v", got, err)
	}
	for name, value := range map[string]any{fentryMapProcesses: uint32(1), fentryMapServers: &fentryTable{}} {
		table := h.coll.Maps[name]
		if err := table.Put(gone, value); err != nil {
			t.Fatal(err)
		}
		if got, err := p.goneProcesses(); err != nil || !slices.Equal(got, []uint32{gone}) {
			t.Errorf("%s: want %d, got %v, %v", name, gone, got, err)
		}
		if err := table.Delete(gone); err != nil {
			t.Fatal(err)
		}
	}
}

// endedProcess returns the number of one.
func endedProcess(t *testing.T) uint32 {
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Skip(err)
	}
	return uint32(cmd.Process.Pid)
}
