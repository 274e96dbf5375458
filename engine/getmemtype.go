package engine

import "github.com/iotrace-xen/iotrace/xen"

// memType is hvm_op's get_mem_type, which looks at a page as lookups do and
// populates nothing.
func (d *Domain) memType(g xen.GFN) Effect {
	var answer xen.MemType
	known := false
	for t, types := P2MRAMRW, d.Page(g); t < numP2MTypes; t++ {
		if !types.Has(t) {
			continue
		}
		is, one := d.memTypeOf(t, g)
		if !one || known && is != answer {
			return Effect{Ret: unknown(whyPage)}
		}
		answer, known = is, true
	}
	return carried(uint64(answer), Cost{})
}

// memTypeOf is the memory type that get_mem_type calls a type of pages. It is
// not one where the set that stands for the type leaves it open.
func (d *Domain) memTypeOf(t P2MType, g xen.GFN) (m xen.MemType, one bool) {
	l := d.exact()
	if l != nil {
		t = l.at(g)
	}
	switch t {
	case P2MMMIODM, P2MMMIODirect:
		return xen.MemMMIODM, true
	case P2MIOReqServer:
		return d.cfg.Profile.Get15.Type, true
	case P2MLogDirty, P2MRAMRO, P2MShared, P2MGrantRO:
		return xen.MemRAMRO, true
	case P2MRAMRW, P2MPoD, P2MGrantRW:
		return xen.MemRAMRW, true
	case P2MPaged: // RAM, but in a set it is shared RAM, too
		return xen.MemRAMRW, l != nil
	}
	return xen.MemMMIODM, l != nil
}
