package engine

import (
	"slices"

	"github.com/iotrace-xen/iotrace/xen"
)

// tableBits is how many frames, as a power of two, one table of 4K entries
// maps, and how many entries, as a power of two, a table has.
const tableBits = 9

const (
	tableSize = 1 << tableBits
	topLevel  = 4 // of the root table, whose entries span 512 GiB
	// maxFrame is the last frame that four levels reach.
	maxFrame xen.GFN = 1<<(topLevel*tableBits) - 1
)

// owner is the licence to change tables in place. Each layout has its own, and
// gets a new one when it is cloned.
type owner struct{ _ byte }

// A table is a p2m table of level 2 to 4, as runs of entries that are alike.
//
// One table can stand for many: the entries of a run that lead to tables lead to
// the same one, because those tables have the same contents. A clone shares all
// tables with its original. So a table is changed in place only by the layout
// whose licence it carries, and only tables that hang in a single entry carry
// one; others are copied first. No table below one without a licence has one.
type table struct {
	own   *owner
	slots []slot // the first begins at 0; no two neighbours are alike
}

// slot is a run of entries of a table, up to the next slot's first.
type slot struct {
	first uint16
	e     entry
	sub   *table    // below an entry of level 3 or 4 that leads to tables
	low   *lowTable // below an entry of level 2
}

// lowTable is a table of 4K entries.
type lowTable struct {
	own *owner
	at  [tableSize]entry
}

// spanBits returns how many frames an entry of a table of this level spans, as a
// power of two.
func spanBits(level int) int { return (level - 1) * tableBits }

// index returns the entry of a table of this level that spans g.
func index(g xen.GFN, level int) int { return int(g>>spanBits(level)) & (tableSize - 1) }

// tableOf returns the first frame of the table of this level that spans g.
func tableOf(g xen.GFN, level int) xen.GFN { return g &^ (1<<(level*tableBits) - 1) }

// find returns the run that holds entry i.
func (t *table) find(i int) int {
	lo, hi := 0, len(t.slots)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; int(t.slots[mid].first) <= i {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// end returns the last entry of run k.
func (t *table) end(k int) int {
	if k+1 < len(t.slots) {
		return int(t.slots[k+1].first) - 1
	}
	return tableSize - 1
}

// edit returns t, or a copy of it that own may change.
func (t *table) edit(own *owner) *table {
	if own != nil && t.own == own {
		return t
	}
	return &table{own: own, slots: slices.Clone(t.slots)}
}

func (t *lowTable) edit(own *owner) *lowTable {
	if own != nil && t.own == own {
		return t
	}
	return &lowTable{own: own, at: t.at}
}

func (s slot) alike(o slot) bool { return s.e == o.e && s.sub == o.sub && s.low == o.low }

// put makes s the entries first to last of t and returns t or its copy.
func (t *table) put(own *owner, first, last int, s slot) *table {
	s.first = uint16(first)
	k := t.find(first)
	old := t.slots[k]
	if last <= t.end(k) && old.alike(s) {
		return t
	}
	t = t.edit(own)
	if exact := int(old.first) == first && t.end(k) == last; exact && !t.joins(k, s) {
		t.slots[k] = s
		return t
	}
	t.splice(k, first, last, s)
	return t
}

// joins says whether s in the place of run k would be like a neighbour.
func (t *table) joins(k int, s slot) bool {
	return k > 0 && t.slots[k-1].alike(s) || k+1 < len(t.slots) && t.slots[k+1].alike(s)
}

// splice puts s over the entries first to last, the first of which is in run k.
func (t *table) splice(k, first, last int, s slot) {
	var parts [5]slot // a neighbour, a rest, s, a rest, a neighbour
	n, from := 0, k
	add := func(x slot) {
		if n == 0 || !parts[n-1].alike(x) {
			parts[n] = x
			n++
		}
	}
	if k > 0 {
		from--
		add(t.slots[from])
	}
	if int(t.slots[k].first) < first {
		add(t.slots[k])
	}
	add(s)
	to := t.find(last)
	if t.end(to) > last {
		rest := t.slots[to]
		rest.first = uint16(last + 1)
		add(rest)
	}
	if to++; to < len(t.slots) {
		add(t.slots[to])
		to++
	}
	t.slots = slices.Replace(t.slots, from, to, parts[:n]...)
}

// mark marks every present entry of t, and returns how many were not.
func (t *table) mark(own *owner) (*table, uint64) {
	var n uint64
	for k := range t.slots {
		if s := t.slots[k]; s.e.present() && !s.e.marked() {
			if n == 0 {
				t = t.edit(own)
			}
			t.slots[k].e |= entryMark
			n += uint64(t.end(k)-int(s.first)) + 1
		}
	}
	if n != 0 {
		t.join()
	}
	return t, n
}

// join merges neighbours that have become alike.
func (t *table) join() {
	t.slots = slices.CompactFunc(t.slots, slot.alike)
}

func (t *lowTable) mark(own *owner) (*lowTable, uint64) {
	var n uint64
	for i, e := range t.at {
		if e.present() && !e.marked() {
			if n == 0 {
				t = t.edit(own)
			}
			t.at[i] |= entryMark
			n++
		}
	}
	return t, n
}
