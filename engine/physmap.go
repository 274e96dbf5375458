package engine

import "github.com/iotrace-xen/iotrace/xen"

// MemoryKind says what a call about memory does.
type MemoryKind uint8

// The kinds. Frames are First on; the calls that take extents take Nr of them,
// each of 1<<Order frames, the others one frame.
const (
	MemPopulate     MemoryKind = iota + 1 // populate_physmap, or ballooning in
	MemPopulatePoD                        // populate_physmap, populated on demand
	MemDecrease                           // decrease_reservation, or ballooning out
	MemAdd                                // add_to_physmap: First becomes of type Type
	MemRemove                             // remove_from_physmap: First
	MemGetType                            // hvm_op get_mem_type: of First
	LogDirtyEnable                        // domctl shadow_op ENABLE_LOGDIRTY
	LogDirtyClean                         // CLEAN
	LogDirtyDisable                       // OFF
	numMemoryKinds
)

// A MemoryCall is a call of the toolstack or the guest itself about memory. What it
// changes can only be said where the layout of the p2m is known. The extents
// that were done, or the memory type, are word 0 of Effect.Out.
type MemoryCall struct {
	Kind  MemoryKind
	Order uint8   // of an extent, 0 to 18
	Type  P2MType // of MemAdd: P2MRAMRW, P2MGrantRW, P2MGrantRO, P2MForeign or P2MMMIODirect
	First xen.GFN
	Nr    uint64 // extents
}

// maxOrder is that of the largest extent.
const maxOrder = 2 * tableBits

// memory steps a call about memory.
func (d *Domain) memory(m *MemoryCall) Effect {
	if m.Kind == MemGetType {
		return d.memType(m.First)
	}
	l := d.exact()
	if l == nil {
		return Effect{Ret: unknown("the layout of the p2m is not known")}
	}
	switch m.Kind {
	case LogDirtyEnable:
		return l.enable()
	case LogDirtyClean:
		return l.clean()
	case LogDirtyDisable:
		return l.disable()
	}
	if last := m.First + xen.GFN(m.frames()) - 1; m.wrong() || last < m.First || last > maxFrame {
		return Effect{Ret: unknown("no such call is modelled")}
	}
	switch m.Kind {
	case MemPopulate:
		return l.populate(m, P2MRAMRW, m.Nr)
	case MemPopulatePoD:
		return l.populate(m, P2MPoD, l.extents(m, setAll&^(setRAM|setIOReqServer|setPaged)|setPoD))
	case MemDecrease:
		return l.decrease(m)
	case MemAdd:
		return l.add(m)
	}
	return l.remove(m.First)
}

func (m *MemoryCall) frames() uint64 {
	if m.Kind == MemAdd || m.Kind == MemRemove {
		return 1
	}
	return m.Nr << min(m.Order, maxOrder)
}

// wrong says that m is no call of Xen's interface.
func (m *MemoryCall) wrong() bool {
	switch m.Kind {
	case MemPopulate, MemPopulatePoD, MemDecrease:
		return m.Order > maxOrder || m.Nr == 0 || m.Nr > uint64(maxFrame)>>m.Order+1
	case MemAdd:
		switch m.Type {
		case P2MRAMRW, P2MGrantRW, P2MGrantRO, P2MForeign, P2MMMIODirect:
			return false
		}
		return true
	}
	return m.Kind != MemRemove
}

// extents returns how many extents, from the first on, have pages of these
// types alone.
func (l *layout) extents(m *MemoryCall, types P2MTypes) uint64 {
	last := m.First + xen.GFN(m.frames()) - 1
	for g := m.First; ; g++ {
		end, t := l.stretch(g, last)
		if t.Set()&^types != 0 {
			return uint64(g-m.First) >> m.Order
		}
		if g = end; g >= last {
			return m.Nr
		}
	}
}

// carried is the effect of a call that did n extents.
func carried(n uint64, c Cost) Effect {
	e := Effect{Ret: done(""), Cost: c}
	e.Out.Mask[0], e.Out.Words[0] = ^uint64(0), n
	return e
}

// populate maps n extents, by the largest pages that their order and alignment
// allow: guest_physmap_add_entry, guest_physmap_mark_populate_on_demand. Each
// is one lock section.
func (l *layout) populate(m *MemoryCall, t P2MType, n uint64) Effect {
	if n == 0 {
		return carried(0, Cost{LK: 1})
	}
	level := 1
	for level < 3 && m.Order >= uint8(level)*tableBits && m.First&(1<<(level*tableBits)-1) == 0 {
		level++
	}
	p := pass{l: l, from: m.First, sectionBits: m.Order, write: true, moved: t != P2MPoD, to: leaf(t), level: level}
	last := m.First + xen.GFN(n<<m.Order) - 1
	done := l.apply(&p, m.First, last)
	l.noteMapped(last)
	c := l.written(&done, n)
	if n < m.Nr {
		c.LK++ // the extent that was refused
	}
	return carried(n, c)
}

// decrease unmaps pages one by one up to the first that holds no memory:
// guest_remove_page, p2m_pod_decrease_reservation.
func (l *layout) decrease(m *MemoryCall) Effect {
	pages := MemoryCall{Kind: m.Kind, First: m.First, Nr: m.frames()}
	n := l.extents(&pages, setRAM|setIOReqServer|setPaged)
	var c Cost
	if n != 0 {
		c = l.write(&pass{from: m.First, moved: true}, m.First, n)
	}
	if n < pages.Nr {
		c.LK++ // the look-up that refused
	}
	return carried(n>>m.Order, c)
}

// add is xenmem_add_to_physmap_one: what is mapped at the frame leaves first.
func (l *layout) add(m *MemoryCall) Effect {
	var c Cost
	if l.at(m.First).Set()&(setRAM|setIOReqServer) != 0 {
		c = l.write(&pass{from: m.First, moved: true}, m.First, 1)
	}
	w := l.write(&pass{from: m.First, moved: true, to: leaf(m.Type)}, m.First, 1)
	c.Add(&w)
	l.noteMapped(m.First)
	return Effect{Ret: done(""), Cost: c}
}

// remove is XENMEM_remove_from_physmap.
func (l *layout) remove(g xen.GFN) Effect {
	if l.at(g).Set()&(setRAM|setIOReqServer) == 0 {
		return Effect{Ret: fail(xen.ENoEnt, "no page is mapped there"), Cost: Cost{LK: 1}}
	}
	return Effect{Ret: done(""), Cost: l.write(&pass{from: g, populate: true, moved: true}, g, 1)}
}
