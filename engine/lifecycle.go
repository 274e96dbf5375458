package engine

import "github.com/iotrace-xen/iotrace/xen"

// create is ioreq_server_create: the lowest free slot, ENOSPC if there is none.
func (d *Domain) create(caller xen.DomID, b xen.CreateIOReqServer) Effect {
	switch {
	case b.Pad != [3]byte{}:
		return Effect{Ret: fail(xen.EInval, whyPad)}
	case b.HandleBufIOReq > xen.BufAtomic && d.cfg.Profile.BufModes:
		return Effect{Ret: fail(xen.EInval, "no such mode of buffering")}
	case d.dying:
		return Effect{Ret: fail(xen.EInval, "a dying domain gets no event channels")}
	case d.counts():
		return d.createCounted(caller, d.cfg.Profile.mode(b.HandleBufIOReq))
	}
	id, free := d.freeSlot()
	switch free {
	case No:
		return Effect{Ret: fail(xen.ENoSpc, "all server slots are in use")}
	case Maybe:
		return Effect{Ret: unknown("which id is the lowest free one predates the trace")}
	}
	s := d.server(id)
	s.gone()
	d.fill(s, caller, b.HandleBufIOReq)
	d.last.created = id
	d.routes.outdate()
	e := Effect{Ret: done("lowest free id")}
	e.Out.Mask[0], e.Out.Words[0] = createID, uint64(id)<<32
	return e
}

// createID is where create hands back the id, in word 0 of the union.
const createID = 0xffff << 32

// fill makes an empty slot a new server.
func (d *Domain) fill(s *server, owner xen.DomID, mode xen.BufMode) {
	s.become(owner, mode)
	if d.cfg.EveryAccess {
		s.pointers.mode = mode
	}
}

// become makes an empty slot the server that a create leaves behind.
func (s *server) become(owner xen.DomID, mode xen.BufMode) {
	s.exists, s.enabled, s.ring = Yes, No, triOf(mode != xen.BufOff)
	s.owned, s.owner = true, owner
	s.pages, s.eport, s.closed = pagesNone, No, true
}

// mode is the mode of buffering that a create asks for: once, anything but 0
// was a plain ring.
func (p *Profile) mode(m xen.BufMode) xen.BufMode {
	if !p.BufModes && m != xen.BufOff {
		return xen.BufLegacy
	}
	return m
}

// createCounted is create where ids count: the id is used up even if there is
// no gfn for the pages, which are taken at once.
func (d *Domain) createCounted(caller xen.DomID, mode xen.BufMode) Effect {
	if !d.idsKnown {
		return Effect{Ret: unknown("which id was given last predates the trace")}
	}
	n := d.listed()
	if n == maxServers {
		return Effect{Ret: unknown("the model holds no more servers")}
	}
	s := &d.servers[n]
	s.gone()
	next := d.nextID()
	d.fill(s, caller, mode)
	if d.cfg.Profile.PagesAtCreate {
		if r := d.takePages(s); !r.ok() {
			s.gone()
			if r.Known {
				d.lastID = next
			}
			return Effect{Ret: r}
		}
	}
	s.id, d.lastID, d.last.created = next, next, next
	d.routes.outdate()
	e := Effect{Ret: done("ids count up")}
	e.Out.Mask[0], e.Out.Words[0] = createID, uint64(next)<<32
	return e
}

// nextID is next_ioservid: the next number that no server has.
func (d *Domain) nextID() xen.ServerID {
	for id := d.lastID + 1; ; id++ {
		if p := d.place(id); p == noPlace && id != d.servers[placeDefault].id {
			return id
		}
	}
}

// firstPlace is the lowest place that a create can fill.
func (d *Domain) firstPlace() place {
	if d.cfg.Profile.IDs == IDsFromOne {
		return 1
	}
	return 0
}

// freeSlot returns the lowest slot that may be free, and whether it is.
func (d *Domain) freeSlot() (xen.ServerID, Tri) {
	for i := d.firstPlace(); i < place(d.cfg.Profile.Servers); i++ {
		switch d.servers[i].exists {
		case No:
			return xen.ServerID(i), Yes
		case Maybe:
			return xen.ServerID(i), Maybe
		}
	}
	return xen.NoServer, No
}

// The fields of get_ioreq_server_info's answer: the port in word 0, the gfns
// in words 1 and 2.
const (
	infoPort = 0xffffffff << 32
	infoGFN  = 0xffffffffffffffff
)

// serverInfo is ioreq_server_get_info. Fields it does not fill keep what the
// caller passed: all of the buffered ring for a server without one, the gfns
// with NoGFNs.
func (d *Domain) serverInfo(caller xen.DomID, b xen.GetIOReqServerInfo) Effect {
	rules := &d.cfg.Profile
	switch {
	case rules.InfoFlags && b.Flags&^xen.NoGFNs != 0:
		return Effect{Ret: fail(xen.EInval, "unknown flag")}
	case !rules.InfoFlags && rules.DMOp && b.Flags != 0:
		return Effect{Ret: fail(xen.EInval, whyPad)}
	}
	s, r := d.find(caller, b.ID)
	if !r.ok() {
		return Effect{Ret: r}
	}
	gfns := !rules.InfoFlags || b.Flags&xen.NoGFNs == 0
	if gfns {
		switch s.pages {
		case pagesResource:
			return Effect{Ret: fail(xen.EPerm, "the pages were acquired as a resource")}
		case pagesNone, pagesFreed:
			if r := d.takePages(s); !r.ok() {
				return Effect{Ret: r}
			}
		case pagesUnknown, pagesSome:
			return Effect{Ret: unknown("where the pages come from predates the trace")}
		}
	}
	if s.ring == Maybe {
		return Effect{Ret: done("")}
	}
	e := Effect{Ret: done("")}
	fields := infoFields(s.ring == Yes, gfns)
	for i, w := range xen.NewDMOp(b).Words() {
		field := fields[i]
		own := infoAll[i] &^ field
		e.Out.Mask[i] = s.infoMask[i]&field | own
		e.Out.Words[i] = s.info[i]&s.infoMask[i]&field | w&own
	}
	return e
}

var infoAll = [3]uint64{infoPort, infoGFN, infoGFN}

// infoFields returns the bits that get_ioreq_server_info fills.
func infoFields(ring, gfns bool) (w [3]uint64) {
	if ring {
		w[0] = infoPort
	}
	if gfns {
		w[1] = infoGFN
	}
	if ring && gfns {
		w[2] = infoGFN
	}
	return w
}

// setState is ioreq_server_set_state.
func (d *Domain) setState(caller xen.DomID, b xen.SetIOReqServerState) Effect {
	if b.Pad != 0 {
		return Effect{Ret: fail(xen.EInval, whyPad)}
	}
	s, r := d.find(caller, b.ID)
	if !r.ok() {
		return Effect{Ret: r}
	}
	if e, ends := s.moveFreed(b.Enabled != 0); ends {
		return e
	}
	e := Effect{Ret: done(""), Cost: d.stateCost(s, b.Enabled != 0)}
	if was := s.enabled; was != triOf(b.Enabled != 0) && s.pages == pagesGFN {
		d.clearRing(s) // the page is cleared on its way out of the p2m, and back
	}
	s.setEnabled(b.Enabled != 0)
	d.routes.outdate()
	return e
}

// setEnabled makes s enabled or disabled. Enabling stores the vCPUs' ports in
// the slots of a page that exists; it does nothing to a server that already is
// enabled.
func (s *server) setEnabled(on bool) {
	was := s.enabled
	s.enabled = triOf(on)
	switch {
	case on && was == Yes:
	case !on:
		if s.pages == pagesGFN {
			s.eport = No // the page is cleared when it goes back to the guest
		}
	case s.pages.missing():
		s.eport = No
	case s.pages == pagesUnknown:
		s.eport = Maybe
	case was == No:
		s.eport = Yes
	case s.eport != Yes:
		s.eport = Maybe
	}
}

// destroy is ioreq_server_destroy: a claim is dropped without a sweep, so typed
// pages stay typed.
func (d *Domain) destroy(caller xen.DomID, b xen.DestroyIOReqServer) Effect {
	if b.Pad != 0 {
		return Effect{Ret: fail(xen.EInval, whyPad)}
	}
	if d.cfg.Profile.IDs == IDsFromOne && b.ID == 0 {
		return Effect{Ret: fail(xen.EPerm, whyDefaultID)}
	}
	s, r := d.find(caller, b.ID)
	if !r.ok() {
		return Effect{Ret: r}
	}
	if e, ends := s.moveFreed(false); ends {
		return e
	}
	e := Effect{Ret: done(""), Cost: d.stateCost(s, false)}
	d.remove(b.ID)
	return e
}

// remove empties the slot of id.
func (d *Domain) remove(id xen.ServerID) {
	p := d.place(id)
	if p == noPlace || p == placeDefault {
		return
	}
	d.pool.give(d.servers[p].taken)
	d.servers[p].gone()
	clear(d.slots[p][:])
	if d.counts() {
		d.closeGap(p)
	}
	if d.claim.held != No && d.claim.holder == id {
		d.claim = claim{held: No, holder: xen.NoServer}
	}
	if d.claim.held == Yes && d.claim.holder == xen.NoServer {
		d.claim.held = Maybe
	}
	d.routes.outdate()
}

// closeGap moves the servers behind an empty place down by one.
func (d *Domain) closeGap(p place) {
	empty := d.servers[p]
	n := copy(d.servers[p:maxServers], d.servers[p+1:maxServers])
	copy(d.slots[p:maxServers], d.slots[p+1:maxServers])
	last := int(p) + n
	d.servers[last] = empty
	clear(d.slots[last][:])
}
