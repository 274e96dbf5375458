package engine

import "github.com/iotrace-xen/iotrace/xen"

// AccessOf turns a delivered request back into the access that caused it: a
// PCI_CONFIG request was a PIO access to CF8's data ports. A request's own
// count and address stand, so a delivered access is never truncated again.
func AccessOf(v xen.VCPU, q xen.IOReq) Access {
	a := Access{
		VCPU: v, Type: q.Type, Dir: q.Dir, Addr: q.Addr, Size: q.Size, Count: q.Count,
		DF: q.DF, DataIsPtr: q.DataIsPtr, DataKnown: q.Dir == xen.DirWrite || q.DataIsPtr, Data: q.Data,
	}
	if q.Type == xen.TypePCIConfig {
		_, reg := q.PCI()
		a.Type, a.Addr = xen.TypePIO, portCFC|uint64(reg&3)
	}
	return a
}

// access steps one trapped access.
func (d *Domain) access(a *Access, e *Effect) {
	d.settleLatch()
	d.latch.write(a)
	d.route(a, &e.Route)
	e.Cost = accessCost(a, &e.Route)
	if e.Route.Kind == RouteServer {
		d.send(e.Route.Server, a.VCPU)
	}
}

// accessCost is what the end of an access costs. The answer's notification is
// counted with the request. A broadcast is sent at the end of a hypercall or on
// resume, so it has no exit of its own.
func accessCost(a *Access, r *Route) Cost {
	switch r.Kind {
	case RouteServer:
		if r.ByClaim {
			return Cost{VX: 1, RT: 1, EV: 2, LK: 1}
		}
		return Cost{VX: 1, RT: 1, EV: 2}
	case RouteBuffered:
		return Cost{VX: 1, EV: 1}
	case RouteNull, RouteDiscard, RouteFault:
		return Cost{VX: 1}
	case RouteRefault:
		return Cost{VX: 1, LK: 1}
	case RouteBroadcast:
		return broadcastCost(a, r)
	}
	return Cost{}
}

func broadcastCost(a *Access, r *Route) Cost {
	var c Cost
	for s := range maxServers {
		c.EV += uint64(r.Sure >> s & 1)
	}
	if !a.Buffered {
		c.EV *= 2
		c.RT = min(c.EV, 1)
	}
	if r.Open != 0 {
		c.Unknown = 1
	}
	return c
}
