package engine

import (
	"math/bits"

	"github.com/iotrace-xen/iotrace/xen"
)

// Of makes *a the access that caused a delivered request: a PCI_CONFIG request was a
// PIO access to CF8's data ports. A request's own count and address stand, so a
// delivered access is never truncated again.
func (a *Access) Of(v xen.VCPU, q *xen.IOReq) {
	a.VCPU, a.Type, a.Dir, a.Addr, a.Size, a.Count = v, q.Type, q.Dir, q.Addr, q.Size, q.Count
	a.DF, a.DataIsPtr, a.DataKnown, a.Data = q.DF, q.DataIsPtr, q.Dir == xen.DirWrite || q.DataIsPtr, q.Data
	a.Buffered = false
	if q.Type == xen.TypePCIConfig {
		_, reg := q.PCI()
		a.Type, a.Addr = xen.TypePIO, portCFC|uint64(reg&3)
	}
}

// access steps one trapped access.
func (d *Domain) access(a *Access, e *Effect) {
	r := &e.Route
	*r = Route{Server: xen.NoServer, Type: a.Type, Addr: a.Addr, Count: a.Count}
	if e.faulted = d.layout != nil; e.faulted {
		e.Cost = Cost{}
	}
	switch {
	case a.Type != xen.TypeCopy:
		d.routeOther(a, r)
	case e.faulted && d.fault(a, e):
	case !d.direct(a, r):
		d.routeMemory(a, r)
	}
	if r.Kind == RouteServer {
		d.send(r.at, a.VCPU)
	}
}

// direct is the way of most accesses in one piece: a single one to a page that is
// none of those that the claim or the VGA get, to a server that stores one range
// around it and can be reached. Of any other it returns false and has changed
// nothing. routeMemory ends alike in more steps.
func (d *Domain) direct(a *Access, r *Route) bool {
	if a.Count != 1 || a.Buffered || malformed(a.Size, a.Count) || a.inWindow() || d.trail != nil ||
		d.layout != nil || d.traps(a.Dir, d.pages.at(xen.GFNOf(a.Addr))) != setMMIODM {
		return false
	}
	seg := d.routes.spaces[xen.SpaceMemory].hit(a.Addr, a.Addr+uint64(a.Size)-1)
	if seg == nil || !d.reachable(seg.to) {
		return false
	}
	r.Server, r.at, r.Nodes = d.idAt(seg.to), seg.to, seg.nodes
	r.end(RouteServer, whyRange)
	return true
}

// AddCost adds to c what the step of op cost that had the effect e. Most steps are
// accesses and answers, whose cost follows from where they ended: it is added where
// it is wanted and stored nowhere.
func (e *Effect) AddCost(op *Op, c *Cost) {
	switch {
	case op.Kind == OpAnswer:
		c.answered()
		return
	case op.Kind == OpAccess:
		if e.Route.AddCost(&op.Access, c); !e.faulted {
			return
		}
	}
	c.Add(&e.Cost)
}

// AddCost adds to c what the end of an access costs, which is all of its cost where
// the layout of the p2m is not known. The answer's notification is counted with the
// request. A broadcast is sent at the end of a hypercall or on resume, so it has no
// exit of its own.
func (r *Route) AddCost(a *Access, c *Cost) {
	c.RN += uint64(r.Nodes)
	switch r.Kind {
	case RouteServer:
		c.sent(r.ByClaim)
	case RouteBuffered:
		c.buffered()
	case RouteNull:
		c.VX++
		if a.Dir == xen.DirWrite {
			c.DW++
		}
	case RouteDiscard:
		c.VX++
		c.DW++
	case RouteFault, RouteHandled, RouteSuspended, RouteDomainCrash, RouteXenCrash:
		c.VX++
	case RouteRefault:
		c.VX++
		c.LK++
		c.NP++
	case RouteBroadcast:
		n := uint64(bits.OnesCount16(uint16(r.Sure)))
		if a.Buffered {
			c.EV += n
		} else {
			c.EV += 2 * n
			c.RT += min(n, 1)
		}
		if r.Open != 0 || r.Lost {
			c.Unknown++
		}
	}
}
