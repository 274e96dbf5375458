package record

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// anySlot decodes a synchronous slot of a process or of a driver.
func (d *decoder) anySlot(h *rawHead, b []byte) {
	r := parseSlot(b)
	if h.kernel() {
		d.kernelSlot(h, &r)
	} else {
		d.slot(h, &r)
	}
}

// slot decodes a synchronous slot: as taken by a read of its port, which is an
// event of its own, or as answered by a notify of it. One that privcmd has answered
// was taken by no read.
func (d *decoder) slot(h *rawHead, r *rawSlotRec) {
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
	var ev format.IOReq
	if err := ev.Req.Decode(r.Slot); err != nil {
		d.lose(h.Time, probe, format.ReasonMalformed, h.CPU, 1)
		return
	}
	s := d.slotAt(p, h.Time, r.key(h.PID), ev.Req.EPort)
	if in && h.eventFD() {
		if a := d.open(s); a.id != 0 && a.req == ev.Req {
			return // a read of the port before its interrupt has found it
		}
	}
	ev.Dom, ev.Server, ev.VCPU = s.key.dom, s.key.id, s.key.vcpu
	ev.Caller, ev.Port, ev.DataKnown = h.caller(), xen.Port(r.Port), true
	if !in && !h.eventFD() {
		d.answered(h, p, s, &ev)
	}
	d.emitSlot(kind, h.Time, s, &ev)
}

// emitSlot emits ev, what a slot held, with its number and without the data that is
// not kept.
func (d *decoder) emitSlot(k format.Kind, t uint64, s *slot, ev *format.IOReq) {
	ev.ID = d.requestID(s, k == format.KindIOReq, &ev.Req)
	if !d.keepsData(&ev.Req) {
		ev.Req.Data, ev.DataKnown = d.instead(ev.Req.Data, ev.Req.Size)
	}
	ev.Pack(d.next(), k, t)
	d.choose()
}

// answered emits the request that ev answers if no probe saw it: a request that
// reached the slot between the probes' look and the device model's is served all
// the same, and what Xen asked for still stands in the slot, but for its data. Not so
// if Xen has taken the answer already: then the request is lost. A notification without
// a read before it answers nothing new.
func (d *decoder) answered(h *rawHead, p *port, s *slot, ev *format.IOReq) {
	a := d.open(s)
	if !a.answeredBy(&ev.Req) {
		return
	}
	switch {
	case !p.read || a.id != 0:
	case ev.Req.State == xen.StateRespReady:
		d.deduce(h, s, ev)
	default:
		d.lose(h.Time, format.ProbeIOReq, format.ReasonMissed, h.CPU, 1)
	}
	p.read = false
}

// deduce emits the request of answer ev, unless it was seen.
func (d *decoder) deduce(h *rawHead, s *slot, ev *format.IOReq) {
	if d.open(s).id != 0 {
		return
	}
	asked := *ev
	asked.Req.State, asked.Req.Data, asked.DataKnown, asked.FromAnswer = xen.StateReady, 0, false, true
	asked.ID = d.requestID(s, true, &asked.Req)
	d.emit(asked.Event(format.KindIOReq, h.Time))
}

// slotRead emits the read that brought a slot's event, or its loss.
func (d *decoder) slotRead(h *rawHead, r *rawSlotRec) {
	if h.missed() {
		d.lose(h.Time, format.ProbeEvtchnRead, format.ReasonMissed, h.CPU, 1)
		return
	}
	if h.retried() {
		return
	}
	d.emitPort(format.KindEvtchnRead, h.Time, format.PortEvent{Dom: xen.DomID(r.Dom), Port: xen.Port(r.Port), Caller: h.caller()})
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
func (d *decoder) keepsData(q *xen.IOReq) bool {
	return d.full || q.Steers()
}

// kernelSlot decodes a slot of a driver: as Xen's interrupt found it, whoever was
// running then, or as its thread answers. Its port has no number in dom0 that the
// probes know.
func (d *decoder) kernelSlot(h *rawHead, r *rawSlotRec) {
	q, err := xen.DecodeIOReq(r.Slot)
	if err != nil {
		d.lose(h.Time, format.ProbeIOReq, format.ReasonMalformed, h.CPU, 1)
		return
	}
	k := r.key(0)
	k.id = d.drivers.serverOf(k.dom, k.id)
	ev := format.IOReq{
		Dom: k.dom, Server: d.serverOf(h.Time, k.mapping, k.serverSlot, q.EPort), VCPU: k.vcpu, Req: q, DataKnown: true,
	}
	k.id = xen.NoServer // nobody else has it mapped
	s, kind := &slot{key: k, asked: d.askedIn(k)}, format.KindIOReq
	if h.Kind == rawSlotOut {
		d.see(h)
		kind, ev.Caller = format.KindIOResp, h.caller()
		if q.State == xen.StateRespReady {
			d.deduce(h, s, &ev)
		}
	}
	d.emitSlot(kind, h.Time, s, &ev)
}
