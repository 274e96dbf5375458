package engine

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/xen"
)

var entryTypeNames = p2mTypeNames[:]

// layOut adds a stretch to the domain's memory, or with each a page of each
// type, in the order of their names.
func (s *script) layOut(a *args) string {
	m := Mapping{First: xen.GFN(a.num("first", 0)), Last: xen.GFN(a.num("last", 0)), Order: uint8(a.num("order", 0))}
	m.Type = P2MType(a.named("type", 0, entryTypeNames...))
	if !a.has("each") {
		return s.addMaps(m)
	}
	var all []Mapping
	for t := range numEntryTypes {
		if t == P2MSpecial || t == P2MIOReqServer && s.d.cfg.Profile.Type15 == Type15None {
			continue
		}
		g := m.First + xen.GFN(len(all))
		all = append(all, Mapping{First: g, Last: g, Type: t})
	}
	return s.addMaps(all...)
}

func (s *script) addMaps(ms ...Mapping) string {
	was := s.maps
	s.maps = append(s.maps[:len(s.maps):len(s.maps)], ms...)
	if err := s.d.LayOut(s.maps); err != nil {
		s.maps = was
		return err.Error()
	}
	return "ok"
}

// rights prints what an entry lets the guest do, by kind of paging, and what a
// device may do through tables of the IOMMU's own.
func (s *script) rights(a *args) string {
	t, claimed := P2MType(a.named("type", 0, entryTypeNames...)), a.has("claimed")
	r := s.d.cfg.Profile.Rights(t, claimed)
	return fmt.Sprintf("EPT %v  NPT %v  DMA %v", r, r.NPT(), dmaRights[t])
}

func (s *script) memory(a *args, m MemoryCall) string {
	m.First = xen.GFN(a.num("first", 0))
	return s.step(Op{Kind: OpMemory, Memory: m}, func(e Effect) string {
		if e.Out.Mask[0] == 0 {
			return retText(e)
		}
		if m.Kind == MemGetType {
			return xen.MemType(e.Out.Words[0]).String()
		}
		return fmt.Sprintf("%d done", e.Out.Words[0])
	})
}

func (s *script) populate(a *args) string {
	m := MemoryCall{Kind: MemPopulate, Nr: a.num("nr", 1), Order: uint8(a.num("order", 0))}
	if a.has("pod") {
		m.Kind = MemPopulatePoD
	}
	return s.memory(a, m)
}

func (s *script) decrease(a *args) string {
	return s.memory(a, MemoryCall{Kind: MemDecrease, Nr: a.num("nr", 1), Order: uint8(a.num("order", 0))})
}

func (s *script) add(a *args) string {
	return s.memory(a, MemoryCall{Kind: MemAdd, Type: P2MType(a.named("type", 0, entryTypeNames...))})
}

func (s *script) remove(a *args) string  { return s.memory(a, MemoryCall{Kind: MemRemove}) }
func (s *script) getType(a *args) string { return s.memory(a, MemoryCall{Kind: MemGetType}) }

func (s *script) logDirty(a *args) string {
	for i, name := range []string{"enable", "clean", "disable"} {
		if a.has(name) {
			return s.memory(a, MemoryCall{Kind: LogDirtyEnable + MemoryKind(i)})
		}
	}
	return "enable, clean or disable?"
}

// dirty prints which frames, up to the last, are dirty.
func (s *script) dirty(a *args) string {
	text := "dirty"
	for g := range xen.GFN(a.num("last", 0) + 1) {
		if is := s.d.Dirty(g); is != No {
			text += fmt.Sprintf(" %#x %v", uint64(g), is)
		}
	}
	return text
}

func (s *script) track(a *args) string {
	op := call(xen.TrackDirtyVRAM{First: xen.GFN(a.num("first", 0)), Nr: uint32(a.num("nr", 0))})
	op.NrBufs = 2
	return s.step(op, retText)
}

func (s *script) modified(a *args) string {
	op := call(xen.ModifiedMemory{NrExtents: uint32(a.num("extents", 1)), Opaque: uint32(a.num("opaque", 0))})
	op.NrBufs, op.Preempt = 2, uint32(a.num("preempt", 0))
	op.Memory = MemoryCall{First: xen.GFN(a.num("first", 0)), Nr: a.num("nr", 1)}
	return s.step(op, retText)
}

func (s *script) fetch(a *args) string {
	return s.step(Op{Kind: OpAccess, Access: Access{
		Type: xen.TypeCopy, Dir: xen.DirRead, Fetch: true, Addr: a.num("gpa", 0), Size: 4, Count: 1,
	}}, routeText)
}
