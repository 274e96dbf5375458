package record

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestNoPointerIsKept fills structures with what looks like user addresses.
func TestNoPointerIsKept(t *testing.T) {
	const pointer = 0x00007fabcdef1000
	data := make([]byte, 32)
	for i := range 4 {
		le.PutUint64(data[8*i:], pointer)
	}
	for _, c := range []struct {
		nr   xen.Hypercall
		sub  uint64
		keep [4]bool
	}{
		{xen.HyperMemoryOp, uint64(xen.MemPopulatePhysmap), [4]bool{1: true, 2: true, 3: true}},
		{xen.HyperMemoryOp, uint64(xen.MemAcquireResource), [4]bool{true, true, true}},
		{xen.HyperMemoryOp, uint64(xen.MemAddToPhysmapBatch), [4]bool{true}},
		{xen.HyperMemoryOp, uint64(xen.MemPopulatePhysmap) | 512<<xen.MemoryOpBits, [4]bool{1: true, 2: true, 3: true}},
		{xen.HyperMemoryOp, 9, [4]bool{}},
		{xen.HyperHVMOp, uint64(xen.HVMTrackDirtyVRAM), [4]bool{true, true}},
		{xen.HyperHVMOp, 200, [4]bool{}},
		{xen.HyperMMUUpdate, pointer, [4]bool{}},
		{xen.HyperXenVersion, 6, [4]bool{}},
	} {
		d := newDecoder()
		e := decodeAll(d, rawHyperOf(1, c.nr, c.sub, data))[0].HypercallEnter()
		for i, keep := range c.keep {
			if (e.Words[i] != 0) != keep {
				t.Errorf("%v %#x: word %d is %#x, kept should be %v", c.nr, c.sub, i, e.Words[i], keep)
			}
		}
		if e.Sub == pointer {
			t.Errorf("%v: a pointer as sub-operation", c.nr)
		}
	}
}

func TestDomctlKeepsItsHeadOnly(t *testing.T) {
	data := make([]byte, 16)
	le.PutUint32(data, 2)
	le.PutUint32(data[4:], 0x15)
	le.PutUint16(data[8:], testDom)
	data[10] = 0xff
	got := decodeAll(newDecoder(), rawHyperOf(1, xen.HyperDomctl, 0x7f00, data), rawReturn(rawHyperRet, 2, 1, 0, data))
	e, r := got[0].HypercallEnter(), got[1].HypercallReturn()
	if e.Sub != 2 || e.Dom != testDom || e.Words != [4]uint64{0x15<<32 | 2, testDom} || !e.Known {
		t.Errorf("enter %+v", e)
	}
	if r.Dom != testDom || r.Words != e.Words {
		t.Errorf("return %+v", r)
	}
}

func TestDomainOfAStructure(t *testing.T) {
	data := make([]byte, 32)
	le.PutUint16(data, 4)
	le.PutUint16(data[24:], 5)
	for _, c := range []struct {
		nr   xen.Hypercall
		sub  uint64
		want xen.DomID
	}{
		{xen.HyperMemoryOp, uint64(xen.MemPopulatePhysmap), 5},
		{xen.HyperMemoryOp, uint64(xen.MemAddToPhysmap), 4},
		{xen.HyperHVMOp, uint64(xen.HVMSetMemType), 4},
		{xen.HyperEventChannel, uint64(xen.EventBindInterdomain), 4},
		{xen.HyperEventChannel, uint64(xen.EventSend), xen.DomInvalid},
		{xen.HyperSchedOp, 1, xen.DomInvalid},
	} {
		if e := decodeAll(newDecoder(), rawHyperOf(1, c.nr, c.sub, data))[0]; e.Dom != c.want {
			t.Errorf("%v %d: domain %d, want %d", c.nr, c.sub, e.Dom, c.want)
		}
	}
}

func TestUnreadableStructureIsUnknown(t *testing.T) {
	e := decodeAll(newDecoder(), rawHyperOf(1, xen.HyperMemoryOp, 28, make([]byte, 16)))[0].HypercallEnter()
	if e.Known || e.Dom != xen.DomInvalid || e.Nr != xen.HyperMemoryOp || e.Sub != 28 {
		t.Errorf("%+v", e)
	}
	op := rawDMOpOf(1, xen.DMOp{Op: xen.OpMapIORange})
	le.PutUint32(op[36:], 8)
	if got := decodeAll(newDecoder(), op)[0]; got.Kind != format.KindDMOpEnter || got.DMOpEnter().Known {
		t.Errorf("%+v", got.DMOpEnter())
	}
}
