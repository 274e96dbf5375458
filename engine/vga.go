package engine

import "github.com/iotrace-xen/iotrace/xen"

// bufferable says whether stdvga takes an access and buffers it: a single
// direct write wholly inside the VGA window.
func bufferable(a *Access) bool {
	return a.Type == xen.TypeCopy && a.Dir == xen.DirWrite && a.Count == 1 && !a.DataIsPtr &&
		a.Addr >= vgaFirst && a.Addr <= vgaLast && a.Addr+uint64(a.Size)-1 <= vgaLast
}

// routeBuffered routes a COPY that was seen in a buffered ring: chosen by
// ranges whatever the type of its page, and sent by ioreq_send_buffered, which
// looks at no port.
func (d *Domain) routeBuffered(a *Access, r *Route) {
	if !bufferable(a) {
		d.routePage(a, r)
		r.Why = whyUnbuf
		return
	}
	id, ok := d.table().choose(xen.SpaceMemory, a.Addr, a.Addr+uint64(a.Size)-1)
	r.Server = id
	switch ok {
	case No:
		r.end(RouteNull, whyNone)
		return
	case Maybe:
		r.end(RouteUnknown, whyServer)
		return
	}
	switch s := &d.servers[id]; {
	case s.ring == No || s.pages == pagesNone:
		d.reach(a, r, whyVGANoRing)
	case s.ring == Maybe:
		r.end(RouteUnknown, whyVGARing)
	case s.pages == pagesUnknown:
		r.end(RouteUnknown, whyPages)
	default:
		r.end(RouteBuffered, whyVGA)
	}
}

// broadcast is ioreq_broadcast: to every enabled server, or with Buffered to
// every enabled server with a ring.
func (d *Domain) broadcast(a *Access, r *Route) {
	for i := range d.servers {
		s := &d.servers[i]
		gets := all(s.exists, s.enabled)
		if a.Buffered {
			gets = all(gets, s.ring)
		}
		switch gets {
		case Yes:
			r.Sure |= 1 << i
		case Maybe:
			r.Open |= 1 << i
		}
	}
	r.end(RouteBroadcast, whyBroadcast)
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
