package engine

import "github.com/iotrace-xen/iotrace/xen"

// The VGA window, whose single direct writes Xen buffers.
const (
	vgaFirst = 0xa0000
	vgaLast  = 0xbffff
)

// Reasons of routes. They are constants, so that a routed access allocates
// nothing.
const (
	whyRange      = "inside one stored range"
	whyNone       = "no enabled server stores a range around it"
	whyServer     = "hangs on a server that predates the trace"
	whyClaim      = "claimed page: no range or enabled check"
	whyNoPages    = "the server has no pages: ioreq_send dereferences NULL, the hypervisor dies"
	whyPages      = "whether the server has pages predates the trace"
	whyNoPort     = "the slot's port is not the server's: bad event channel"
	whyPort       = "whether the slot holds the server's port predates the trace"
	whyPCI        = "CF8 names the function"
	whyLatch      = "the CF8 latch is not known"
	whyExtended   = "whether CF8's extended bits count is not visible"
	whyUnclaimed  = "typed page without a claim: the guest faults again"
	whyClaimer    = "who holds the claim predates the trace"
	whyRAM        = "RAM: does not trap"
	whyDiscard    = "read-only RAM: the emulator drops the write"
	whyPage       = "the type of a page is not known"
	whyHandler    = "one of Xen's own devices takes it"
	whyHandlerEnd = "one of Xen's own devices takes its first byte but not its last"
	whyConsole    = "the console's port: Xen prints what is written, and a read returns 0xe9"
	whyDown       = "the domain is shutting down: nothing is sent, the instruction is tried again on resume"
	whyMissed     = "this release's emulator takes the page for plain RAM: no server sees the write"
	whyMalformed  = "Xen sends no such size or count"
	whyVGASync    = "VGA window: the ring is full, or the domain has no emulated VGA"
	whyFull       = "VGA window, but the ring is full"
	whyStale      = "there is no server at all: a read returns the vCPU's previous data"
	whyVGARead    = "VGA window: unless Xen's cache answered"
	whyVGANoRing  = "VGA window, but the server has no ring"
	whyVGARing    = "whether the server has a ring predates the trace"
	whyVGALock    = "VGA window: stdvga's lock is taken again for data that ends in the window, Xen spins for ever"
	whyVGA        = "VGA window: buffered"
	whyUnbuf      = "only single direct writes inside a0000..bffff are buffered"
	whyToAll      = "to every server, enabled or not"
	whyBroadcast  = "to every enabled server"
	whyTimeOffset = "to the default server's ring"
	whyDefault    = "no other server stores a range around it"
	whyType       = "requests of this type are not routed"
)

// routeOther routes what is no COPY: hvmemul_do_io and hvm_broadcast_ioreq from the
// choice of a receiver on.
func (d *Domain) routeOther(a *Access, r *Route) {
	switch a.Type {
	case xen.TypePIO:
		d.writeLatch(a)
		d.routePort(a, r)
	case xen.TypeInvalidate, xen.TypeTimeOffset:
		d.broadcast(a, r)
	default:
		d.routeDefault(a, r, whyType)
	}
}

// routeDefault is the end of ioreq_server_select: what no server has a range for
// goes to the default server, in the form that it came in.
func (d *Domain) routeDefault(a *Access, r *Route, why string) {
	switch d.servers[placeDefault].exists {
	case Yes:
		d.reach(a, r, placeDefault, whyDefault)
	case No:
		if d.cfg.Profile.NullStale && d.others == No && d.listed() == 0 {
			why = whyStale
		}
		r.end(RouteNull, why)
	default:
		r.Server = DefaultServer
		r.end(RouteUnknown, whyServer)
	}
}

// end sets where the access ends, and why.
func (r *Route) end(k RouteKind, why string) { r.Kind, r.Why = k, why }

func malformed(size, count uint32) bool {
	const sizes = 1<<1 | 1<<2 | 1<<4 | 1<<8
	return count == 0 || size > 8 || sizes>>size&1 == 0
}

// routePort routes PIO. An access to CF8's data ports goes to the owner of the
// PCI function or to nobody: never to the owner of the ports.
func (d *Domain) routePort(a *Access, r *Route) {
	last := a.Addr + uint64(a.Size) - 1
	data := a.Addr&^3 == portCFC
	if d.trail != nil {
		d.trail.port(a, &d.latch)
	}
	switch {
	case malformed(a.Size, a.Count):
		r.end(RouteDomainCrash, whyMalformed)
	case data && !d.latch.known:
		r.end(RouteUnknown, whyLatch)
	case data && d.latch.value&cf8Enable != 0:
		d.routePCI(a, r)
	default:
		d.looked(a, r, last)
		d.routeRange(a, r, xen.SpacePort, span{a.Addr, last})
	}
}

// routePCI routes a config cycle by its function and rewrites it.
func (d *Domain) routePCI(a *Access, r *Route) {
	cf8 := d.latch.value
	sbdf := cf8 >> 8 & 0xffff
	reg := cf8&cf8Register | uint32(a.Addr)&3
	ext := cf8 & cf8Extended
	to, ok := d.choose(r, xen.SpacePCI, uint64(sbdf), uint64(sbdf))
	r.Server = d.idAt(to)
	switch {
	case ok == No:
		d.routeDefault(a, r, whyNone)
		return
	case ext != 0 && d.latch.ext == Maybe:
		r.end(RouteUnknown, whyExtended)
		return
	case ok == Maybe:
		r.end(RouteUnknown, whyServer)
		return
	}
	if d.latch.ext == Yes {
		reg |= ext >> extendedShift
	}
	r.Type, r.Addr = xen.TypePCIConfig, xen.PCIAddr(xen.SBDF(sbdf), reg)
	if d.trail != nil {
		d.trail.config(r)
	}
	d.reach(a, r, to, whyPCI)
}

// choose scans the servers, and notes in r how many range nodes that visits.
func (d *Domain) choose(r *Route, space xen.Space, first, last uint64) (to place, ok Tri) {
	s := &d.routes.spaces[space]
	if s.stale {
		d.refresh(space)
	}
	i := s.find(first)
	seg := &s.segs[i]
	to, ok, r.Nodes = seg.to, seg.plain, seg.nodes
	if last > seg.last || ok == Maybe {
		to, ok = d.scan(r, space, i, first, last)
	}
	if d.trail != nil {
		d.trail.scan(d, space, span{first, last}, to, ok)
	}
	return to, ok
}

// scan is choose where segment i alone does not say it.
func (d *Domain) scan(r *Route, space xen.Space, i int, first, last uint64) (place, Tri) {
	if d.routes.lost {
		r.Nodes = 0
		return noPlace, Maybe
	}
	to, ok, all := d.routes.scan(&d.routes.spaces[space], i, last)
	if !all {
		r.Nodes = d.walkedTo(space, first, to)
	}
	return to, ok
}

// routeRange routes by stored ranges.
func (d *Domain) routeRange(a *Access, r *Route, space xen.Space, s span) {
	to, ok := noPlace, No
	if s.first <= s.last {
		to, ok = d.choose(r, space, s.first, s.last)
	}
	switch ok {
	case Yes:
		d.reach(a, r, to, whyRange)
	case No:
		d.routeDefault(a, r, whyNone)
	default:
		r.Server = d.idAt(to)
		r.end(RouteUnknown, whyServer)
	}
}

// reachable says whether the slots of a server take a request at once.
func (d *Domain) reachable(to place) bool {
	s := &d.servers[to]
	return s.eport == Yes && s.pages.there() && !d.down
}

// reach sends the access to a server: ioreq_send's look at the slot. Without
// pages Xen itself dies, and a slot with a foreign port is refused.
func (d *Domain) reach(a *Access, r *Route, to place, why string) {
	s := &d.servers[to]
	r.Server, r.at = d.idAt(to), to
	if d.trail != nil {
		d.trail.slot(d, to, a.VCPU)
	}
	switch {
	case d.reachable(to):
		r.end(RouteServer, why)
	case d.down:
		r.end(RouteSuspended, whyDown)
	case s.pages.missing():
		r.end(RouteXenCrash, whyNoPages)
	case s.pages == pagesUnknown:
		r.end(RouteUnknown, whyPages)
	case s.eport == Maybe:
		r.end(RouteUnknown, whyPort)
	case a.Type == xen.TypePIO || d.cfg.Profile.BadSlotCrash:
		r.end(RouteDomainCrash, whyNoPort)
	default:
		r.end(RouteFault, whyNoPort)
	}
}

// routeMemory routes COPY: cut at the end of the frame that it begins in, then
// by the type of that frame's page. Buffered ones go by ranges whatever that is.
func (d *Domain) routeMemory(a *Access, r *Route) {
	r.Count = d.frameCount(a)
	if d.trail != nil {
		d.trail.cut(a, r)
	}
	switch {
	case malformed(a.Size, a.Count):
		r.end(RouteFault, whyMalformed)
		return
	case a.Buffered && d.bufferable(a, r.Count):
		d.routeBuffered(a, r)
		return
	}
	types := d.Page(xen.GFNOf(a.Addr))
	if d.trail != nil {
		d.trail.page(a, types)
	}
	switch traps := d.traps(a.Dir, types); {
	case traps == setMMIODM:
		d.routeRange(a, r, xen.SpaceMemory, d.touched(a, r.Count))
	case traps == 0:
		routeRAM(a, r, types)
	case traps == setIOReqServer && !d.bufferable(a, r.Count):
		d.routeClaim(a, r)
	default:
		d.routeEither(a, r)
	}
	if a.Buffered || a.inWindow() {
		d.notBuffered(a, r)
	}
}

// traps returns the types of types that send an access to the emulator, where
// setMMIODM stands for all that are routed by ranges.
func (d *Domain) traps(dir xen.Dir, types P2MTypes) P2MTypes {
	switch {
	case d.cfg.Profile.Type15 == Type15WriteDM && types&(setMMIODM|setIOReqServer) != 0:
		return setMMIODM // routed alike; a read comes from the emulator
	case dir == xen.DirWrite:
		return types & (setMMIODM | setIOReqServer)
	}
	return types & setMMIODM
}

// notBuffered says why an access that was seen in a ring cannot have been there, or
// why one in the VGA window came to a slot.
func (d *Domain) notBuffered(a *Access, r *Route) {
	switch {
	case a.Buffered:
		r.Why = whyUnbuf
	case r.Kind != RouteServer || r.ByClaim:
	case d.bufferable(a, r.Count):
		r.Why = whyVGASync
	case a.Dir == xen.DirRead && d.cfg.Profile.VGACache:
		r.Why = whyVGARead
	}
}

// routeEither routes a write to a page that is of the one type or the other, or
// of type ioreq_server in the VGA window, which comes before the type. The
// access was trapped, so an end without a request is out.
func (d *Domain) routeEither(a *Access, r *Route) {
	byClaim := *r
	d.routeClaim(a, &byClaim)
	d.routeRange(a, r, xen.SpaceMemory, d.touched(a, r.Count))
	same := r.Kind == byClaim.Kind && r.Server == byClaim.Server && r.Count == byClaim.Count
	if d.claim.held != No && !same {
		r.end(RouteUnknown, whyPage)
	}
}

// routeRAM is an access to a page that causes no request.
func routeRAM(a *Access, r *Route, types P2MTypes) {
	switch {
	case a.Dir == xen.DirRead || types&setRAMRO == 0:
		r.end(RouteRAM, whyRAM)
	case types == setRAMRO:
		r.end(RouteDiscard, whyDiscard)
	default:
		r.end(RouteUnknown, whyPage)
	}
}

// touched returns the addresses that count repetitions of a COPY touch, or that
// an older release takes them to touch. They are out of order where they leave
// the address space.
func (d *Domain) touched(a *Access, count uint32) span {
	bytes, size := uint64(count)*uint64(a.Size), uint64(a.Size)
	if a.DF && d.cfg.Profile.DFMatch {
		return span{a.Addr - (bytes - size), a.Addr + size - 1}
	}
	return span{a.Addr, a.Addr + bytes - 1}
}

// routeClaim routes a write to a page of type ioreq_server.
func (d *Domain) routeClaim(a *Access, r *Route) {
	r.Count = 1
	if d.trail != nil {
		d.trail.claim(d.claim)
	}
	switch to := d.place(d.claim.holder); {
	case d.claim.held == No:
		r.end(RouteRefault, whyUnclaimed)
	case d.claim.held == Maybe || to == noPlace:
		r.end(RouteUnknown, whyClaimer)
	default:
		r.ByClaim = true
		d.reach(a, r, to, whyClaim)
	}
}

// frameCount is how many repetitions of a COPY are left when it is cut at the
// end of the frame that it begins in.
func (d *Domain) frameCount(a *Access) uint32 {
	if a.Count <= 1 || a.Size == 0 || !d.cfg.Profile.Truncate {
		return a.Count
	}
	off := uint32(a.Addr & (xen.PageSize - 1))
	tail := xen.PageSize - off
	switch {
	case tail < a.Size:
		return 1
	case a.DF:
		return min(a.Count, (off+a.Size)/a.Size)
	}
	return min(a.Count, tail/a.Size)
}
