package engine

import "github.com/iotrace-xen/iotrace/xen"

// setMemType is set_mem_type of a claimed domain, page by page.
func (s *slowP2M) setMemType(b xen.SetMemType, preempt int) (e xen.Errno, done uint32) {
	last := b.First + xen.GFN(b.Nr) - 1
	if b.Nr == 0 || last < b.First || last > s.max || b.Type == xen.MemUnused || b.Type > xen.MemIOReqServer ||
		b.Type == xen.MemIOReqServer && !s.claimed {
		return xen.EInval, 0
	}
	to := map[xen.MemType]P2MType{0: P2MRAMRW, 1: P2MRAMRO, 2: P2MMMIODM, 4: P2MIOReqServer}[b.Type]
	for ; done < b.Nr; done++ {
		if done != 0 && done%256 == 0 && int(done/256) == preempt {
			return xen.ERestart, done
		}
		g := b.First + xen.GFN(done)
		was := s.lookup(g)
		switch ram := was == P2MRAMRW || was == P2MPoD || was == P2MLogDirty || was == P2MRAMRO; {
		case was == P2MPaged || was == P2MShared:
			e = xen.EAgain
		case to == P2MRAMRW && (ram || was == P2MIOReqServer):
		case to == P2MRAMRO && ram:
		case to == P2MMMIODM && (ram || was == P2MMMIODM):
		case to == P2MIOReqServer && (was == P2MRAMRW || was == P2MPoD):
		default:
			e = xen.EInval
		}
		if e == xen.OK {
			s.populate(g)
			s.set(g, 0, slowEntry{valid: true, typ: to})
		}
		s.unlock()
		if e != xen.OK {
			return e, done
		}
	}
	return xen.OK, done
}

// access is a guest's access to memory, up to where the emulator takes over.
func (s *slowP2M) access(a *Access) (ends bool) {
	g := xen.GFNOf(a.Addr)
	fault := func() {
		s.c.VX++
		s.unlock()
	}
	if s.resolve(g) {
		s.c.FX++
		fault()
	}
	if s.lookup(g) == P2MPoD {
		s.populate(g)
		s.markDirty(g, a.Dir)
		fault()
	}
	t := s.lookup(g)
	switch {
	case t == P2MMMIODM, t == P2MPaged, a.Dir == xen.DirWrite && (t == P2MIOReqServer || t == P2MRAMRO):
		return false
	case t == P2MLogDirty && a.Dir == xen.DirWrite:
		s.set(g, 0, slowEntry{valid: true, typ: P2MRAMRW})
		s.markDirty(g, a.Dir)
		fault()
	case t == P2MShared && a.Dir == xen.DirWrite:
		s.c.Unknown++
		s.markDirty(g, a.Dir)
		fault()
	}
	return true
}

// modified is modified_memory, frame by frame.
func (s *slowP2M) modified(b xen.ModifiedMemory, op *Op, e Effect) (errno xen.Errno, again bool) {
	m := &op.Memory
	switch end := m.First + xen.GFN(m.Nr); {
	case !s.on:
		return xen.OK, false
	case end <= m.First, end > s.max, uint64(b.Opaque) >= m.Nr:
		return xen.EInval, false
	}
	for n := uint64(b.Opaque); n < m.Nr; n++ {
		if at := n - uint64(b.Opaque); op.Preempt != 0 && at == uint64(op.Preempt)*checkEvery {
			s.c.CN++
			return xen.OK, e.Out.Words == xen.NewDMOp(xen.ModifiedMemory{NrExtents: 1, Opaque: uint32(n)}).Words()
		}
		switch g := m.First + xen.GFN(n); s.lookup(g) {
		case P2MRAMRW, P2MLogDirty, P2MRAMRO, P2MIOReqServer, P2MShared:
			s.marked[g] = true
		}
	}
	return xen.OK, false
}

// memory steps a call about memory, and returns how many extents were done.
func (s *slowP2M) memory(m *MemoryCall) (e xen.Errno, done uint64) {
	ram := func(t P2MType) bool {
		return t == P2MRAMRW || t == P2MLogDirty || t == P2MRAMRO || t == P2MIOReqServer
	}
	switch m.Kind {
	case MemPopulate, MemPopulatePoD:
		return xen.OK, s.populateAll(m, ram)
	case MemDecrease:
		for i := range m.Nr << m.Order {
			t := s.lookup(m.First + xen.GFN(i))
			can := ram(t) || t == P2MPoD || t == P2MPaged || t == P2MShared
			if can {
				s.set(m.First+xen.GFN(i), 0, slowEntry{})
			}
			if s.unlock(); !can {
				return xen.OK, i >> m.Order
			}
		}
		return xen.OK, m.Nr
	case MemAdd:
		if t := s.lookup(m.First); ram(t) || t == P2MPoD {
			s.set(m.First, 0, slowEntry{})
			s.unlock()
		}
		s.set(m.First, 0, slowEntry{valid: true, typ: m.Type})
		s.unlock()
	case MemRemove:
		t := s.lookup(m.First)
		if ram(t) || t == P2MPoD {
			s.populate(m.First)
			s.set(m.First, 0, slowEntry{})
		} else {
			e = xen.ENoEnt
		}
		s.unlock()
	case LogDirtyEnable:
		switch {
		case s.on:
			return xen.EInval, 0
		case s.typed != 0:
			return xen.EBusy, 0
		}
		s.on = true
		s.markAll(P2MLogDirty)
		s.c.FL++
	case LogDirtyClean:
		clear(s.marked)
		s.markAll(P2MLogDirty)
		s.c.FL++
	case LogDirtyDisable:
		if s.on {
			s.on = false
			clear(s.marked)
			s.markAll(P2MRAMRW)
		}
	}
	return e, 0
}

func (s *slowP2M) populateAll(m *MemoryCall, ram func(P2MType) bool) uint64 {
	level, size := 0, xen.GFN(1)
	for level < 2 && int(m.Order) >= 9*(level+1) && m.First&(size<<9-1) == 0 {
		level++
		size <<= 9
	}
	typ := P2MRAMRW
	if m.Kind == MemPopulatePoD {
		typ = P2MPoD
	}
	for i := range m.Nr {
		first := m.First + xen.GFN(i<<m.Order)
		after := first + 1<<m.Order
		for g := first; typ == P2MPoD && g < after; g++ {
			if t := s.lookup(g); ram(t) || t == P2MPaged || t == P2MShared {
				s.unlock()
				return i
			}
		}
		for g := first; g < after; g += size {
			s.set(g, level, slowEntry{valid: true, typ: typ})
		}
		s.unlock()
	}
	return m.Nr
}

// track is hap_track_dirty_vram.
func (s *slowP2M) track(first xen.GFN, nr uint32) {
	after := first + xen.GFN(nr)
	was := s.vram
	switch {
	case nr == 0:
		s.vram = [2]xen.GFN{}
		if was[1] > was[0] {
			s.changeRange(was[0], was[1]-1, P2MRAMRW)
		}
	case was == [2]xen.GFN{first, after}:
		for g := first; g < after; g++ {
			if s.lookup(g) == P2MRAMRW {
				s.set(g, 0, slowEntry{valid: true, typ: P2MLogDirty})
			}
		}
		s.unlock()
		s.c.FL++
	default:
		s.on, s.vram = s.on || s.logs, [2]xen.GFN{first, after}
		if was[1] > was[0] {
			s.changeRange(was[0], was[1]-1, P2MRAMRW)
		}
		s.changeRange(first, after-1, P2MLogDirty)
		s.c.FL++
	}
}
