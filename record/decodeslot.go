package record

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// anySlot decodes a synchronous slot of a process or of a driver.
func (d *decoder) anySlot(h rawHead, r rawSlotRec) {
	if h.kernel() {
		d.kernelSlot(h, r)
	} else {
		d.slot(h, r)
	}
}

// slot decodes a synchronous slot: as taken by a read of its port, which is an
// event of its own, or as answered by a notify of it. One that privcmd has answered
// was taken by no read.
func (d *decoder) slot(h rawHead, r rawSlotRec) {
	d.see(h)
	in := h.Kind == rawSlotIn
	probe, kind := format.ProbeIOResp, format.KindIOResp
	if in {
		probe, kind = format.ProbeIOReq, format.KindIOReq
	}
	p := d.portAt(r.Port, r.Dom)
	p.usedBy(h.PID)
	d.along(h, r, p)
	if in && !h.eventFD() {
		d.slotRead(h, r)
		p.read = true
	}
	if h.fault() {
		d.lose(h.Time, probe, format.ReasonFault, h.CPU, 1)
		return
	}
	q, err := xen.DecodeIOReq(r.Slot)
	if err != nil {
		d.lose(h.Time, probe, format.ReasonMalformed, h.CPU, 1)
		return
	}
	m := mapping{r.Born, h.PID, r.Entry}
	ev := format.IOReq{
		Dom: xen.DomID(r.Dom), VCPU: xen.VCPU(r.VCPU), Caller: h.caller(), Port: xen.Port(r.Port),
		Server: d.serverOf(h.Time, m, serverSlot{xen.DomID(r.Dom), xen.ServerID(r.Server), xen.VCPU(r.VCPU)}, q.EPort),
		Req:    q, DataKnown: true,
	}
	k := slotKey{m, serverSlot{ev.Dom, ev.Server, ev.VCPU}}
	if in && h.eventFD() {
		if a := d.open(p, k); a.id != 0 && a.req == q {
			return // a read of the port before its interrupt has found it
		}
	}
	if !in && !h.eventFD() && q.State == xen.StateRespReady {
		d.answered(h, p, k, ev)
	}
	ev.ID = d.requestID(p, k, in, q)
	if !d.keepsData(q) {
		ev.Req.Data, ev.DataKnown = d.instead(q.Data, q.Size)
	}
	d.emit(ev.Event(kind, h.Time))
}

// answered emits the request that ev answers if no probe saw it: a request that
// reached the slot between the probes' look and the device model's is served all
// the same, and what Xen asked for still stands in the slot, but for its data. A
// notification without a read before it answers nothing new.
func (d *decoder) answered(h rawHead, p *port, k slotKey, ev format.IOReq) {
	if p.read {
		d.deduce(h, p, k, ev)
	}
	p.read = false
}

// deduce emits the request of answer ev, unless it was seen.
func (d *decoder) deduce(h rawHead, p *port, k slotKey, ev format.IOReq) {
	if d.open(p, k).id != 0 {
		return
	}
	ev.Req.State, ev.Req.Data, ev.DataKnown, ev.FromAnswer = xen.StateReady, 0, false, true
	ev.ID = d.requestID(p, k, true, ev.Req)
	d.emit(ev.Event(format.KindIOReq, h.Time))
}

// slotRead emits the read that brought a slot's event, or its loss.
func (d *decoder) slotRead(h rawHead, r rawSlotRec) {
	if h.missed() {
		d.lose(h.Time, format.ProbeEvtchnRead, format.ReasonMissed, h.CPU, 1)
		return
	}
	if h.retried() {
		return
	}
	d.emit(format.PortEvent{
		Dom: xen.DomID(r.Dom), Port: xen.Port(r.Port), Caller: h.caller(),
	}.Event(format.KindEvtchnRead, h.Time))
}

// asked is the request that is open in a slot. Without one its id is 0.
type asked struct {
	id  uint64
	req xen.IOReq
}

// requestID returns the id that joins a request to its answer. A slot in any
// other state than those two is an event of its own.
func (d *decoder) requestID(p *port, k slotKey, in bool, q xen.IOReq) uint64 {
	if in {
		id := d.newID()
		if q.State == xen.StateReady {
			*d.askedAt(p, k.named()) = asked{id, q}
		}
		return id
	}
	if a := d.open(p, k); a.id != 0 && q.State == xen.StateRespReady {
		id := a.id
		*a = asked{}
		return id
	}
	return d.newID()
}

// open returns the request that is open in the slot: its server may not have been known
// when it was taken.
func (d *decoder) open(p *port, k slotKey) *asked {
	a := d.askedAt(p, k.named())
	if a.id != 0 || k.id == xen.NoServer {
		return a
	}
	k.id = xen.NoServer
	if early := d.requests[k]; early != nil && early.id != 0 {
		return early
	}
	return a
}

// askedAt returns the request of a slot of that name, which the port mostly remembers.
func (d *decoder) askedAt(p *port, name slotKey) *asked {
	if p.asked != nil && p.slot == name && p.forgot == d.forgot {
		return p.asked
	}
	a := d.requests[name]
	if a == nil {
		a = &asked{}
		d.requests[name] = a
	}
	p.slot, p.asked, p.forgot = name, a, d.forgot
	return a
}

// named leaves the mapping out if the server is known: who answers need not be who
// has taken the request.
func (k slotKey) named() slotKey {
	if k.id != xen.NoServer {
		k.mapping = mapping{}
	}
	return k
}

// instead returns what stands for data that is not kept.
func (d *decoder) instead(data uint64, size uint32) (value uint64, known bool) {
	if d.hashed == nil {
		return 0, false
	}
	return d.hashed.of(data, size), true
}

// keepsData says whether the data of q goes into the trace: always if it is an
// address, otherwise, unless all is wanted, only PCI configuration, which
// steers routing. The rest may be keystrokes, disk contents or console text.
func (d *decoder) keepsData(q xen.IOReq) bool {
	return d.full || q.Steers()
}

// kernelSlot decodes a slot of a driver: as Xen's interrupt found it, whoever was
// running then, or as its thread answers. Its port has no number in dom0 that the
// probes know.
func (d *decoder) kernelSlot(h rawHead, r rawSlotRec) {
	in := h.Kind == rawSlotIn
	kind := format.KindIOReq
	q, err := xen.DecodeIOReq(r.Slot)
	if err != nil {
		d.lose(h.Time, format.ProbeIOReq, format.ReasonMalformed, h.CPU, 1)
		return
	}
	var p port // one that remembers nothing
	m, dom := mapping{entry: r.Entry, born: r.Born}, xen.DomID(r.Dom)
	server := d.drivers.serverOf(dom, xen.ServerID(r.Server))
	ev := format.IOReq{
		Dom: dom, VCPU: xen.VCPU(r.VCPU), Req: q, DataKnown: true,
		Server: d.serverOf(h.Time, m, serverSlot{dom, server, xen.VCPU(r.VCPU)}, q.EPort),
	}
	k := slotKey{m, serverSlot{dom, xen.NoServer, ev.VCPU}} // nobody else has it mapped
	if !in {
		d.see(h)
		kind, ev.Caller = format.KindIOResp, h.caller()
		if q.State == xen.StateRespReady {
			d.deduce(h, &p, k, ev)
		}
	}
	ev.ID = d.requestID(&p, k, in, q)
	if !d.keepsData(q) {
		ev.Req.Data, ev.DataKnown = d.instead(q.Data, q.Size)
	}
	d.emit(ev.Event(kind, h.Time))
}
