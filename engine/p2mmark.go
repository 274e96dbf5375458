package engine

import "github.com/iotrace-xen/iotrace/xen"

// markAll marks the whole p2m: ept_change_entry_type_global and its like for
// NPT. It returns the cost less the lock section.
func (l *layout) markAll() (c Cost) {
	var n uint64
	l.near = nil
	l.top, n = l.top.mark(l.own)
	c.PW = n
	switch {
	case n == 0:
	case l.paged.whole:
		c.FL = 1
	case l.paged.perWrite:
		c.FL = n + 1
	default:
		c.FL = 2
	}
	return c
}

// global is p2m_change_entry_type_global: it marks the whole p2m and makes what
// it turns RAM into the rule, so that any other type than ram_logdirty switches
// log-dirty mode off.
func (l *layout) global(to P2MType) Cost {
	c := l.markAll()
	c.LK = 1
	l.dirty.global = to == P2MLogDirty
	return c
}

// changeRange is p2m_change_type_range: frames [first, last] become log-dirty or
// cease to be. Its marks stand at the highest level whose entries lie inside;
// superpages across an edge are split.
func (l *layout) changeRange(first, last xen.GFN, to P2MType) (c Cost) {
	if !l.mapped || first > l.max {
		return Cost{LK: 1}
	}
	last = min(last, l.max)
	switch {
	case first == last && l.paged.lone:
	case first == 0 && last == l.max:
		c = l.markAll()
	default:
		c = l.markRange(first, last)
	}
	c.LK = 1
	if to == P2MLogDirty {
		l.dirty.ranges.cover(uint64(first), uint64(last))
	} else {
		l.dirty.ranges.cut(uint64(first), uint64(last))
	}
	return c
}

// markRange is ept_change_entry_type_range and its like for NPT.
func (l *layout) markRange(first, last xen.GFN) Cost {
	var did way
	l.near = nil
	for level := 1; level <= topLevel; {
		mask := xen.GFN(1)<<(level*tableBits) - 1
		switch {
		case first&mask != 0:
			end := min(first|mask, last)
			l.top = l.markPart(l.top, topLevel, level, first, end, &did)
			if end == last {
				return l.rangeCost(&did)
			}
			first = end + 1
		case last&mask != mask:
			start := max(first, last&^mask)
			l.top = l.markPart(l.top, topLevel, level, start, last, &did)
			if start == first {
				return l.rangeCost(&did)
			}
			last = start - 1
		default:
			level++
		}
	}
	return l.rangeCost(&did)
}

func (l *layout) rangeCost(did *way) Cost {
	c := Cost{PW: did.pw, TA: did.ta, FL: min(did.wrote, 1)}
	switch {
	case l.paged.perWrite:
		c.FL = did.wrote
	case l.paged.whole && !did.synced:
		c.FL = 0
	}
	return c
}

// markPart is ept_invalidate_emt_range, p2m_pt_set_recalc_range: it marks the
// present entries of level target that span [first, last], all of one table.
func (l *layout) markPart(t *table, level, target int, first, last xen.GFN, did *way) *table {
	i := index(first, level)
	if level == target {
		return l.markEntries(t, i, index(last, level), did)
	}
	s := t.slots[t.find(i)]
	if s.e&entryTable == 0 {
		if !s.e.present() && !(l.paged.whole && s.e.typ() == P2MPoD) {
			return t
		}
		did.pw++
		did.wrote += present(s.e)
		p := pass{l: l}
		p.split(&s, level, target, l.own, did)
	}
	switch {
	case level > 2:
		s.sub = l.markPart(s.sub, level-1, target, first, last, did)
	default:
		s.low = s.low.edit(l.own)
		for j := index(first, 1); j <= index(last, 1); j++ {
			if e := &s.low.at[j]; e.present() && !e.marked() {
				*e |= entryMark
				did.marked(1)
			}
		}
	}
	return t.put(l.own, i, i, s)
}

// markEntries marks the present entries i to j of t.
func (l *layout) markEntries(t *table, i, j int, did *way) *table {
	for i <= j {
		k := t.find(i)
		s, end := t.slots[k], min(t.end(k), j)
		if s.e.present() && !s.e.marked() {
			s.e |= entryMark
			t = t.put(l.own, i, end, s)
			did.marked(uint64(end-i) + 1)
		}
		i = end + 1
	}
	return t
}

// marked notes that n entries were marked.
func (w *way) marked(n uint64) {
	w.pw += n
	w.wrote += n
	w.synced = true
}
