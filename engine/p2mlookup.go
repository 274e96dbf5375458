package engine

import "github.com/iotrace-xen/iotrace/xen"

// seen is what a lookup calls an entry at g with a mark on its path or not:
// p2m_recalc_type. Lookups apply the rule without writing the entry.
func (l *layout) seen(g xen.GFN, e entry, marked bool) P2MType {
	t := e.typ()
	if !marked || !l.changeable(t) {
		return t
	}
	return l.dirty.ram(g)
}

// changeable says whether a recalculation gives a page of type t another one:
// p2m_is_changeable, less what the claim keeps.
func (l *layout) changeable(t P2MType) bool {
	switch t {
	case P2MRAMRW, P2MLogDirty:
		return true
	case P2MIOReqServer:
		return l.paged.ram15 && !l.claimed
	}
	return false
}

// at returns the type of frame g as a lookup sees it.
func (l *layout) at(g xen.GFN) P2MType {
	if !l.mapped || g > l.max {
		return P2MMMIODM
	}
	marked := false
	for t, level := l.top, topLevel; ; level-- {
		s := &t.slots[t.find(index(g, level))]
		marked = marked || s.e.marked()
		switch {
		case s.e&entryTable == 0:
			return l.seen(g, s.e, marked)
		case level == 2:
			e := s.low.at[index(g, 1)]
			return l.seen(g, e, marked || e.marked())
		}
		t = s.sub
	}
}

// stretch returns the end of a run from g on, not beyond last, whose pages all
// have the type of the first.
func (l *layout) stretch(g, last xen.GFN) (xen.GFN, P2MType) {
	if !l.mapped || g > l.max {
		return last, P2MMMIODM
	}
	if last > l.max {
		last = l.max
	}
	marked := false
	for t, level := l.top, topLevel; ; level-- {
		k := t.find(index(g, level))
		s := &t.slots[k]
		marked = marked || s.e.marked()
		bits := spanBits(level)
		end := min(last, tableOf(g, level)+xen.GFN(t.end(k)+1)<<bits-1)
		switch {
		case s.e&entryTable == 0:
			typ := l.seen(g, s.e, marked)
			if marked && l.changeable(s.e.typ()) {
				end = l.dirty.alike(g, end)
			}
			return end, typ
		case level == 2:
			return l.stretchLow(s.low, g, end, marked)
		}
		t = s.sub
	}
}

// stretchLow is stretch in a table of 4K entries, which stands for all up to
// end.
func (l *layout) stretchLow(t *lowTable, g, end xen.GFN, marked bool) (xen.GFN, P2MType) {
	i := index(g, 1)
	typ := l.seen(g, t.at[i], marked || t.at[i].marked())
	for n := 1; n < tableSize; n++ { // around, for one table may stand for many
		if g+xen.GFN(n) > end {
			return end, typ
		}
		e := t.at[(i+n)&(tableSize-1)]
		if l.seen(g+xen.GFN(n), e, marked || e.marked()) != typ {
			return g + xen.GFN(n) - 1, typ
		}
	}
	return l.dirty.alike(g, end), typ
}
