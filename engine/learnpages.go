package engine

import "github.com/iotrace-xen/iotrace/xen"

// learnClaim learns from a claim or a release.
func (d *Domain) learnClaim(caller xen.DomID, b xen.MapMemType, e xen.Errno) Cost {
	if e == xen.EOpNotSupp && !d.keptFree(b.ID) && d.learnNoHAP() {
		return Cost{}
	}
	d.learnHAP(e)
	if b.Opaque != 0 || b.Type != xen.MemIOReqServer || b.Flags&^xen.AccessWrite != 0 {
		return Cost{}
	}
	if e == xen.EInval && b.Flags == 0 {
		d.learnNoHolder(caller, b.ID)
		return Cost{}
	}
	if d.last.applied != (e == xen.OK) {
		d.blur()
	}
	s := d.learnServer(caller, b.ID, e)
	switch {
	case s == nil, e != xen.OK:
		d.learnRefused(b.Flags != 0, e)
	case d.last.applied:
	case b.Flags == 0:
		if c := d.sweep(); d.last.undecided {
			return c
		}
	default:
		d.claim = claim{held: Yes, holder: b.ID}
		d.pages.change(func(t P2MTypes) P2MTypes { // a claim needs entry_count 0
			if t == setIOReqServer {
				return setUntyped
			}
			return t &^ setIOReqServer
		})
	}
	return Cost{}
}

// learnNoHolder learns from a release that was refused: the server exists, and
// does not hold the claim.
func (d *Domain) learnNoHolder(caller xen.DomID, id xen.ServerID) {
	if s := d.server(id); s != nil {
		s.proveOwned(caller)
	}
	switch {
	case d.last.applied: // Step released and swept
		d.blur()
		d.claim = claim{held: Maybe, holder: xen.NoServer}
		d.doubtPages()
	case d.claim.holder == id:
		d.blur()
		d.claim = claim{held: Maybe, holder: xen.NoServer}
	}
}

// learnRefused undoes a claim or a release that Step took for done.
func (d *Domain) learnRefused(claimed bool, e xen.Errno) {
	switch {
	case !d.last.applied:
	case claimed && e != xen.EBusy:
		d.claim = claim{held: No, holder: xen.NoServer}
	case claimed: // it is held, or pages of the type are left over
		d.claim = claim{held: Maybe, holder: xen.NoServer}
		d.doubtPages()
	case e == xen.ENoMem: // the sweep failed, with the claim gone
		d.doubtPages()
	default:
		d.claim = claim{held: Maybe, holder: xen.NoServer}
		d.doubtPages()
	}
}

// doubtPages lets every page be of type ioreq_server again, after a sweep that
// did not happen or not to its end.
func (d *Domain) doubtPages() {
	d.pages.change(func(t P2MTypes) P2MTypes { return t | setIOReqServer })
}

// learnMemType learns types of pages.
func (d *Domain) learnMemType(b xen.SetMemType, e xen.Errno) Cost {
	t, ok := d.cfg.Profile.transition(b.Type)
	last := b.First + xen.GFN(b.Nr) - 1
	if !ok || b.Nr == 0 || last < b.First || b.Pad != 0 {
		return Cost{}
	}
	if t.to == P2MIOReqServer && d.cfg.Profile.Type15 == Type15Claimed {
		if e == xen.EOpNotSupp && d.learnNoHAP() {
			return Cost{}
		}
		d.learnHAP(e)
	}
	agrees := e == xen.OK && d.last.applied || d.layout != nil && e != xen.OK && !d.last.applied
	if !agrees {
		d.blur()
	}
	switch {
	case agrees:
	case e == xen.OK:
		if t.to == P2MIOReqServer && d.claim.held != Yes {
			d.claim = claim{held: Yes, holder: xen.NoServer}
		}
		var c Cost
		if d.retype(b.First, last, t, &c); d.last.undecided {
			return c
		}
	case d.last.applied:
		d.pages.set(b.First, last, setAll)
	case d.last.undecided && b.Nr > 1: // some pages may have been changed before one refused
		d.pages.widen(b.First, last-1, 1<<t.to)
	case d.last.undecided:
		d.learnRefusal(b.First, t, e)
	}
	return Cost{}
}

// learnRefusal narrows what a single page can be that refused a change: if
// neither the claim nor max_mapped_pfn can be the reason.
func (d *Domain) learnRefusal(g xen.GFN, t transition, e xen.Errno) {
	switch {
	case e == xen.EAgain:
		d.pages.set(g, g, setPaged)
		d.noteMapped(g)
	case e != xen.EInval, !d.anyMapped || g > d.mapped, t.to == P2MIOReqServer && d.claim.held != Yes:
	default:
		if left := d.pages.at(g) &^ (t.from | setPaged); left != 0 {
			d.pages.set(g, g, left)
		}
	}
}
