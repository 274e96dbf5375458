package engine

import (
	"encoding/binary"

	"github.com/iotrace-xen/iotrace/xen"
)

// doIO is hvmemul_do_io for an access that Xen's emulator makes: that it does
// not go to RAM is settled.
func (d *Domain) doIO(a *Access, e *Effect) {
	d.last = last{created: xen.NoServer}
	if !a.DataIsPtr {
		d.writeLatch(a)
	}
	r := &e.Route
	r.Server, r.Type, r.Addr, r.Count = xen.NoServer, a.Type, a.Addr, a.Count
	if a.Type == xen.TypeCopy {
		r.Count = d.frameCount(a)
		if d.trail != nil {
			d.trail.cut(a, r)
		}
	}
	d.vga.watch(a, r.Count)
	switch {
	case malformed(a.Size, a.Count):
		r.end(RouteFault, whyMalformed)
	case d.intercept(a, r):
	case a.Type == xen.TypePIO:
		d.routePort(a, r)
	default:
		d.doMMIO(a, r)
	}
	r.AddCost(a, &e.Cost)
	if r.Kind == RouteServer {
		d.send(r.at, a.VCPU)
	}
}

// doMMIO asks Xen's VGA first, then looks at the type of the page, then at the
// ranges.
func (d *Domain) doMMIO(a *Access, r *Route) {
	switch {
	case !d.cfg.VGA || !a.inWindow():
	case d.bufferable(a, r.Count) && a.fromVGA():
		r.end(RouteXenCrash, whyVGALock)
		return
	case d.bufferable(a, r.Count):
		if d.routeBuffered(a, r); r.Kind == RouteBuffered || r.Kind == RouteUnknown {
			return
		}
	case a.Dir == xen.DirRead && d.cfg.Profile.VGACache && !d.vga.off:
		r.end(RouteUnknown, whyVGARead)
		return
	}
	types := d.Page(xen.GFNOf(a.Addr))
	if d.trail != nil {
		d.trail.page(a, types)
	}
	switch typed := within(types, setIOReqServer); {
	case typed == No, d.cfg.Profile.Type15 != Type15Claimed:
		d.routeRange(a, r, xen.SpaceMemory, d.touched(a, r.Count))
	case typed == Yes:
		d.routeClaim(a, r)
	default:
		r.end(RouteUnknown, whyPage)
	}
}

// fromRAM is a ring's entry of what a string has in RAM: hvm_process_io_intercept
// reads it for the handler of the VGA window.
func (x *Execution) fromRAM(a *Access) {
	var b [8]byte
	x.mem.Read(a.Data, b[:a.Size])
	a.DataIsPtr, a.Data = false, number(b[:a.Size])
}

// latchFromRAM is what the handler of port 0xcf8 does with a string's first
// element, which hvm_process_io_intercept reads out of RAM.
func (x *Execution) latchFromRAM(a *Access) {
	if a.Type == xen.TypePIO && a.DataIsPtr && a.Dir == xen.DirWrite {
		var b [4]byte
		x.mem.Read(a.Data, b[:])
		x.d.latch.write(&Access{
			Type: a.Type, Dir: a.Dir, Addr: a.Addr, Size: a.Size, DataKnown: true, Data: uint64(binary.LittleEndian.Uint32(b[:])),
		})
	}
}
