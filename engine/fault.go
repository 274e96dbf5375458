package engine

import "github.com/iotrace-xen/iotrace/xen"

// Reasons of routes that only a known layout tells.
const (
	whyNoFetch   = "instruction fetch from a typed page: taken for spurious, tried again for ever"
	whyBadFetch  = "instruction fetch from a page that gives no such right: the domain dies"
	whyMMIOFetch = "instruction fetch from MMIO"
	whyPagedOut  = "paged out: the vCPU waits for the pager"
	whyBroken    = "broken memory: the domain dies"
	whyUnshared  = "shared RAM: gets a page of its own first"
	whyDirtied   = "log-dirty RAM: becomes ram_rw"
	whyReadOnly  = "read-only mapping: the emulator drops the write"
)

// fault is what the hardware and Xen do with an access to memory before any
// emulation, where the layout is known: entries on the way that are marked are
// resolved, memory is populated, a log-dirty page becomes ram_rw
// (ept_handle_misconfig, p2m_pt_handle_deferred_changes,
// hvm_hap_nested_page_fault). It says whether that is the access's end; else it
// goes to the emulator, as an access that trapped.
func (d *Domain) fault(a *Access, e *Effect) (over bool) {
	l := d.exact()
	g := xen.GFNOf(a.Addr)
	if a.Buffered || g > maxFrame {
		return false
	}
	l.settle(g, a.Dir == xen.DirWrite, &e.Cost)
	t := l.at(g)
	switch can := d.cfg.Profile.Rights(t, true); {
	case a.Fetch && can&CanFetch == 0:
		d.fetchFault(t, &e.Route)
	case t == P2MPaged:
		e.Route.end(RouteRefault, whyPagedOut)
	case t == P2MBroken:
		e.Route.end(RouteDomainCrash, whyBroken)
	case a.Dir == xen.DirRead || can&CanWrite != 0:
		if can&CanRead == 0 {
			return false
		}
		e.Route.end(RouteRAM, whyRAM)
	case t == P2MLogDirty:
		l.dirtied(g, &e.Cost)
		e.Route.end(RouteRAM, whyDirtied)
	case t == P2MShared:
		l.dirty.mark(g)
		e.Cost.Add(&Cost{VX: 1, LK: 1, Unknown: 1})
		e.Route.end(RouteRAM, whyUnshared)
	case t == P2MGrantRO:
		e.Route.end(RouteDiscard, whyReadOnly)
	default:
		return false
	}
	return true
}

// settle resolves the marks on the way to g and populates it, each with an exit
// of its own.
func (l *layout) settle(g xen.GFN, write bool, c *Cost) {
	e, marked := l.path(g)
	if marked {
		did := l.apply(&pass{l: l, from: g}, g, g)
		c.FX++
		l.exit(&did, c)
		e, _ = l.path(g)
	}
	if e.typ() == P2MPoD {
		did := l.apply(&pass{l: l, from: g, populate: true}, g, g)
		l.exit(&did, c)
		if write {
			l.dirty.mark(g)
		}
	}
}

// dirtied makes a log-dirty page that is written ram_rw.
func (l *layout) dirtied(g xen.GFN, c *Cost) {
	l.dirty.mark(g)
	w := l.retype(g, 1, P2MRAMRW)
	w.VX++
	c.Add(&w)
}

// exit adds a fault whose handler made a pass.
func (l *layout) exit(did *tally, c *Cost) {
	w := l.written(did, 1)
	w.VX++
	c.Add(&w)
}

// fetchFault ends an instruction fetch from a page that cannot be executed.
func (d *Domain) fetchFault(t P2MType, r *Route) {
	switch {
	case t == P2MIOReqServer && d.cfg.Profile.Type15 == Type15Claimed:
		r.end(RouteRefault, whyNoFetch)
	case t == P2MPaged:
		r.end(RouteRefault, whyPagedOut)
	case t == P2MMMIODM:
		r.end(RouteFault, whyMMIOFetch)
	default:
		r.end(RouteDomainCrash, whyBadFetch)
	}
}
