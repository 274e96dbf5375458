package engine

// restoreLayout is the inverse of export.
func restoreLayout(cfg *Config, s *LayoutState) (*layout, error) {
	if s == nil {
		return nil, nil
	}
	l := newLayout(cfg)
	x := importer{upper: make([]*table, len(s.Tables)), low: make([]*lowTable, len(s.Tables)), typed: make([]uint64, len(s.Tables))}
	for i := range s.Tables {
		if why := x.table(i, s.Tables); why != "" {
			return nil, badState("table %d: %s", i, why)
		}
	}
	n := len(s.Tables)
	if n == 0 || s.Tables[n-1].Level != topLevel {
		return nil, badState("a layout without a root")
	}
	l.top, l.typed = x.upper[n-1], x.typed[n-1]
	l.max, l.mapped = s.Max.GFN, s.Max.Known
	d := &s.Dirty
	l.dirty = logDirty{on: d.On, global: d.Global, tracks: d.Tracks, vram: span{d.VRAM.First, d.VRAM.Last}}
	var ranges, marked bool
	l.dirty.ranges, ranges = restoreSpans(d.Ranges)
	l.dirty.marked, marked = restoreSpans(d.Marked)
	switch {
	case !ranges || !marked || d.VRAM.First > d.VRAM.Last || !d.Tracks && d.VRAM != (Span{}):
		return nil, badState("log-dirty frames out of order")
	case l.max > maxFrame || !l.mapped && l.max != 0:
		return nil, badState("highest frame %#x", uint64(l.max))
	}
	return l, nil
}

// importer makes tables of their states. They carry no licence: each may stand
// for many.
type importer struct {
	upper []*table
	low   []*lowTable
	typed []uint64 // entries of type ioreq_server below each
}

// table makes table i and returns what is wrong with it, "" if nothing is.
func (x *importer) table(i int, all []TableState) string {
	s := &all[i]
	if s.Level < 1 || s.Level > topLevel {
		return "no such level"
	}
	low, upper := &lowTable{}, &table{}
	first := 0
	for k, r := range s.Runs {
		e, why := r.entry(s.Level, all[:i])
		if why != "" {
			return why
		}
		same := r
		if same.Last = 0; k > 0 {
			same.Last = s.Runs[k-1].Last
		}
		if int(r.Last) < first || r.Last >= tableSize || k > 0 && same == s.Runs[k-1] {
			return "runs out of order or alike"
		}
		n := uint64(int(r.Last)-first) + 1
		to := slot{first: uint16(first), e: e}
		switch {
		case r.Kind == EntryTable:
			to.sub, to.low = x.upper[r.Table], x.low[r.Table]
			x.typed[i] += n * x.typed[r.Table]
		case r.Kind == EntryLeaf && r.Type == P2MIOReqServer:
			x.typed[i] += n
		}
		upper.slots = append(upper.slots, to)
		for j := first; s.Level == 1 && j <= int(r.Last); j++ {
			low.at[j] = e
		}
		first = int(r.Last) + 1
	}
	if first != tableSize {
		return "entries are missing"
	}
	if s.Level == 1 {
		x.low[i] = low
	} else {
		x.upper[i] = upper
	}
	return ""
}

// entry returns the entry that r stands for in a table of a level, behind the
// tables below, or what is wrong with it.
func (r EntryRun) entry(level uint8, below []TableState) (e entry, why string) {
	switch {
	case r.Kind == EntryHole && r.Type == 0 && !r.Marked && r.Table == 0:
		return 0, ""
	case r.Kind == EntryLeaf && r.Type < numEntryTypes && r.Type != P2MSpecial && r.Table == 0:
		e = leaf(r.Type)
		if level == topLevel || level > 1 && r.Type == P2MIOReqServer || r.Marked && !e.present() {
			return 0, "no entry has that type there"
		}
	case r.Kind == EntryTable && r.Type == 0 && uint64(r.Table) < uint64(len(below)) && below[r.Table].Level+1 == level:
		e = entryTable
	default:
		return 0, "no such entry"
	}
	if r.Marked {
		e |= entryMark
	}
	return e, ""
}
