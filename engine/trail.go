package engine

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/xen"
)

// A trail notes what the functions of a step look at. Outside of Explain a domain
// has none, so that a step pays no more than tests of a pointer.
type trail struct {
	reasons []Reason
	newer   bool // the release is 4.15 or later
	failed  bool // the last reason is a call's end
}

func (t *trail) note(function, format string, args ...any) {
	t.reasons = append(t.reasons, Reason{function, fmt.Sprintf(format, args...)})
}

// latched notes a write of CF8.
func (t *trail) latched(a *Access, l *latch) {
	switch {
	case !writesLatch(a):
	case l.known:
		t.note("hvm_access_cf8", "the latch becomes %#x", l.value)
	default:
		t.note("hvm_access_cf8", "the latch becomes something that is not known")
	}
}

// cut notes what the end of a frame left of the repetitions of a COPY.
func (t *trail) cut(a *Access, r *Route) {
	if r.Count == a.Count {
		t.note("hvmemul_do_io", "count %d at %#x: nothing to cut at the frame's end", a.Count, a.Addr)
		return
	}
	t.note("hvmemul_do_io", "count %d at %#x: %d of them lie in the frame", a.Count, a.Addr, r.Count)
}

// handled notes Xen's own devices.
func (t *trail) handled(r *Route, by bool) {
	if by {
		t.note("hvm_io_intercept", "%s", r.Why)
		return
	}
	t.note("hvm_io_intercept", "no device of Xen's own takes it; count %d", r.Count)
}

// page notes the type of a page.
func (t *trail) page(a *Access, types P2MTypes) {
	t.note("get_gfn_query_unlocked", "%v of frame %#x, which is %v", a.Dir, uint64(xen.GFNOf(a.Addr)), types)
}

// port notes which way a port access takes.
func (t *trail) port(a *Access, l *latch) {
	f := t.name("ioreq_server_get_type_addr", "hvm_select_ioreq_server")
	switch {
	case a.Addr&^3 != portCFC:
		t.note(f, "port %#x is none of CF8's data ports", a.Addr)
	case !l.known:
		t.note(f, "port %#x: what CF8 holds is not known", a.Addr)
	default:
		t.note(f, "port %#x: CF8 holds %#x", a.Addr, l.value)
	}
}

// config notes the rewriting of a config cycle.
func (t *trail) config(r *Route) {
	sbdf, reg := xen.IOReq{Addr: r.Addr}.PCI()
	t.note(t.name("ioreq_server_get_type_addr", "hvm_select_ioreq_server"), "rewritten to %v of %v, register %#x", r.Type, sbdf, reg)
}

// claim notes who holds the claim.
func (t *trail) claim(c claim) {
	t.note("p2m_get_ioreq_server", "held %v by server %v", c.held, c.holder)
}

// scan notes the servers that were asked, from the highest place down to the one
// that was chosen.
func (t *trail) scan(d *Domain, space xen.Space, s span, to place, ok Tri) {
	f := t.name("ioreq_server_select", "hvm_select_ioreq_server")
	for p := place(maxServers - 1); p >= 0; p-- {
		if p == to && ok != No {
			t.note(f, "server %v: %s", d.idAt(p), chosen(ok))
			return
		}
		if d.servers[p].exists != No {
			t.note(f, "server %v: %s", d.idAt(p), d.servers[p].passed(space, s))
		}
	}
	if ok == Maybe {
		t.note(f, "there may be servers that are not known")
		return
	}
	t.note(f, "no server left to ask")
}

func chosen(ok Tri) string {
	if ok == Yes {
		return "enabled, and one range holds all of it: chosen"
	}
	return "whether it is enabled and has a range around it is not known"
}

// passed says why the scan passed a server by.
func (s *server) passed(space xen.Space, at span) string {
	set := s.ranges[space]
	switch {
	case s.enabled == No:
		return "disabled, passed by"
	case set.contains(at.first, at.last):
		return "a range holds it, but it may not be enabled"
	case set.overlaps(at.first, at.last):
		return "no range holds all of it, one holds a part"
	}
	return fmt.Sprintf("none of its ranges in that space holds it (%d)", len(set))
}

var pageNames = [...]string{
	pagesUnknown: "unknown", pagesNone: "not allocated", pagesSome: "there",
	pagesResource: "acquired as a resource", pagesGFN: "at gfns", pagesFreed: "freed",
}

// slot notes the look at the slot, or at what stands in its place.
func (t *trail) slot(d *Domain, to place, v xen.VCPU) {
	s := &d.servers[to]
	t.note(t.name("ioreq_send", "hvm_send_ioreq"), "server %v, vCPU %d: pages %s, the slot holds the server's port: %v",
		d.idAt(to), uint16(v), pageNames[s.pages], s.eport)
}

// ring notes the look at a buffered ring.
func (t *trail) ring(d *Domain, to place) {
	s := &d.servers[to]
	t.note(t.name("ioreq_send_buffered", "hvm_send_buffered_ioreq"), "server %v: has a ring: %v, pages %s", d.idAt(to), s.ring, pageNames[s.pages])
}

// call notes a stage of a call: what it checks, and the result if it failed.
func (t *trail) call(function, checks string, r Ret) {
	if r.ok() {
		t.note(function, "%s: passed", checks)
		return
	}
	t.note(function, "%s: %v", checks, r)
	t.failed = true
}

// server notes the look for the server that a call names.
func (t *trail) server(caller xen.DomID, id xen.ServerID, r Ret) {
	t.call("get_ioreq_server", fmt.Sprintf("server %v, by dom%d", id, caller), r)
}

// refused notes the page at which a change of type stopped, if it did.
func (t *trail) refused(d *Domain, g xen.GFN, r Ret) {
	if !r.ok() {
		t.note("p2m_change_type_one", "frame %#x is %v: %v", uint64(g), d.Page(g), r)
	}
}
