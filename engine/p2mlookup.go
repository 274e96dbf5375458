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
	e, marked := l.path(g)
	return l.seen(g, e, marked)
}

// path returns the entry at which a walk to g ends, and whether it or one on the
// way to it is marked.
func (l *layout) path(g xen.GFN) (e entry, marked bool) {
	for t, level := l.top, topLevel; ; level-- {
		s := &t.slots[t.find(index(g, level))]
		marked = marked || s.e.marked()
		switch {
		case s.e&entryTable == 0:
			return s.e, marked
		case level == 2:
			e := s.low.at[index(g, 1)]
			return e, marked || e.marked()
		}
		t = s.sub
	}
}

// stretch returns the end of a run from g on, not beyond last, whose pages all
// have the type of the first. The run may go on behind it.
func (l *layout) stretch(g, last xen.GFN) (xen.GFN, P2MType) {
	if !l.mapped || g > l.max {
		return last, P2MMMIODM
	}
	last = min(last, l.max)
	if t := l.lowTable(g); t != nil {
		return l.stretchLow(t, g, min(last, g|(tableSize-1)), false)
	}
	marked := false
	for t, level := l.top, topLevel; ; level-- {
		i := index(g, level)
		k := t.find(i)
		s := &t.slots[k]
		marked = marked || s.e.marked()
		bits := spanBits(level)
		e, below, one := s.e, false, s.e&entryTable == 0
		if !one && t.end(k) > i { // a table that stands for many
			e, below, one = s.single()
		}
		switch {
		case one:
			end := min(last, tableOf(g, level)+xen.GFN(t.end(k)+1)<<bits-1)
			if marked || below {
				end = l.dirty.alike(g, end)
			}
			return end, l.seen(g, e, marked || below)
		case level == 2:
			return l.stretchLow(s.low, g, min(last, g|(tableSize-1)), marked)
		}
		t = s.sub
	}
}

// single returns the entry that all pages below s have, if it is easily seen
// that they have one, and whether there is a mark on the way to it.
func (s *slot) single() (e entry, marked, one bool) {
	for s.low == nil {
		if s.e&entryTable == 0 {
			return s.e, marked, true
		}
		if len(s.sub.slots) != 1 {
			return 0, false, false
		}
		s = &s.sub.slots[0]
		marked = marked || s.e.marked()
	}
	e = s.low.at[0]
	for _, is := range s.low.at {
		if is != e {
			return 0, false, false
		}
	}
	return e, marked || e.marked(), true
}

// stretchLow is stretch in a table of 4K entries, up to end.
func (l *layout) stretchLow(t *lowTable, g, end xen.GFN, marked bool) (xen.GFN, P2MType) {
	e := t.at[index(g, 1)]
	typ := l.seen(g, e, marked || e.marked())
	for g < end {
		e := t.at[index(g+1, 1)]
		if l.seen(g+1, e, marked || e.marked()) != typ {
			break
		}
		g++
	}
	return g, typ
}

// lowTable returns the table of 4K entries that spans g, if no mark stands on
// the way to it and it can be changed in place. It spares steady work on few
// tables the way down; whatever marks, shares or replaces tables clears near.
func (l *layout) lowTable(g xen.GFN) *lowTable {
	if base := tableOf(g, 1); l.near != nil && l.at0 == base {
		return l.near
	}
	t := l.top
	for level := topLevel; ; level-- {
		s := &t.slots[t.find(index(g, level))]
		switch {
		case t.own != l.own || s.e != entryTable:
			return nil
		case level == 2:
			if s.low.own != l.own {
				return nil
			}
			l.near, l.at0 = s.low, tableOf(g, 1)
			return s.low
		}
		t = s.sub
	}
}
