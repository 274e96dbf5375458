package engine

import "github.com/iotrace-xen/iotrace/xen"

// maxProven bounds the ranges that delivered requests prove for a server whose
// ranges predate the trace.
const maxProven = 1024

// learn makes [first, last] part of the set, unless the set is that of a very
// fragmented server already, and says whether it has.
func (r *rangeset) learn(first, last uint64) bool {
	if len(*r) >= maxProven {
		return false
	}
	r.cover(first, last)
	return true
}

// learnAccess learns from a delivered request: its receiver exists and can be
// reached, and either stores a range around it or holds the claim.
func (d *Domain) learnAccess(a *Access, s Seen) Cost {
	to := d.seen(s.Server)
	if to == nil {
		return Cost{}
	}
	var c Cost
	if d.last.undecided {
		end := Route{Kind: RouteServer}
		if a.Buffered {
			end.Kind = RouteBuffered
		}
		end.AddCost(a, &c)
	}
	if !s.Stale {
		d.learnReached(to, a.Buffered)
	}
	if a.Type != xen.TypePIO && a.Type != xen.TypeCopy || malformed(a.Size, a.Count) {
		return c
	}
	if !a.Buffered {
		d.send(d.place(s.Server), a.VCPU)
	}
	switch {
	case s.Stale:
	case a.Type == xen.TypeCopy:
		d.learnMemory(a, s.Server)
	case s.Type == xen.TypePCIConfig:
		d.latch.learn(s.Addr)
		sbdf := s.Addr >> 32 & 0xffff
		d.learnRange(s.Server, xen.SpacePCI, sbdf, sbdf)
	default:
		if a.Addr&^3 == portCFC && s.Server != DefaultServer && (!d.latch.known || d.latch.value&cf8Enable != 0) {
			d.latch.known, d.latch.value = true, 0 // all that shows is the clear enable bit
		}
		d.learnRange(s.Server, xen.SpacePort, a.Addr, a.Addr+uint64(a.Size)-1)
	}
	return c
}

// learnReached notes that a server got a request.
func (d *Domain) learnReached(s *server, buffered bool) {
	if s.exists != Yes {
		s.prove()
		d.routes.outdate()
	}
	if !s.pages.there() {
		s.pages = pagesSome
	}
	if buffered {
		s.ring = Yes
	} else {
		s.eport = Yes
	}
}

// learnMemory learns from a delivered COPY. A write to a page that may be of
// type ioreq_server can have come by the claim; only what is certain is kept.
func (d *Domain) learnMemory(a *Access, id xen.ServerID) {
	g, at := xen.GFNOf(a.Addr), d.touched(a, d.frameCount(a))
	types := d.Page(g)
	to := &d.servers[d.place(id)]
	byRange := (types&setMMIODM != 0 || d.bufferable(a, a.Count)) &&
		(id == DefaultServer || !to.closed || to.ranges[xen.SpaceMemory].contains(at.first, at.last))
	byClaim := a.Dir == xen.DirWrite && types&setIOReqServer != 0 && !a.Buffered && d.mayHold(id)
	switch {
	case byRange && byClaim:
		return
	case byClaim:
		if d.layout != nil && d.claim == (claim{held: Yes, holder: id}) {
			return // as the layout says
		}
		d.blur()
		d.claim = claim{held: Yes, holder: id}
		d.pages.set(g, g, setIOReqServer)
		return
	case d.bufferable(a, a.Count): // the VGA window comes before the type of its page
	case types&setMMIODM == 0:
		d.blur()
		d.pages.set(g, g, setUntyped) // it was not the RAM that it was taken for
	case d.layout == nil:
		d.pages.set(g, g, types&^setIOReqServer)
	}
	d.learnRange(id, xen.SpaceMemory, at.first, at.last)
}

// mayHold says whether a server may hold the claim.
func (d *Domain) mayHold(id xen.ServerID) bool {
	return id != DefaultServer && d.claim.held != No && (d.claim.holder == xen.NoServer || d.claim.holder == id)
}

// learnRange notes that a request was routed to a server by a range: it is
// enabled and stores the range, and no server before it does. The routes are made anew
// only if something was learned: where they are not certain, each request comes here.
func (d *Domain) learnRange(id xen.ServerID, space xen.Space, first, last uint64) {
	if last < first {
		return
	}
	at := d.place(id)
	for p := range place(numPlaces) {
		s := &d.servers[p]
		switch {
		case p == at && p == placeDefault:
		case p == at:
			d.learnStored(s, space, first, last)
		case (at == placeDefault || p > at) && s.exists == Yes && s.enabled == Yes && s.ranges[space].contains(first, last):
			s.own(space).cut(first, last)
			s.closed = false
			d.routes.outdate()
		}
	}
}

// learnStored notes that server s is enabled and stores the range.
func (d *Domain) learnStored(s *server, space xen.Space, first, last uint64) {
	contains := s.ranges[space].contains(first, last)
	if s.enabled != Yes || s.closed && !contains {
		s.enabled, s.closed = Yes, s.closed && contains
		d.routes.outdate()
	}
	if !contains && s.own(space).learn(first, last) {
		d.moved(space)
	}
}
