package engine

import "github.com/iotrace-xen/iotrace/xen"

// lowTable makes the pass over the frames lo to hi, all of a table of 4K
// entries.
func (p *pass) lowTable(t *lowTable, lo, hi xen.GFN, own *owner) (*lowTable, tally) {
	sum := p.tally(lo, hi)
	latest := noSection
	mine := false
	for g := lo; g <= hi; {
		if e := t.at[index(g, 1)]; !p.write && !p.special(e) {
			g++
			continue
		}
		if !mine {
			t, mine = t.edit(own), true
		}
		g += p.entries(t, g, hi, &sum, &latest)
	}
	return t, sum
}

// special says whether more is to be done to an entry than to write it.
func (p *pass) special(e entry) bool { return e.marked() || p.populate && e == leaf(P2MPoD) }

// entries makes the pass over frame g of a table that may be changed, and over
// those after it, up to hi, that are alike; it returns how many these were.
func (p *pass) entries(t *lowTable, g, hi xen.GFN, sum *tally, latest *uint64) xen.GFN {
	at := t.at[index(g, 1) : index(hi, 1)+1]
	was := at[0]
	if p.special(was) {
		p.entry(t, g, sum, latest)
		return 1
	}
	n := fill(at, p.to)
	count(was, p.to, p.moved, uint64(n), sum)
	if traitsOf[was&entryType].present != 0 {
		sum.flush(p.section(g), p.section(g+n-1), latest)
	}
	return n
}

// entry makes the pass over frame g, whose entry is special.
func (p *pass) entry(t *lowTable, g xen.GFN, sum *tally, latest *uint64) {
	wrote, flush := sum.wrote, false
	at := &t.at[index(g, 1)]
	if at.marked() {
		p.resolve(t, g, sum)
	}
	if p.populate && at.typ() == P2MPoD {
		set(at, leaf(P2MRAMRW), true, sum)
	}
	if p.write {
		flush = p.l.paged.whole && at.present()
		set(at, p.to, p.moved, sum)
	}
	if flush || !p.l.paged.whole && sum.wrote != wrote {
		sum.flush(p.section(g), p.section(g), latest)
	}
}

// resolve recalculates the marked entry of g: all of its table on EPT, it alone
// on NPT.
func (p *pass) resolve(t *lowTable, g xen.GFN, sum *tally) {
	if !p.l.paged.whole {
		p.recalc(&t.at[index(g, 1)], g, sum)
		return
	}
	base := tableOf(g, 1)
	for i := range t.at {
		if t.at[i].present() {
			p.recalc(&t.at[i], base+xen.GFN(i), sum)
		}
	}
}

// recalc rewrites one present entry with its final type.
func (p *pass) recalc(e *entry, g xen.GFN, sum *tally) {
	was := e.typ()
	is := p.l.seen(g, *e, e.marked())
	*e = leaf(is)
	sum.pw++
	sum.wrote++
	if was == P2MIOReqServer && is != was {
		sum.typed--
	}
}

// set writes one entry.
func set(e *entry, to entry, moved bool, sum *tally) {
	count(*e, to, moved, 1, sum)
	*e = to
}

// count counts n writes of to over entries like was, and what ioreq.entry_count
// and an IOMMU's own tables have of them.
func count(was, to entry, moved bool, n uint64, sum *tally) {
	old, now := &traitsOf[was&entryType], &traitsOf[to&entryType]
	sum.pw += n
	sum.sets += n
	sum.wrote += n * old.present
	sum.typed += n * (now.typed - old.typed)
	if moved || old.dma != now.dma {
		sum.dma += n
	}
}

// fill makes to of the first entry of at and of all after it that are alike, and
// returns how many these are.
func fill(at []entry, to entry) (n xen.GFN) {
	was := at[0]
	for i := range at {
		if at[i] != was {
			break
		}
		at[i] = to
		n++
	}
	return n
}
