package engine

import "github.com/iotrace-xen/iotrace/xen"

// A pass is one walk over a range of frames, in order. On its way to each frame
// it resolves what is marked (resolve_misconfig, do_recalc); with write it then
// sets entries (ept_set_entry, p2m_pt_set_entry).
//
// Entries of a run are alike, so the pass does for one of them what Xen does
// for each, and counts it as often as there are.
type pass struct {
	l *layout
	// from is where lock sections of 1<<sectionBits frames begin.
	from        xen.GFN
	sectionBits uint8
	// populate gives memory to populate-on-demand entries (P2M_ALLOC).
	populate bool
	// write sets every entry of a table of that level to to; moved says that
	// the new entry has another frame than the old one.
	write, moved bool
	to           entry
	level        int
}

// apply makes the pass over [first, last], and keeps the layout's counts.
func (l *layout) apply(p *pass, first, last xen.GFN) tally {
	if p.level <= 1 && tableOf(first, 1) == tableOf(last, 1) {
		if low := l.lowTable(first); low != nil {
			_, t := p.lowTable(low, first, last, l.own)
			l.count(&t)
			return t
		}
	}
	l.near = nil
	top, t := p.table(l.top, topLevel, first, last, l.own)
	l.top = top
	l.count(&t)
	return t
}

// count keeps the layout's own counts of what a pass did.
func (l *layout) count(t *tally) {
	l.typed += t.typed
	l.sets += t.sets
}

// table makes the pass over the frames lo to hi, all of table t.
func (p *pass) table(t *table, level int, lo, hi xen.GFN, own *owner) (*table, tally) {
	sum := p.tally(lo, lo)
	bits := spanBits(level)
	for g := lo; ; {
		i := index(g, level)
		k := t.find(i)
		n := p.alike(g, hi, t.end(k)-i+1, bits)
		licence := own
		if n > 1 {
			licence = nil // the result hangs in n entries
		}
		end := min(hi, g|(1<<bits-1))
		made, did := p.slot(t.slots[k], level, g, end, licence)
		stop := end + xen.GFN(n-1)<<bits
		did.times(p, uint64(n), end+1, stop)
		sum.then(&did)
		t = t.put(own, i, i+n-1, made)
		if stop == hi {
			return t, sum
		}
		g = stop + 1
	}
}

// alike returns how many of the next n entries, which are alike, have the same
// done to them from g on: those that the pass covers wholly, that lie inside or
// outside of one log-dirty range, and in one lock section if that is larger.
func (p *pass) alike(g, hi xen.GFN, n, bits int) int {
	if n == 1 || g&(1<<bits-1) != 0 {
		return 1
	}
	n = min(n, int((hi-g+1)>>bits))
	if int(p.sectionBits) > bits {
		after := p.from + xen.GFN(p.section(g)+1)<<p.sectionBits
		n = min(n, int((after-g)>>bits))
	}
	if n > 1 {
		last := p.l.dirty.alike(g, g+xen.GFN(n)<<bits-1)
		n = int((last - g + 1) >> bits)
	}
	return max(n, 1)
}

// slot makes the pass over the frames lo to hi below one entry of a table of
// level 2 to 4.
func (p *pass) slot(s slot, level int, lo, hi xen.GFN, own *owner) (slot, tally) {
	var w way
	if s.e&entryTable != 0 {
		p.descend(&s, own, &w)
	} else {
		p.superpage(&s, level, lo, own, &w)
	}
	did := p.tally(lo, hi)
	switch {
	case p.write && p.level == level:
		p.replace(&s, level, lo, own, &w)
	case s.e&entryTable == 0:
	case level == 2:
		s.low, did = p.lowTable(s.low, lo, hi, own)
	default:
		s.sub, did = p.table(s.sub, level-1, lo, hi, own)
	}
	did.on(&w, w.flushes(&p.l.paged))
	return s, did
}

// descend hands the mark of an entry that leads to a table on to the entries of
// that table.
func (p *pass) descend(s *slot, own *owner, w *way) {
	if !s.e.marked() {
		return
	}
	var n uint64
	if s.low != nil {
		s.low, n = s.low.mark(own)
	} else {
		s.sub, n = s.sub.mark(own)
	}
	s.e &^= entryMark
	w.pw += n + 1
	w.wrote += n + 1
}

// superpage resolves an entry that leads to no table, gives it memory if it is
// to be populated, and makes it a table if smaller entries are to be written.
func (p *pass) superpage(s *slot, level int, g xen.GFN, own *owner, w *way) {
	if s.e.marked() {
		w.pw++
		w.wrote++
		region := g &^ (1<<spanBits(level) - 1)
		is, one := p.l.dirty.over(region, region+1<<spanBits(level)-1)
		switch {
		case !p.l.changeable(s.e.typ()):
			s.e &^= entryMark
		case one:
			s.e = leaf(is)
		default: // some of it is log-dirty, some is not
			p.split(s, level, level-1, own, w)
			return
		}
	}
	if p.populate && s.e.typ() == P2MPoD {
		p.populateSuperpage(s, level, own, w)
	}
	if !p.write || p.level >= level || s.e&entryTable != 0 {
		return
	}
	w.pw++
	if s.e.present() || s.e.typ() == P2MPoD {
		w.wrote += present(s.e)
		w.synced = true
		p.split(s, level, p.level, own, w)
		return
	}
	w.ta++
	s.hang(0, level, own)
}

func present(e entry) uint64 {
	if e.present() {
		return 1
	}
	return 0
}

// populateSuperpage is p2m_pod_demand_populate: 2 MiB at once, from a cache
// that has them. There are none of 1 GiB, so such an entry is split first, by
// setting its first 2 MiB.
func (p *pass) populateSuperpage(s *slot, level int, own *owner, w *way) {
	w.pw++
	w.sets++
	if level == 2 {
		s.e = leaf(P2MRAMRW)
		w.dma++
		return
	}
	w.pw++
	w.synced = true
	p.split(s, level, level-1, own, w)
}

// split makes a superpage a table of entries that have its type and its mark:
// ept_split_super_page down to a table of level target, p2m_next_level by one.
func (p *pass) split(s *slot, level, target int, own *owner, w *way) {
	w.ta++
	e := s.e
	if p.l.paged.whole && target < level-1 {
		w.ta += tableSize
		s.hang(entryTable, level, own)
		s.sub.slots[0].hang(e, level-1, nil)
		return
	}
	s.hang(e, level, own)
}

// hang makes an entry lead to a table whose entries are all e.
func (s *slot) hang(e entry, level int, own *owner) {
	s.e = entryTable
	if level > 2 {
		s.sub = &table{own: own, slots: []slot{{e: e}}}
		return
	}
	s.low = &lowTable{own: own}
	for i := range s.low.at {
		s.low.at[i] = e
	}
}

// replace writes the entry at the level of the pass, over a superpage or a
// table, whose first frame is resolved first.
func (p *pass) replace(s *slot, level int, lo xen.GFN, own *owner, w *way) {
	if s.e&entryTable != 0 {
		only := pass{l: p.l, from: lo}
		was, did := only.slot(*s, level, lo, lo, own)
		w.pw += did.pw
		w.ta += did.ta
		w.wrote += did.wrote
		w.typed += did.typed - was.typed(level)
		s.sub, s.low = nil, nil
	}
	w.wrote += present(s.e)
	w.synced = w.synced || s.e.present()
	w.pw++
	w.dma++
	w.sets++
	s.e = p.to
}

// typed returns how many entries of type ioreq_server hang below s, an entry of
// a table of that level.
func (s slot) typed(level int) (n uint64) {
	if s.low != nil {
		for _, e := range s.low.at {
			if e.typ() == P2MIOReqServer {
				n++
			}
		}
		return n
	}
	if s.sub != nil {
		for k, below := range s.sub.slots {
			n += below.typed(level-1) * (uint64(s.sub.end(k)-int(below.first)) + 1)
		}
	}
	return n
}
