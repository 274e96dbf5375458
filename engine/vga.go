package engine

import "github.com/iotrace-xen/iotrace/xen"

// inWindow says whether the first byte is in the VGA window.
func (a *Access) inWindow() bool { return a.Addr-vgaFirst <= vgaLast-vgaFirst }

// bufferable says whether stdvga takes an access of count elements and buffers it: a
// single write wholly inside the VGA window, whose data some releases let be in RAM.
func (d *Domain) bufferable(a *Access, count uint32) bool {
	return a.Type == xen.TypeCopy && a.Dir == xen.DirWrite && count == 1 && (!a.DataIsPtr || d.cfg.Profile.VGAPointer) &&
		a.inWindow() && a.Addr+uint64(a.Size)-1 <= vgaLast
}

// fromVGA says whether the data of a write begins in RAM and ends in the VGA window.
// stdvga_mem_accept has taken stdvga's lock when hvm_process_io_intercept copies
// such data, and hvm_copy asks stdvga about its second page, which takes the lock
// again: that CPU spins for ever (seen on 4.14).
func (a *Access) fromVGA() bool {
	return a.DataIsPtr && a.Data < vgaFirst && a.Data+uint64(a.Size) > vgaFirst
}

// vgaCache is the state of stdvga's cache (stdvga_outb, stdvga_mem_accept), which
// may answer reads of the window. It is off until a register of the VGA is
// written, and for good once a string was written to the window.
type vgaCache struct {
	off, spent bool
}

// watch follows one access of count elements.
func (c *vgaCache) watch(a *Access, count uint32) {
	switch {
	case a.Dir != xen.DirWrite:
	case a.Type == xen.TypePIO:
		if port := a.Addr &^ 1; port == portVGASeq || port == portVGAGfx {
			c.off = c.spent
		}
	case count > 1 && a.inWindow():
		c.off, c.spent = true, true
	}
}

// routeBuffered routes a COPY that is bufferable: chosen by ranges whatever the
// type of its page, and sent by ioreq_send_buffered, which looks at no port.
func (d *Domain) routeBuffered(a *Access, r *Route) {
	to, ok := d.choose(r, xen.SpaceMemory, a.Addr, a.Addr+uint64(a.Size)-1)
	if fallback := d.servers[placeDefault].exists; ok == No && fallback != No {
		to, ok = placeDefault, fallback
	}
	r.Server = d.idAt(to)
	switch ok {
	case No:
		r.end(RouteNull, whyNone)
		return
	case Maybe:
		r.end(RouteUnknown, whyServer)
		return
	}
	if d.trail != nil {
		d.trail.ring(d, to)
	}
	switch s := &d.servers[to]; {
	case s.ring == No || s.pages.missing():
		d.reach(a, r, to, whyVGANoRing)
	case s.ring == Maybe:
		r.end(RouteUnknown, whyVGARing)
	case s.pages == pagesUnknown:
		r.end(RouteUnknown, whyPages)
	case !d.enqueue(s, a, r):
		d.reach(a, r, to, whyFull)
	default:
		r.end(RouteBuffered, whyVGA)
	}
}

// broadcast is ioreq_broadcast: to every enabled server, or with Buffered to
// every enabled server with a ring. Older releases ask neither whether a server
// is enabled, nor everybody. A slot that is not there is Xen's end; a ring that is not,
// and a slot with a request of the vCPU's in it, are passed over.
func (d *Domain) broadcast(a *Access, r *Route) {
	rules := &d.cfg.Profile
	if a.Type == xen.TypeTimeOffset && !rules.TimeOffsetToAll {
		if d.receives(r, placeDefault, d.servers[placeDefault].exists); r.Sure != 0 {
			d.broadcastTo(a, r, placeDefault)
		}
		r.end(RouteBroadcast, whyTimeOffset)
		return
	}
	dies := false
	for p := range place(numPlaces) {
		s := &d.servers[p]
		gets := s.exists
		if rules.BroadcastEnabled {
			gets = all(gets, s.enabled)
		}
		if a.Buffered {
			gets = all(gets, all(s.ring, triOf(!s.pages.missing())))
		} else if d.cfg.EveryAccess && d.sent(p, a.VCPU) {
			gets = No
		}
		d.receives(r, p, gets)
		if gets == Yes {
			d.broadcastTo(a, r, p)
		}
		dies = dies || gets == Yes && s.pages.missing() && !a.Buffered
	}
	r.Lost = r.Lost || d.others != No
	switch {
	case dies:
		r.end(RouteXenCrash, whyNoPages)
	case rules.BroadcastEnabled:
		r.end(RouteBroadcast, whyBroadcast)
	default:
		r.end(RouteBroadcast, whyToAll)
	}
}

// broadcastTo puts a broadcast into the ring or the slot of a receiver, where
// every access is stepped. A full ring loses it.
func (d *Domain) broadcastTo(a *Access, r *Route, p place) {
	switch {
	case !d.cfg.EveryAccess:
	case a.Buffered:
		d.enqueue(&d.servers[p], a, r)
	default:
		d.send(p, a.VCPU)
	}
}

// receives notes a receiver of a broadcast.
func (d *Domain) receives(r *Route, p place, gets Tri) {
	if gets == No {
		return
	}
	bit := bitOf(d.idAt(p))
	switch {
	case bit == 0:
		r.Lost = true
	case gets == Yes:
		r.Sure |= bit
	default:
		r.Open |= bit
	}
}

// all is the three-valued and.
func all(a, b Tri) Tri {
	switch {
	case a == No || b == No:
		return No
	case a == Yes && b == Yes:
		return Yes
	}
	return Maybe
}
