package engine

import "github.com/iotrace-xen/iotrace/xen"

// A transition is one column of Xen's allow_p2m_type_change: the type that
// set_mem_type writes, and the old types it may replace. Populate-on-demand
// pages are populated first and then count as ram_rw.
type transition struct {
	to   P2MType
	from P2MTypes
}

const setRAM = setRAMRW | setLogDirty | setRAMRO | setPoD

// transition returns the column of a memory type in this release.
func (p *Profile) transition(to xen.MemType) (t transition, known bool) {
	switch {
	case to == xen.MemRAMRW:
		return transition{P2MRAMRW, setRAM | setIOReqServer}, true
	case to == xen.MemRAMRO:
		return transition{P2MRAMRO, setRAM}, true
	case to == xen.MemMMIODM:
		return transition{P2MMMIODM, setRAM | setMMIODM}, true
	case !p.Set15.Known || to != p.Set15.Type:
		return transition{}, false
	case p.Type15 == Type15Claimed:
		return transition{P2MIOReqServer, setRAMRW | setPoD}, true
	}
	return transition{P2MIOReqServer, setRAM}, true
}

// setMemType is dm_op's set_mem_type. It stops at the first page that refuses;
// pages before that one stay changed.
func (d *Domain) setMemType(op *Op, b xen.SetMemType, e *Effect) {
	t, r := d.mayRetype(b)
	e.Ret, e.Out, e.Again = r, Out{}, false
	switch l := d.exact(); {
	case !r.ok():
	case l != nil:
		l.setMemType(op, b, t, e)
	default:
		d.retypeRun(b.First, b.First+xen.GFN(b.Nr)-1, t, e)
	}
}

// mayRetype makes the checks that come before the look at pages.
func (d *Domain) mayRetype(b xen.SetMemType) (transition, Ret) {
	t, known := d.cfg.Profile.transition(b.Type)
	claim := known && t.to == P2MIOReqServer && d.cfg.Profile.Type15 == Type15Claimed
	switch {
	case b.Pad != 0:
		return t, fail(xen.EInval, whyPad)
	case b.Nr == 0 || b.First+xen.GFN(b.Nr)-1 < b.First:
		return t, fail(xen.EInval, "the run of pages is empty or wraps")
	case !known:
		return t, fail(xen.EInval, "no such memory type")
	case claim && (d.hap == No || d.claim.held == No):
		return t, d.unclaimed(b.First + xen.GFN(b.Nr) - 1)
	case claim && d.claim.held == Maybe:
		return t, unknown("whether ioreq_server is claimed predates the trace")
	}
	return t, done("")
}

// retypeRun is the rest of set_mem_type where the layout is not known.
func (d *Domain) retypeRun(first, last xen.GFN, t transition, e *Effect) {
	stop, r := d.pages.walk(first, last, t)
	if d.trail != nil {
		d.trail.refused(d, stop, r)
	}
	e.Ret = r
	switch {
	case !r.Known:
	case !d.anyMapped || last > d.mapped:
		// Xen looks at max_mapped_pfn first; that too is EINVAL.
		if r.Errno != xen.EInval {
			e.Ret = unknown("whether the run ends beyond the domain's highest page is not visible")
			return
		}
		if stop > first {
			d.pages.widen(first, stop-1, 1<<t.to)
		}
		e.Cost.Unknown = 1
	case r.Errno == xen.OK:
		d.retype(first, last, t, &e.Cost)
	default:
		if stop > first {
			d.retype(first, stop-1, t, &e.Cost)
		}
		e.Cost.LK++ // the look-up that refused
	}
}

// walk asks every page of [first, last] in order whether it lets itself be
// changed. It returns the first that does not, with its error.
func (p *p2m) walk(first, last xen.GFN, t transition) (stop xen.GFN, r Ret) {
	for g := first; ; {
		s := p.stretch(g, last)
		if r := t.allows(s.types); !r.ok() {
			return g, r
		}
		if s.last == last {
			return last, done("")
		}
		g = s.last + 1
	}
}

// allows says whether a page that is of one of these types lets itself be
// changed.
func (t transition) allows(types P2MTypes) Ret {
	switch no := types &^ t.from; {
	case no == 0:
		return done("")
	case types&t.from != 0:
	case no == setPaged:
		return fail(xen.EAgain, "a page is paged out or shared")
	case no&setPaged == 0:
		return fail(xen.EInval, "a page's type forbids the change")
	}
	return unknown(whyPage)
}

// retype gives the pages [first, last] their new type and adds the cost: for
// each page one lock section, one write, and one flush if the old entry was
// present. NPT's flush after every write comes to the same, for a page has one
// write; the writes that split a superpage are not visible, so in a region not
// known to have a table of 4K entries the cost is a lower bound. So it is where
// marks of a recalculation may be resolved on the way.
func (d *Domain) retype(first, last xen.GFN, t transition, c *Cost) {
	n := uint64(last-first) + 1
	c.PW += n
	c.LK += n
	for g := first; ; {
		p := d.pages.stretch(g, last)
		if old := p.types & t.from; old&^setPresent == 0 {
			c.FL += p.frames()
		} else if old&setPresent != 0 {
			c.Unknown = 1
		}
		if p.last == last {
			break
		}
		g = p.last + 1
	}
	table, end := uint64(first)>>tableBits, uint64(last)>>tableBits
	known := d.tables.contains(table, end)
	if !known || last >= d.marks {
		c.Unknown = 1
	}
	if !known {
		d.tables.cover(table, end)
	}
	d.pages.set(first, last, 1<<t.to)
	d.noteMapped(last)
}

// noteMapped notes that g does not exceed max_mapped_pfn.
func (d *Domain) noteMapped(g xen.GFN) {
	d.mapped, d.anyMapped = max(d.mapped, g), true
}
