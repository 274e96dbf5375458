package record

import (
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

func TestEndOfAProcessClosesItsAccounts(t *testing.T) {
	d := lateDecoder()
	var ended []uint32
	d.ended = func(pid uint32) { ended = append(ended, pid) }
	got := decodeAll(d, rawRingOf(1, 0, 1, xen.BufIOReq{Size: 1}), rawRecord(rawExit, 2), rawRecord(rawExit, 3))
	want := []format.Kind{format.KindBufIOReq, format.KindRingCount, format.KindProcessExit}
	if !slices.Equal(kindsOf(got), want) || got[1].RingCount().Captured != 1 || got[1].Time != 2 {
		t.Errorf("events %v, want kinds %v", got, want)
	}
	if d.ringCounts(4); len(d.take()) != 0 || len(d.rings) != 0 || len(d.late.pages) != 0 {
		t.Error("something is left of the process")
	}
	if !slices.Equal(ended, []uint32{testPID, testPID}) {
		t.Errorf("told of %v", ended)
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
	want := []format.Kind{format.KindProcess, format.KindBufIOReq, format.KindRingCount, format.KindProcess, format.KindDMOpEnter}
	if !slices.Equal(kindsOf(got), want) || got[3].Process() != (format.Process{PID: testPID, Comm: "heir"}) {
		t.Errorf("events %v, want kinds %v", got, want)
	}
	if len(d.rings) != 0 || len(d.late.pages) != 0 || !slices.Equal(unmapped, []uint32{testPID}) {
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
