package record

import (
	"bytes"
	"cmp"
	"maps"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// process notes the name of a process. The name that the probe saw is the
// calling thread's; of another than the first, the process's own is better if it
// is still there.
func (d *decoder) process(h rawHead, name string) {
	if d.known[h.PID] {
		return
	}
	d.known[h.PID] = true
	if h.TID != h.PID {
		name = cmp.Or(d.comm(h.PID), name)
	}
	d.emit(format.Process{PID: h.PID, Comm: name}.Event(h.Time))
}

// exec gives a process the name of its new program. The old one's mappings are
// gone; a descriptor may have stayed open.
func (d *decoder) exec(h rawHead, name string) {
	d.unmapped(h.PID)
	d.known[h.PID] = true
	d.emit(format.Process{PID: h.PID, Comm: name}.Event(h.Time))
}

// see names the process of a record that comes before any call of it.
func (d *decoder) see(h *rawHead) {
	if d.latest != int64(h.PID) {
		d.seeOther(h)
	}
}

// seeOther sees another process than that of the record before.
func (d *decoder) seeOther(h *rawHead) {
	d.latest = int64(h.PID)
	if d.known[h.PID] {
		return
	}
	d.known[h.PID] = true
	d.emit(format.Process{PID: h.PID, Comm: d.comm(h.PID)}.Event(h.Time))
}

// seeWaiting is see for what has waited for a record to tell it. Its process may have
// ended meanwhile: that one is not known again.
func (d *decoder) seeWaiting(h *rawHead) {
	if d.known[h.PID] || d.comm(h.PID) != "" {
		d.see(h)
	}
}

// commIn returns the name in a rawProcess or rawExec.
func commIn(b []byte) string {
	name, _, _ := bytes.Cut(b[rawHeadSize:rawSizes[rawProcess]], []byte{0})
	return string(name)
}

// exit forgets a process: its number may be given to another. Its other threads
// may still be returning from their calls.
func (d *decoder) exit(h rawHead) {
	d.unmapped(h.PID)
	if d.known[h.PID] { // else no event names it
		d.emit(format.ProcessExit{PID: h.PID}.Event(h.Time))
	}
	delete(d.known, h.PID)
	d.latest = -1
	delete(d.calls, h.TID)
	d.drivers.forget(h.PID)
}

// unmapped forgets what a process had mapped. The accounts of rings go on: another
// may have them mapped, or map them later.
func (d *decoder) unmapped(pid uint32) {
	d.ended(pid)
	delete(d.followed, pid)
	d.forgetRequests(func(k slotKey) bool { return k.pid == pid })
	d.leavePorts(pid)
	d.late.forget(pid)
}

// newServers forgets the requests of a server that was created or destroyed, or of
// all of a domain's: nobody will answer them any more.
func (d *decoder) newServers(dom xen.DomID, is func(xen.ServerID) bool) {
	d.forgetRequests(func(k slotKey) bool { return k.dom == dom && is(k.id) })
}

// forgetRequests forgets requests, and with them all slots in which there is none: those of
// domains of whose end nobody has told.
func (d *decoder) forgetRequests(in func(slotKey) bool) {
	maps.DeleteFunc(d.requests, func(k slotKey, a *asked) bool { return a.id == 0 || in(k) })
	d.forgot++
}

// dmOpDone notes what a dm_op that has succeeded did to servers.
func (d *decoder) dmOpDone(dom xen.DomID, op *xen.DMOp) {
	var id xen.ServerID
	switch op.Op { // before its body is decoded, which takes an allocation
	case xen.OpCreateIOReqServer:
		id = op.DecodeBody().(xen.CreateIOReqServer).ID
	case xen.OpDestroyIOReqServer:
		id = op.DecodeBody().(xen.DestroyIOReqServer).ID
	default:
		return
	}
	d.newServers(dom, func(other xen.ServerID) bool { return other == id })
	d.late.renew(dom, id)
}

// hypercallDone notes the end of a domain, whose number another may get.
func (d *decoder) hypercallDone(dom xen.DomID, what hyperKey) {
	if what != (hyperKey{xen.HyperDomctl, xen.DomctlDestroy}) {
		return
	}
	d.newServers(dom, func(xen.ServerID) bool { return true })
	d.late.forgetDomain(dom)
}
