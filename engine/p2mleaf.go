package engine

import "github.com/iotrace-xen/iotrace/xen"

// lowTable makes the pass over the frames lo to hi, all of a table of 4K
// entries.
func (p *pass) lowTable(t *lowTable, lo, hi xen.GFN, own *owner) (*lowTable, tally) {
	sum := p.tally(lo, hi)
	latest := ^uint64(0)
	mine := false
	edit := func() {
		if !mine {
			t, mine = t.edit(own), true
		}
	}
	for g := lo; ; g++ {
		wrote, flush := sum.wrote, false
		e := t.at[index(g, 1)]
		if e.marked() {
			edit()
			p.resolve(t, g, &sum)
		}
		if p.populate && e.typ() == P2MPoD {
			edit()
			p.set(&t.at[index(g, 1)], leaf(P2MRAMRW), true, &sum)
		}
		if p.write {
			edit()
			at := &t.at[index(g, 1)]
			flush = p.l.paged.whole && at.present()
			p.set(at, p.to, p.moved, &sum)
		}
		if flush || !p.l.paged.whole && sum.wrote != wrote {
			sum.flush(p.section(g), &latest)
		}
		if g == hi {
			return t, sum
		}
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

// set writes one entry and counts what ioreq.entry_count and an IOMMU's own
// tables have of it.
func (p *pass) set(e *entry, to entry, moved bool, sum *tally) {
	was, is := e.typ(), to.typ()
	sum.pw++
	sum.wrote += present(*e)
	if was == P2MIOReqServer {
		sum.typed--
	}
	if is == P2MIOReqServer {
		sum.typed++
	}
	if moved || dmaRights(was) != dmaRights(is) {
		sum.dma++
	}
	*e = to
}
