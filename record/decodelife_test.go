package record

import (
	"fmt"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

func TestProcessIsNamedOnceAndEnds(t *testing.T) {
	d := newDecoder()
	d.comm = func(uint32) string { return "qemu" }
	for _, b := range [][]byte{rawRecord(rawProcess, 1), rawDMOpOf(2, xen.DMOp{}), rawRecord(rawExit, 3), rawDMOpOf(4, xen.DMOp{})} {
		d.decode(b)
	}
	want := []format.Kind{format.KindProcess, format.KindDMOpEnter, format.KindProcessExit, format.KindProcess, format.KindDMOpEnter}
	if got := d.take(); !slices.Equal(kindsOf(got), want) || got[0].Process().Comm != "qemu" {
		t.Errorf("events %v", got)
	}
}

// TestUnmaskThatWaitedNamesNoProcessThatEnded: it is told when the port is bound anew, or
// with another's answer, and names its process only if that is still there. The next
// process of that number has its own name.
func TestUnmaskThatWaitedNamesNoProcessThatEnded(t *testing.T) {
	named := func(comm string, records ...[]byte) (names []string) {
		d := newDecoder()
		d.comm = func(uint32) string { return comm }
		for _, b := range records {
			d.decode(b)
		}
		events := d.take()
		if !slices.Contains(kindsOf(events), format.KindEvtchnUnmask) {
			t.Errorf("no unmask in %v", events)
		}
		for _, e := range events {
			if p := e.Process(); e.Kind == format.KindProcess && p.PID == testPID {
				names = append(names, p.Comm)
			}
		}
		return names
	}
	first, next := rawRecord(rawProcess, 1), rawRecord(rawProcess, 6)
	copy(first[rawHeadSize:], "first")
	copy(next[rawHeadSize:], "next")
	next[20] = testPID // its first thread, which has its name
	for _, late := range [][]byte{rawPort(rawUnmask, 2, 0), by(7, with(rawSlot(rawSlotOut, 5, 1, answerTo(askedIn)), 2, unmasker))} {
		if got := named("", first, rawRecord(rawExit, 3), late, next); !slices.Equal(got, []string{"first", "next"}) {
			t.Errorf("processes are named %q", got)
		}
		if got := named("qemu", late); !slices.Equal(got, []string{"qemu"}) {
			t.Errorf("one that is there is named %q", got)
		}
	}
}

// by gives a record to another process.
func by(pid uint32, b []byte) []byte {
	le.PutUint32(b[16:], pid)
	le.PutUint32(b[20:], pid)
	return b
}

// endOfRing is what the probes record when a ring with that many slots is no more.
func endOfRing(t uint64, total uint32) []byte {
	b := rawRingOf(t, 0, total)
	b[27] = flagEnded
	le.PutUint16(b[70:], 0)
	return b
}

func TestProcessLeavesNothingButItsRingsAccounts(t *testing.T) {
	d := lateDecoder()
	var ended []uint32
	d.ended = func(pid uint32) { ended = append(ended, pid) }
	got := decodeAll(d, rawRingOf(1, 0, 1, xen.BufIOReq{Size: 1}), rawRecord(rawExit, 2), rawRecord(rawExit, 3))
	if want := []format.Kind{format.KindBufIOReq, format.KindProcessExit}; !slices.Equal(kindsOf(got), want) {
		t.Errorf("events %v, want kinds %v", got, want)
	}
	if len(d.late.pages) != 0 || len(d.followed) != 0 || !slices.Equal(ended, []uint32{testPID, testPID}) {
		t.Errorf("something is left of the process; told of %v", ended)
	}
	if d.ringCounts(4); d.take()[0].RingCount() != (format.RingCount{Dom: testDom, Server: 1, Captured: 1}) {
		t.Error("the ring's account is not that of its one entry")
	}
}

// TestRingGoesOnInAnotherProcess: it finds there what the first one left.
func TestRingGoesOnInAnotherProcess(t *testing.T) {
	d := newDecoder()
	e := xen.BufIOReq{Size: 1}
	got := decodeAll(d, rawRingOf(1, 0, 2, e, e), rawRecord(rawExit, 2), by(7, rawRingOf(3, 1, 3, e)), by(7, endOfRing(4, 4)))
	want := []format.Kind{
		format.KindBufIOReq, format.KindBufIOReq, format.KindProcessExit, format.KindBufIOReq, format.KindLost, format.KindRingCount,
	}
	if !slices.Equal(kindsOf(got), want) || got[3].BufIOReq().Caller.PID != 7 {
		t.Fatalf("events %v, want kinds %v", got, want)
	}
	if c := got[5].RingCount(); c.Captured != 3 || c.Lost != 1 || len(d.rings) != 0 || len(d.order) != 0 {
		t.Errorf("account %+v, %d rings left", c, len(d.rings))
	}
	if late := decodeAll(d, by(7, endOfRing(5, 0))); len(late) != 0 {
		t.Errorf("a ring without entries ends with %v", late)
	}
}

// TestAnotherProcessAnswers: the request is the server's, whoever took it.
func TestAnotherProcessAnswers(t *testing.T) {
	q := xen.IOReq{Addr: 0x5678, Size: 1, Count: 1, EPort: 9, State: xen.StateReady}
	done := q
	done.State = xen.StateRespReady
	take, exit, answer := rawSlot(rawSlotIn, 1, 1, q), rawRecord(rawExit, 2), by(7, rawSlot(rawSlotOut, 3, 1, done))
	join := func(between ...[]byte) (taken, answered uint64) {
		for _, e := range decodeAll(newDecoder(), slices.Concat([][]byte{take, exit}, between, [][]byte{answer})...) {
			switch e.Kind {
			case format.KindIOReq:
				taken = e.IOReq().ID
			case format.KindIOResp:
				answered = e.IOReq().ID
			}
		}
		return taken, answered
	}
	if taken, answered := join(); taken != answered || taken == 0 {
		t.Errorf("request %d, answer %d", taken, answered)
	}
	create := xen.NewDMOp(xen.CreateIOReqServer{ID: 1})
	other := xen.NewDMOp(xen.CreateIOReqServer{ID: 2})
	if taken, answered := join(rawDMOpOf(10, other), rawReturn(rawDMOpRet, 11, 10, 0, other.Append(nil))); taken != answered {
		t.Errorf("after another server's creation: request %d, answer %d", taken, answered)
	}
	if taken, answered := join(rawDMOpOf(10, create), rawReturn(rawDMOpRet, 11, 10, 0, create.Append(nil))); taken == answered {
		t.Error("an answer to a new server's request has the old one's id")
	}
	destroy := []byte{2, 0, 0, 0, 0, 0, 0, 0, testDom, 0, 0, 0}
	if taken, answered := join(rawHyperOf(10, xen.HyperDomctl, 0, destroy), rawReturn(rawHyperRet, 11, 10, 0, destroy)); taken == answered {
		t.Error("an answer in a new domain has the id of the old one's request")
	}
}

// TestExecIsAnotherProgramOfTheProcess also has the new program make a call, which
// does not name the process once more.
func TestExecIsAnotherProgramOfTheProcess(t *testing.T) {
	d := lateDecoder()
	d.comm = func(uint32) string { return "qemu" }
	var unmapped []uint32
	d.ended = func(pid uint32) { unmapped = append(unmapped, pid) }
	exec := rawRecord(rawExec, 2)
	copy(exec[rawHeadSize:], "heir\x00of nothing")
	for _, b := range [][]byte{rawRingOf(1, 0, 1, xen.BufIOReq{Size: 1}), exec, rawRecord(rawProcess, 3), rawDMOpOf(4, xen.DMOp{})} {
		d.decode(b)
	}
	got := d.take()
	want := []format.Kind{format.KindProcess, format.KindBufIOReq, format.KindProcess, format.KindDMOpEnter}
	if !slices.Equal(kindsOf(got), want) || got[2].Process() != (format.Process{PID: testPID, Comm: "heir"}) {
		t.Errorf("events %v, want kinds %v", got, want)
	}
	if len(d.late.pages) != 0 || !slices.Equal(unmapped, []uint32{testPID}) {
		t.Errorf("something is left of the old program's mappings; told of %v", unmapped)
	}
}

// TestFirstThreadNamesItsProcess: another may have a name of its own.
func TestFirstThreadNamesItsProcess(t *testing.T) {
	named := func(tid uint32) string {
		d := newDecoder()
		d.comm = func(uint32) string { return "now" }
		b := rawRecord(rawProcess, 1)
		le.PutUint32(b[20:], tid)
		copy(b[rawHeadSize:], "then")
		d.decode(b)
		return d.take()[0].Process().Comm
	}
	if first, other := named(testPID), named(testTID); first != "then" || other != "now" {
		t.Errorf("named %q by the first thread, %q by another", first, other)
	}
}

// TestRingsThatNoRecordToldOfAreCounted has a ring of which the last slots found no
// room, and one of which nothing did.
func TestRingsThatNoRecordToldOfAreCounted(t *testing.T) {
	d := newDecoder()
	decodeAll(d, rawRingOf(10, 0, 2, xen.BufIOReq{Size: 1}, xen.BufIOReq{Size: 1}))
	known := d.order[0].name
	unknown := ringName{dom: testDom, server: 4, in: mapping{born: 77}}
	d.untold(20, map[ringName]uint64{known: 5, unknown: 7, {dom: testDom, server: 5}: 0})
	d.ringCounts(20)
	var lost, counts []string
	for _, e := range d.take() {
		switch e.Kind {
		case format.KindLost:
			lost = append(lost, fmt.Sprint(e.Server, e.Lost().Count))
		case format.KindRingCount:
			counts = append(counts, fmt.Sprint(e.Server, e.RingCount().Captured, e.RingCount().Lost))
		}
	}
	if !slices.Equal(lost, []string{"1 3", "4 7"}) || !slices.Equal(counts, []string{"1 2 3", "4 0 7"}) {
		t.Errorf("lost %v, counts %v", lost, counts)
	}
}
