package engine

import (
	"math/rand/v2"

	"github.com/iotrace-xen/iotrace/xen"
)

// The small world of the random tests: few servers, addresses and pages, so
// that operations meet.
const (
	worldPages = 48
	worldBase  = 0x40 // first page of the memory ranges
)

// randomOp returns an operation that has a fair chance to do something.
func randomOp(rnd *rand.Rand) Op {
	switch n := rnd.IntN(100); {
	case n < 45:
		return Op{Kind: OpAccess, Access: randomAccess(rnd)}
	case n < 50:
		return Op{Kind: OpAnswer, Answer: Answer{
			VCPU: xen.VCPU(rnd.IntN(3)), Server: xen.ServerID(rnd.IntN(4)), State: xen.State(rnd.IntN(5)),
		}}
	case n < 55:
		return Op{Kind: OpAcquire, Acquire: xen.AcquireResource{
			Dom: 1, ID: rnd.Uint32N(4), Frame: rnd.Uint64N(3), NrFrames: 1 + rnd.Uint32N(2),
		}}
	}
	op := Op{Kind: OpDM, NrBufs: 1, Size0: xen.DMOpSize, DM: xen.NewDMOp(randomBody(rnd))}
	switch rnd.IntN(40) {
	case 0:
		op.Size0 = rnd.Uint64N(32)
	case 1, 2:
		op.Caller = 5
	}
	return op
}

// randomRest returns an operation that is seldom or of another age.
func randomRest(rnd *rand.Rand) Op {
	switch rnd.IntN(5) {
	case 0:
		return Op{Kind: OpLife, Life: LifeEvent(1 + rnd.IntN(int(LifeResume)))}
	case 1:
		return Op{Kind: OpRing, Ring: RingMove{Server: xen.ServerID(rnd.IntN(4)), Read: rnd.Uint32N(1200)}}
	case 2:
		op := xen.HVMOp{Op: xen.HVMOpCode(rnd.IntN(24))}
		for i := range op.Body {
			op.Body[i] = uint8(rnd.IntN(256) >> rnd.IntN(8))
		}
		call := hvmCall(0, op)
		call.Done = rnd.Uint64N(3) << 8
		return call
	}
	return Op{Kind: OpParam, Caller: xen.DomID(rnd.IntN(2)), Param: Param{
		Set: rnd.IntN(2) == 0, Index: []uint32{5, 6, 13, 26, 32, 33, 99}[rnd.IntN(7)], Value: rnd.Uint64N(10),
	}}
}

func randomAccess(rnd *rand.Rand) Access {
	a := Access{
		VCPU: xen.VCPU(rnd.IntN(3)), Dir: xen.Dir(rnd.IntN(2)), Size: 1 << rnd.IntN(3), Count: 1,
		DataKnown: true,
	}
	if rnd.IntN(8) == 0 {
		a.Count = 1 + rnd.Uint32N(600)
		a.DataIsPtr, a.DF = true, rnd.IntN(2) == 0
	}
	switch rnd.IntN(3) {
	case 0:
		a.Type = xen.TypeCopy
		a.Addr = worldBase<<xen.PageShift + rnd.Uint64N(worldPages<<xen.PageShift)
		if rnd.IntN(4) == 0 {
			a.Addr = 0xa0000 + rnd.Uint64N(0x2000)
			a.Buffered = a.Dir == xen.DirWrite && !a.DataIsPtr && rnd.IntN(2) == 0
		}
	case 1:
		a.Addr = rnd.Uint64N(64)
	case 2:
		a.Addr = []uint64{0xcf8, 0xcf8, 0xcfc, 0xcfd, 0xcfe}[rnd.IntN(5)]
		if a.Addr == portCF8 && rnd.IntN(4) > 0 {
			a.Size, a.Count, a.DataIsPtr, a.Dir = 4, 1, false, xen.DirWrite
		}
		a.Data = uint64(rnd.Uint32N(2))<<31 | rnd.Uint64N(4)<<11 | rnd.Uint64N(64)<<2
		if rnd.IntN(8) == 0 {
			a.Data |= rnd.Uint64N(16) << 24
		}
	}
	return a
}

func randomBody(rnd *rand.Rand) xen.Body {
	id := xen.ServerID(rnd.IntN(4))
	switch rnd.IntN(14) {
	case 0:
		return xen.CreateIOReqServer{HandleBufIOReq: xen.BufMode(rnd.IntN(3))}
	case 1, 2, 3:
		return xen.MapIORange{ID: id, Range: randomRange(rnd)}
	case 4:
		return xen.UnmapIORange{ID: id, Range: randomRange(rnd)}
	case 5, 6, 7:
		return xen.SetIOReqServerState{ID: id, Enabled: uint8(rnd.IntN(4))}
	case 8:
		if rnd.IntN(3) == 0 {
			return xen.DestroyIOReqServer{ID: id}
		}
		return xen.GetIOReqServerInfo{ID: id, Flags: uint16(rnd.IntN(2)), BufPort: 0x77}
	case 9, 10:
		return xen.MapMemType{ID: id, Type: xen.MemIOReqServer, Flags: uint32(rnd.IntN(2)) * xen.AccessWrite}
	default:
		return xen.SetMemType{
			Type: xen.MemType(rnd.IntN(5)), Nr: 1 + rnd.Uint32N(6), First: xen.GFN(worldBase + rnd.Uint64N(worldPages)),
		}
	}
}

func randomRange(rnd *rand.Rand) xen.Range {
	r := xen.Range{Space: xen.Space(rnd.IntN(3))}
	switch r.Space {
	case xen.SpacePort:
		r.First = rnd.Uint64N(64)
		r.Last = r.First + rnd.Uint64N(16)
		if rnd.IntN(4) == 0 {
			r.First, r.Last = portCF8, portCF8+7
		}
	case xen.SpaceMemory:
		r.First = worldBase<<xen.PageShift + rnd.Uint64N(worldPages<<xen.PageShift)
		r.Last = r.First + rnd.Uint64N(4<<xen.PageShift)
		if rnd.IntN(4) == 0 {
			r.First, r.Last = vgaFirst, vgaLast
		}
	case xen.SpacePCI:
		r.First = rnd.Uint64N(4) << 3
		r.Last = r.First + rnd.Uint64N(16)
	}
	return r
}

// omniscient returns a domain of which everything is known, to stand for real
// Xen: RAM below the middle of the world and at its top, holes between, and
// accesses that all are stepped.
func omniscient(p Profile) *Domain {
	d := New(Config{Dom: 1, Profile: p, Complete: true, EveryAccess: true, CPU: CPU{ExtendedConfig: No}})
	d.pages.rest = setMMIODM
	d.pages.set(0, worldBase+worldPages/2, setRAMRW)
	d.pages.set(worldBase+worldPages-4, worldBase+worldPages+4, setRAMRW)
	d.noteMapped(^xen.GFN(0))
	d.pool = pool{sized: true, size: maxPoolPages, free: 1<<maxPoolPages - 1, based: true, base: 0xfe000}
	d.allies = []xen.DomID{5}
	return d
}
