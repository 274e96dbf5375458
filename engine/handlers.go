package engine

import "github.com/iotrace-xen/iotrace/xen"

// Handler is a device that Xen emulates itself, as far as routing meets it: it
// gets an access before any ioreq server does.
type Handler struct {
	Space xen.Space // ports or memory
	First uint64
	Last  uint64
	// Declines says that it only looks on: it refuses every access, which then
	// goes to servers one repetition at a time.
	Declines bool
}

// portConsole is that of the debug console for guests (XEN_HVM_DEBUGCONS_IOPORT).
const portConsole = 0xe9

// observers are the handlers of every domain that only look on: the CF8 latch, the
// console where it is read and has no answer, and the VGA's registers as long as
// stdvga has a cache.
var observers = [...]Handler{
	{Space: xen.SpacePort, First: portCF8, Last: portCF8 + portsCF8 - 1, Declines: true},
	{Space: xen.SpacePort, First: portConsole, Last: portConsole, Declines: true},
	{Space: xen.SpacePort, First: portVGASeq, Last: portVGASeq + 1, Declines: true},
	{Space: xen.SpacePort, First: portVGAGfx, Last: portVGAGfx + 1, Declines: true},
}

// vgaObservers are how many of the observers, the last ones, are the VGA's.
const vgaObservers = 2

// The sequencer's and the graphics controller's ports.
const (
	portVGASeq = 0x3c4
	portVGAGfx = 0x3ce
)

// looked makes of the repetitions of a port access what is left when those that
// look on have seen the first.
func (d *Domain) looked(a *Access, r *Route, last uint64) {
	n := len(observers)
	if !d.cfg.VGA || !d.cfg.Profile.VGACache {
		n -= vgaObservers
	}
	for i := range observers[:n] {
		if h := &observers[i]; a.Addr >= h.First && last <= h.Last {
			r.Count = 1
		}
	}
}

// intercept is hvm_io_intercept over the configured handlers and the console. It
// says whether one of them ended the access.
func (d *Domain) intercept(a *Access, r *Route) bool {
	ended := d.handle(a, r) || d.console(a, r)
	if d.trail != nil {
		d.trail.handled(r, ended)
	}
	return ended
}

func (d *Domain) handle(a *Access, r *Route) bool {
	at := span{a.Addr, a.Addr + uint64(a.Size) - 1}
	space := xen.SpacePort
	if a.Type == xen.TypeCopy {
		at, space = d.touched(a, r.Count), xen.SpaceMemory
	}
	for i := range d.cfg.Handlers {
		h := &d.cfg.Handlers[i]
		first := h.First <= at.first && at.first <= h.Last
		switch {
		case h.Space != space || !first:
			continue
		case at.last > h.Last || at.last < h.First:
			if space == xen.SpacePort {
				continue
			}
			r.end(RouteDomainCrash, whyHandlerEnd)
		case h.Declines:
			r.Count = 1
			return false
		default:
			r.end(RouteHandled, whyHandler)
		}
		return true
	}
	return false
}

// console is hvm_print_line, the handler of the console's port in every release. It
// takes all that is written, and what it answers to a read is that there is one.
func (d *Domain) console(a *Access, r *Route) bool {
	if a.Type != xen.TypePIO || a.Addr != portConsole || a.Size != 1 ||
		a.Dir == xen.DirRead && !d.cfg.Profile.ConsoleReads {
		return false
	}
	r.end(RouteHandled, whyConsole)
	return true
}
