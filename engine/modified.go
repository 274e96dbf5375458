package engine

import "github.com/iotrace-xen/iotrace/xen"

// modifiedMemory is modified_memory, by which a device model says which frames it has
// written: those that hold RAM are dirty, if the domain is in log-dirty mode. The extent
// of a call that has one is Op.Memory's.
func (d *Domain) modifiedMemory(op *Op, b xen.ModifiedMemory) Effect {
	l := d.exact()
	switch {
	case b.NrExtents == 0:
		return Effect{Ret: done("no extents")}
	case l == nil:
		return Effect{Ret: unknown("whether the domain is in log-dirty mode is not known")}
	case !l.dirty.on:
		return Effect{Ret: done("the domain is not in log-dirty mode")}
	case op.NrBufs < maxBufs || b.NrExtents > 1:
		return Effect{Ret: unknown("but for one extent in buffer 1 modified_memory is not modelled")}
	}
	return l.modified(op, b)
}

// modified marks the frames of an extent from b.Opaque on. Xen compares the end, which
// is no part of the extent, with the domain's highest frame: of that one it never hears.
func (l *layout) modified(op *Op, b xen.ModifiedMemory) (e Effect) {
	first, nr := op.Memory.First, op.Memory.Nr
	end := first + xen.GFN(nr)
	switch {
	case end <= first || end > l.max:
		return Effect{Ret: fail(xen.EInval, "the extent is empty, or ends beyond the domain's highest page")}
	case uint64(b.Opaque) >= nr:
		return Effect{Ret: fail(xen.EInval, "more frames are done than the extent has")}
	}
	e.Ret = done("")
	first += xen.GFN(b.Opaque)
	if most := uint64(op.Preempt) * checkEvery; most != 0 && most < uint64(end-first) {
		end = first + xen.GFN(most)
		b.Opaque += uint32(most)
		e.Again, e.Cost.CN = true, 1
		e.handBack(b)
	}
	l.markRAM(first, end-1)
	return e
}

// markRAM marks those of the frames [first, last] that get_page_from_gfn has a page of.
func (l *layout) markRAM(first, last xen.GFN) {
	for g := first; ; g++ {
		end, t := l.stretch(g, last)
		if pageEntries>>t&1 != 0 {
			l.dirty.marked.cover(uint64(g), uint64(end))
		}
		if g = end; g >= last {
			return
		}
	}
}

// pageEntries are the types of frames that hold a page of the domain's.
const pageEntries = 1<<P2MRAMRW | 1<<P2MLogDirty | 1<<P2MRAMRO | 1<<P2MIOReqServer | 1<<P2MShared
