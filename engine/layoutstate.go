package engine

import (
	"encoding/binary"
)

// LayoutState is a known layout of the p2m. Tables with the same contents are
// one TableState, and stand before those that lead to them; the root is the
// last.
type LayoutState struct {
	Tables []TableState
	Max    MappedState // max_mapped_pfn
	Dirty  DirtyState
}

// TableState is a table as runs of entries that are alike. Level is 1 for a
// table of 4K entries and 4 for the root.
type TableState struct {
	Level uint8
	Runs  []EntryRun // ascending, up to entry 511; no two neighbours are alike
}

// EntryRun is a run of entries up to Last.
type EntryRun struct {
	Last   uint16
	Kind   EntryKind
	Type   P2MType // of a leaf
	Marked bool    // to be recalculated
	Table  uint32  // index of the table that a table entry leads to
}

// EntryKind says what an entry is.
type EntryKind uint8

// The kinds.
const (
	EntryHole EntryKind = iota
	EntryLeaf
	EntryTable
)

// DirtyState says which RAM is log-dirty when an entry is recalculated, what is dirty,
// and what track_dirty_vram tracks.
type DirtyState struct {
	On, Global bool
	Ranges     []Span
	Marked     []Span
	Tracks     bool
	VRAM       Span
}

// export returns l as a value.
func (l *layout) export() *LayoutState {
	if l == nil {
		return nil
	}
	x := exporter{ids: map[string]uint32{}, seen: map[any]uint32{}}
	x.table(l.top, topLevel)
	return &LayoutState{
		Tables: x.tables, Max: MappedState{l.mapped, l.max},
		Dirty: DirtyState{l.dirty.on, l.dirty.global, l.dirty.ranges.export(), l.dirty.marked.export(), l.dirty.tracks, Span{l.dirty.vram.first, l.dirty.vram.last}},
	}
}

// exporter gives tables their numbers: one for all that have the same contents.
type exporter struct {
	tables []TableState
	ids    map[string]uint32
	seen   map[any]uint32
}

func (x *exporter) table(t *table, level int) uint32 {
	if id, ok := x.seen[t]; ok {
		return id
	}
	s := TableState{Level: uint8(level)}
	for k := range t.slots {
		e := t.slots[k].e
		r := e.export(t.end(k))
		switch {
		case e&entryTable == 0:
		case level == 2:
			r.Table = x.low(t.slots[k].low)
		default:
			r.Table = x.table(t.slots[k].sub, level-1)
		}
		s.push(r)
	}
	x.seen[t] = x.number(s)
	return x.seen[t]
}

func (x *exporter) low(t *lowTable) uint32 {
	if id, ok := x.seen[t]; ok {
		return id
	}
	s := TableState{Level: 1}
	for i, e := range t.at {
		s.push(e.export(i))
	}
	x.seen[t] = x.number(s)
	return x.seen[t]
}

// push adds a run, or makes the last longer.
func (s *TableState) push(r EntryRun) {
	if n := len(s.Runs); n > 0 {
		was := s.Runs[n-1]
		if was.Last = r.Last; was == r {
			s.Runs[n-1] = r
			return
		}
	}
	s.Runs = append(s.Runs, r)
}

func (e entry) export(last int) EntryRun {
	r := EntryRun{Last: uint16(last), Marked: e.marked()}
	switch {
	case e&entryTable != 0:
		r.Kind = EntryTable
	case e&entryType != 0:
		r.Kind, r.Type = EntryLeaf, e.typ()
	}
	return r
}

// number returns the number of a table, a new one if none is like it.
func (x *exporter) number(s TableState) uint32 {
	key := []byte{s.Level}
	for _, r := range s.Runs {
		key = binary.LittleEndian.AppendUint16(key, r.Last)
		if key = append(key, byte(r.Kind), byte(r.Type)); r.Marked {
			key[len(key)-1] |= byte(entryMark)
		}
		key = binary.LittleEndian.AppendUint32(key, r.Table)
	}
	id, ok := x.ids[string(key)]
	if !ok {
		id = uint32(len(x.tables))
		x.ids[string(key)] = id
		x.tables = append(x.tables, s)
	}
	return id
}
