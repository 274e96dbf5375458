package engine

import (
	"slices"

	"github.com/iotrace-xen/iotrace/xen"
)

// Learn makes the state what the recording shows that real Xen did with op. It
// must follow the Step of the same op, and is meant for a step whose result was
// unknown or differs from the recording; after one that agrees it changes
// nothing but what the recording adds. It returns the part of the op's cost
// that Step could not count because the result was unknown.
func (d *Domain) Learn(op Op, s Seen) Cost {
	switch op.Kind {
	case OpAccess:
		return d.learnAccess(&op.Access, s)
	case OpDM:
		return d.learnCall(&op, d.entry(&op), s)
	case OpHVM:
		if dm, ok := op.asDM(); ok {
			return d.learnCall(&dm, d.hvmEntry(&op), s)
		}
	case OpAcquire:
		d.learnAlly(op.Caller, s.Errno)
		d.learnAcquire(op.Caller, &op.Acquire, s.Errno)
	case OpMemory:
		if !d.last.applied && s.Errno == xen.OK {
			d.forget(ForgetPages)
		}
	}
	return Cost{}
}

// learnAlly notes that a call that succeeded had the privilege to be made.
func (d *Domain) learnAlly(caller xen.DomID, e xen.Errno) {
	if e != xen.OK || caller == xen.Dom0 || caller == d.cfg.Dom || slices.Contains(d.allies, caller) {
		return
	}
	d.allies = append(d.allies, caller)
}

// learnCall learns from a dm_op, or what was one later, that its entry let pass
// or not.
func (d *Domain) learnCall(op *Op, r Ret, s Seen) Cost {
	var c Cost
	d.learnAlly(op.Caller, s.Errno)
	if s.Errno != xen.OK && r.Known && r.Errno == s.Errno {
		return c // the entry refused it: it says nothing of the state
	}
	switch b := op.DM.DecodeBody().(type) {
	case xen.CreateIOReqServer:
		d.learnCreate(op.Caller, b, s)
	case xen.GetIOReqServerInfo:
		d.learnInfo(op.Caller, b, s)
	case xen.MapIORange:
		d.learnMap(op.Caller, b, s.Errno)
	case xen.UnmapIORange:
		d.learnUnmap(op.Caller, b, s.Errno)
	case xen.SetIOReqServerState:
		d.learnState(op.Caller, b, s.Errno)
	case xen.DestroyIOReqServer:
		d.learnDestroy(op.Caller, b, s.Errno)
	case xen.MapMemType:
		c = d.learnClaim(op.Caller, b, s.Errno)
	case xen.SetMemType:
		return d.learnMemType(b, s.Errno) // it says nothing of servers
	default:
		return c
	}
	d.routes.outdate()
	return c
}

// learnServer learns what the errors that every operation on an id shares say.
// It returns the server for an operation that found it and was allowed to go
// on, else nil.
func (d *Domain) learnServer(caller xen.DomID, id xen.ServerID, e xen.Errno) *server {
	if d.place(id) == placeDefault {
		return nil // no operation names it
	}
	switch e {
	case xen.ENoEnt:
		if s := d.server(id); s != nil && s.exists != No {
			d.remove(id)
		}
		return nil
	case xen.EPerm:
		if !d.target(caller).ok() {
			return nil // the caller may lack all privilege
		}
		s := d.seen(id)
		if s == nil {
			return nil
		}
		s.prove()
		if s.owner == caller {
			s.owned, s.owner = false, 0
		}
		return nil
	case xen.OK, xen.EExist, xen.ENoMem, xen.EBusy:
		s := d.seen(id)
		switch {
		case s == nil:
		case d.cfg.Profile.OwnerOnly:
			s.proveOwned(caller)
		default:
			s.prove()
		}
		return s
	}
	return nil // an error of the arguments
}

// learnCreate learns an id: every slot below it is in use.
func (d *Domain) learnCreate(caller xen.DomID, b xen.CreateIOReqServer, s Seen) {
	id := xen.ServerID(s.Words[0] >> 32)
	switch {
	case s.Errno == xen.OK && s.OutKnown && d.place(id) == placeDefault:
		return // no create hands out its id
	case d.counts():
		d.learnCounted(caller, b, s, id)
		return
	case s.Errno == xen.OK && !s.OutKnown:
		d.createdSomewhere()
		return
	case s.Errno == xen.OK && d.place(id) == noPlace, s.Errno == xen.OK && id == d.last.created:
		return
	}
	if d.last.created != xen.NoServer { // Step created another one, or one too many
		d.remove(d.last.created)
	}
	full := 0
	switch s.Errno {
	case xen.OK:
		d.servers[id].gone()
		d.servers[id].become(caller, b.HandleBufIOReq)
		full = int(id)
	case xen.ENoSpc:
		full = maxServers
	}
	for i := d.firstPlace(); int(i) < full; i++ {
		d.servers[i].prove()
	}
}

// learnCounted learns an id where ids count: it is the last one given.
func (d *Domain) learnCounted(caller xen.DomID, b xen.CreateIOReqServer, s Seen, id xen.ServerID) {
	if s.Errno == xen.OK && s.OutKnown && id == d.last.created {
		return
	}
	if d.last.created != xen.NoServer {
		d.remove(d.last.created)
	}
	switch {
	case s.Errno != xen.OK:
		d.idsKnown = false // it may have used up an id
	case !s.OutKnown:
		d.others, d.idsKnown = Yes, false
	default:
		d.lastID, d.idsKnown = id, true
		if v := d.seen(id); v != nil {
			v.become(caller, d.cfg.Profile.mode(b.HandleBufIOReq))
			v.pages = pagesGFN
		}
	}
	d.routes.outdate()
}

// createdSomewhere learns that a server was created at an id that the recording
// does not hold: at the lowest free one, or at one below it that only may be in
// use. Nothing is left to say if Step knew the id.
func (d *Domain) createdSomewhere() {
	if d.last.created != xen.NoServer {
		return
	}
	for i := d.firstPlace(); i < maxServers; i++ {
		s := &d.servers[i]
		if s.exists == No {
			s.forget()
			return
		}
		if s.exists == Maybe {
			s.forget()
		}
	}
}

// learnInfo keeps the words that Xen handed back, to expect them again.
func (d *Domain) learnInfo(caller xen.DomID, b xen.GetIOReqServerInfo, seen Seen) {
	gfns := b.Flags&xen.NoGFNs == 0
	if s := d.server(b.ID); s != nil && seen.Errno == xen.EPerm && s.exists == Yes && s.owned && s.owner == caller && gfns {
		s.pages = pagesResource // the other reason for EPERM
		return
	}
	s := d.learnServer(caller, b.ID, seen.Errno)
	if s == nil || seen.Errno != xen.OK {
		return
	}
	if gfns && s.pages != pagesGFN {
		if s.pages != pagesSome || s.eport != Yes {
			s.eport = Maybe // the page holds what the guest had in it
		}
		s.pages = pagesGFN
	}
	if !seen.OutKnown || s.ring == Maybe {
		return
	}
	for i, field := range infoFields(s.ring == Yes, gfns) {
		s.infoMask[i] |= field
		s.info[i] = s.info[i]&^field | seen.Words[i]&field
	}
}

// learnMap learns that a range is stored now, or why it is not.
func (d *Domain) learnMap(caller xen.DomID, b xen.MapIORange, e xen.Errno) {
	if b.Range.Space >= numSpaces || b.Range.First > b.Range.Last || e == xen.EInval {
		return
	}
	s := d.learnServer(caller, b.ID, e)
	if s == nil {
		return
	}
	set := s.own(b.Range.Space)
	first, last := b.Range.First, b.Range.Last
	switch e {
	case xen.OK:
		if !set.contains(first, last) {
			s.closed = false
		}
		set.learn(first, last)
	case xen.EExist:
		if d.last.applied {
			set.cut(first, last)
		}
		if d.last.applied || !set.overlaps(first, last) {
			s.closed = false
		}
	default:
		if d.last.applied {
			set.cut(first, last)
		}
		s.closed = false
	}
}

// learnUnmap learns that a range is stored no more, or why it still is.
func (d *Domain) learnUnmap(caller xen.DomID, b xen.UnmapIORange, e xen.Errno) {
	s := d.server(b.ID)
	if b.Range.Space >= numSpaces || b.Range.First > b.Range.Last || e == xen.EInval || s == nil {
		return
	}
	set := s.own(b.Range.Space)
	first, last := b.Range.First, b.Range.Last
	if e == xen.ENoEnt {
		// Either there is no server, or no such range.
		switch {
		case s.exists != Yes:
			return
		case d.last.applied || set.contains(first, last):
			set.cut(first, last)
			s.closed = false
		}
		return
	}
	if s = d.learnServer(caller, b.ID, e); s == nil {
		return
	}
	switch e {
	case xen.OK:
		if !d.last.applied && s.closed {
			s.closed = false
		}
		set.cut(first, last)
	case xen.ENoMem:
		if d.last.applied {
			set.learn(first, last)
		}
		s.closed = false
	}
}

// learnState learns whether a server is enabled.
func (d *Domain) learnState(caller xen.DomID, b xen.SetIOReqServerState, e xen.Errno) {
	applied := d.last.applied
	if applied != (e == xen.OK) {
		d.blur() // pages that are mapped at gfns move
	}
	s := d.learnServer(caller, b.ID, e)
	switch {
	case e == xen.OK && s != nil && !applied:
		s.setEnabled(b.Enabled != 0)
	case e != xen.OK && applied:
		if s := d.server(b.ID); s != nil && s.exists != No {
			s.enabled, s.eport = Maybe, Maybe
		}
	}
}

// learnDestroy learns that a slot is empty, or that it is not after all.
func (d *Domain) learnDestroy(caller xen.DomID, b xen.DestroyIOReqServer, e xen.Errno) {
	s := d.server(b.ID)
	switch {
	case s == nil:
	case e == xen.OK || e == xen.ENoEnt:
		if s.exists != No {
			d.remove(b.ID)
		}
	case e == xen.EInval:
	default:
		if d.last.applied {
			d.doubt(b.ID)
			if d.claim.held == No {
				d.blur()
				d.claim.held = Maybe // it may have been the holder
			}
		}
		d.learnServer(caller, b.ID, e)
	}
}

// learnAcquire learns where a server's pages come from.
func (d *Domain) learnAcquire(caller xen.DomID, a *xen.AcquireResource, e xen.Errno) {
	s := d.server(xen.ServerID(min(a.ID, uint32(xen.NoServer))))
	if s == nil || a.Dom != d.cfg.Dom || a.Type != xen.ResourceIOReqServer || a.NrFrames == 0 {
		return
	}
	switch e {
	case xen.OK:
		s.proveOwned(caller)
		if a.Frame == xen.ResourceFrameBuf {
			s.ring = Yes
		}
		s.learnPages()
	case xen.ENoEnt:
		switch { // no server, or no ring
		case a.Frame != xen.ResourceFrameBuf:
			if s.exists != No {
				d.remove(xen.ServerID(a.ID))
			}
		case s.exists == Yes:
			s.proveOwned(caller)
			s.ring = No
			s.learnPages()
		}
	case xen.EPerm: // another's server, or pages at gfns, which are freed
		if !d.target(caller).ok() {
			return
		}
		s.prove()
		if d.last.applied {
			s.owned, s.owner = false, 0
		}
		if s.pages != pagesFreed && !(s.owned && s.owner != caller) {
			s.pages, s.eport = pagesUnknown, Maybe
		}
	}
	d.routes.outdate()
}

// learnPages notes that the pages were acquired as a resource.
func (s *server) learnPages() {
	if s.pages != pagesNone && s.pages != pagesResource && s.eport != Yes {
		s.eport = Maybe
	}
	s.pages = pagesResource
}
