package engine

import "github.com/iotrace-xen/iotrace/xen"

// slowP2M is the p2m entry by entry, in Xen's steps: the stupid twin of layout.
type slowP2M struct {
	whole, perWrite, lone, logs bool // as in paging

	top        *slowTable
	max        xen.GFN
	claimed    bool
	typed      int
	sets       uint64 // calls of p2m_set_entry
	on, global bool
	ranges     [1 << 20]bool    // logdirty_ranges
	marked     map[xen.GFN]bool // in the bitmap
	vram       [2]xen.GFN       // first frame and the one after the last

	c     Cost
	dirty bool // a present entry was overwritten in this lock section
	sync  bool // EPT flushes when the lock is released
}

type slowTable struct{ at [512]slowEntry }

type slowEntry struct {
	valid bool
	typ   P2MType
	mark  bool
	sub   *slowTable
}

func (e *slowEntry) present() bool {
	if e.sub != nil {
		return true
	}
	switch e.typ {
	case P2MMMIODM, P2MPoD, P2MPaged, P2MBroken:
		return false
	}
	return e.valid
}

func newSlow(p Profile) *slowP2M {
	return &slowP2M{whole: p.WholeTable, perWrite: p.FlushPerWrite, lone: p.LoneUnmarked, logs: p.TrackLogs, top: &slowTable{}, marked: map[xen.GFN]bool{}}
}

// markDirty is paging_mark_pfn_dirty for a write.
func (s *slowP2M) markDirty(g xen.GFN, dir xen.Dir) {
	if s.on && dir == xen.DirWrite {
		s.marked[g] = true
	}
}

func slowIndex(g xen.GFN, level int) int { return int(g >> (9 * level) & 511) }

// write overwrites a live entry.
func (s *slowP2M) write(e *slowEntry, to slowEntry) {
	s.c.PW++
	if e.present() {
		s.dirty = true
		if s.perWrite {
			s.c.FL++
		}
	}
	if e.sub == nil && e.valid && e.typ == P2MIOReqServer {
		s.typed--
	}
	if to.valid && to.typ == P2MIOReqServer {
		s.typed++
	}
	*e = to
}

// unlock ends a lock section.
func (s *slowP2M) unlock() {
	s.c.LK++
	if s.whole && s.sync || !s.whole && !s.perWrite && s.dirty {
		s.c.FL++
	}
	s.dirty, s.sync = false, false
}

// logged is p2m_is_logdirty_range: 0, 1, or -1 for both.
func (s *slowP2M) logged(first, last xen.GFN) int {
	if s.global {
		return 1
	}
	n := 0
	for g := first; g <= last; g++ {
		if s.ranges[g] {
			n++
		}
	}
	switch n {
	case 0:
		return 0
	case int(last - first + 1):
		return 1
	}
	return -1
}

func (s *slowP2M) changeable(t P2MType) bool {
	return t == P2MRAMRW || t == P2MLogDirty || t == P2MIOReqServer && !s.claimed
}

func (s *slowP2M) recalcType(mark bool, t P2MType, g xen.GFN) P2MType {
	if !mark || !s.changeable(t) {
		return t
	}
	if s.global || s.ranges[g] {
		return P2MLogDirty
	}
	return P2MRAMRW
}

// lookup is get_entry.
func (s *slowP2M) lookup(g xen.GFN) P2MType {
	if g > s.max {
		return P2MMMIODM
	}
	mark := false
	for t, level := s.top, 3; ; level-- {
		e := &t.at[slowIndex(g, level)]
		mark = mark || e.mark
		if e.sub == nil {
			if !e.valid {
				return P2MMMIODM
			}
			return s.recalcType(mark, e.typ, g)
		}
		t = e.sub
	}
}

// split makes e a table, and on EPT down to level target.
func (s *slowP2M) split(e slowEntry, level, target int) slowEntry {
	s.c.TA++
	t := &slowTable{}
	for i := range t.at {
		t.at[i] = e
		if s.whole && level-1 > target {
			t.at[i] = s.split(e, level-1, target)
		}
	}
	return slowEntry{valid: true, sub: t, typ: P2MRAMRW}
}

// resolve is resolve_misconfig and do_recalc.
func (s *slowP2M) resolve(g xen.GFN) (changed bool) {
	t := s.top
	for level := 3; ; level-- {
		e := &t.at[slowIndex(g, level)]
		switch {
		case e.sub != nil:
			if e.mark {
				changed = true
				for i := range e.sub.at {
					if b := &e.sub.at[i]; b.present() && !b.mark {
						m := *b
						m.mark = true
						s.write(b, m)
					}
				}
				m := *e
				m.mark = false
				s.write(e, m)
			}
			t = e.sub
			continue
		case !e.mark:
			return changed
		case level == 0:
			s.resolveLeaves(t, g)
			return true
		}
		mask := xen.GFN(1)<<(9*level) - 1
		m := *e
		m.mark = false
		if s.changeable(e.typ) {
			switch s.logged(g&^mask, g|mask) {
			case 0:
				m.typ = P2MRAMRW
			case 1:
				m.typ = P2MLogDirty
			default:
				s.write(e, s.split(*e, level, level-1))
				t, changed = e.sub, true
				continue
			}
		}
		s.write(e, m)
		return true
	}
}

func (s *slowP2M) resolveLeaves(t *slowTable, g xen.GFN) {
	for i := range t.at {
		at := g&^511 | xen.GFN(i)
		if e := &t.at[i]; e.present() && (s.whole || at == g) {
			s.write(e, slowEntry{valid: true, typ: s.recalcType(e.mark, e.typ, at)})
		}
	}
}

// set is set_entry at level (0 for 4K).
func (s *slowP2M) set(g xen.GFN, level int, to slowEntry) {
	s.sets++
	s.resolve(g)
	t, split := s.top, false
	for l := 3; l > level; l-- {
		e := &t.at[slowIndex(g, l)]
		switch {
		case e.sub != nil:
		case e.present() || e.valid && e.typ == P2MPoD:
			target := l - 1
			if s.whole {
				target = level
			}
			s.write(e, s.split(*e, l, target))
			split = true
		default:
			s.c.TA++
			s.write(e, slowEntry{valid: true, typ: P2MRAMRW, sub: &slowTable{}})
		}
		t = e.sub
	}
	e := &t.at[slowIndex(g, level)]
	if split || e.present() {
		s.sync = true
	}
	s.drop(e.sub)
	s.write(e, to)
	if last := g + 1<<(9*level) - 1; to.valid {
		s.max = max(s.max, last)
	}
}

// drop forgets the typed entries of a table that is freed.
func (s *slowP2M) drop(t *slowTable) {
	if t == nil {
		return
	}
	for i := range t.at {
		e := &t.at[i]
		if s.drop(e.sub); e.sub == nil && e.valid && e.typ == P2MIOReqServer {
			s.typed--
		}
	}
}

// populate is p2m_pod_demand_populate, if g is to be populated.
func (s *slowP2M) populate(g xen.GFN) {
	for s.lookup(g) == P2MPoD {
		t, level := s.top, 3
		for t.at[slowIndex(g, level)].sub != nil {
			t = t.at[slowIndex(g, level)].sub
			level--
		}
		if level == 2 {
			s.set(g&^(1<<18-1), 1, slowEntry{valid: true, typ: P2MPoD})
			continue
		}
		s.set(g&^(1<<(9*level)-1), level, slowEntry{valid: true, typ: P2MRAMRW})
	}
}

// markAll is p2m_change_entry_type_global.
func (s *slowP2M) markAll(to P2MType) {
	n := uint64(0)
	for i := range s.top.at {
		if e := &s.top.at[i]; e.present() && !e.mark {
			m := *e
			m.mark = true
			s.write(e, m)
			n++
		}
	}
	if n != 0 {
		s.sync = true
		if !s.whole {
			s.c.FL++
		}
	}
	s.unlock()
	s.global = to == P2MLogDirty
}

// changeRange is p2m_change_type_range.
func (s *slowP2M) changeRange(first, last xen.GFN, to P2MType) {
	if first > s.max {
		s.unlock()
		return
	}
	last = min(last, s.max)
	for g := first; g <= last; g++ {
		s.ranges[g] = to == P2MLogDirty
	}
	if first == last && s.lone {
		s.unlock()
		return
	}
	if first == 0 && last == s.max {
		was := s.global
		s.markAll(to)
		s.global = was
		return
	}
	after := last + 1
	for level := 0; first < after; level++ {
		size := xen.GFN(1) << (9 * level)
		up := size << 9
		for ; first&(up-1) != 0 && first < after; first += size {
			s.markOne(first, level)
		}
		for ; first < after && after&(up-1) != 0; after -= size {
			s.markOne(after-size, level)
		}
	}
	s.unlock()
}

// markOne marks one entry of a level, and splits what is larger.
func (s *slowP2M) markOne(g xen.GFN, level int) {
	t := s.top
	for l := 3; l > level; l-- {
		e := &t.at[slowIndex(g, l)]
		if e.sub == nil {
			if !e.present() && !(s.whole && e.valid && e.typ == P2MPoD) {
				return
			}
			target := l - 1
			if s.whole {
				target = level
			}
			s.write(e, s.split(*e, l, target))
		}
		t = e.sub
	}
	if e := &t.at[slowIndex(g, level)]; e.present() && !e.mark {
		m := *e
		m.mark = true
		s.write(e, m)
		s.sync = true
	}
}

// sweep is the loop over p2m_finish_type_change.
func (s *slowP2M) sweep(from xen.GFN, limit int) (next xen.GFN, preempted, changed bool) {
	for n := 1; s.typed != 0 && from <= s.max; n++ {
		for g := from; g < from+256 && g <= s.max; g++ {
			changed = s.resolve(g)
		}
		s.sync = false // resolving flushes nothing on EPT
		s.unlock()
		from += 256
		if from <= s.max && n == limit {
			return from, true, false
		}
	}
	return 0, false, changed
}
