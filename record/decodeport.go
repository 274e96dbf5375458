package record

import (
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// port is one of dom0's event channels.
type port struct {
	dom  xen.DomID // DomInvalid if it is not known
	pid  uint32    // who has read it, or answered through it; 0 if nobody has
	read bool      // since the last answer through it

	arrivals, unmasks told
	waited            waiting // what the table had at the last look

	slot slot // that was seen behind it last
}

// told are the times of events that were found waiting in the probes' table, oldest
// first. Their records may come yet, and are no news then.
type told []uint64

// news says whether an event is one that was not told. Records of a port come in order:
// those of events before it are lost, if they have not come.
func (o *told) news(t uint64) bool {
	if len(*o) == 0 {
		return true
	}
	found, n := false, 0
	for n < len(*o) && (*o)[n] <= t {
		found = found || (*o)[n] == t
		n++
	}
	*o = slices.Delete(*o, 0, n)
	return !found
}

// add says the same of an event found in the table, and notes it.
func (o *told) add(t uint64) bool {
	if t == 0 || slices.Contains(*o, t) {
		return false
	}
	*o = append(*o, t)
	return true
}

// portAt returns what is known of a port, new if nothing is.
func (d *decoder) portAt(number uint32, dom uint16) *port {
	p := d.ports[number]
	if p == nil {
		p = &port{}
		d.ports[number] = p
	}
	p.dom = xen.DomID(dom)
	return p
}

// usedBy says that a process reads the port or answers through it.
func (p *port) usedBy(pid uint32) {
	if p.pid != pid {
		p.pid, p.read = pid, false
	}
}

// leavePorts forgets what a process has read.
func (d *decoder) leavePorts(pid uint32) {
	for _, p := range d.ports {
		if p.pid == pid {
			p.usedBy(0)
		}
	}
}

// portEvent decodes what happened to a port and has no slot.
func (d *decoder) portEvent(h rawHead, r rawPortRec) {
	p := d.portAt(r.Port, r.Dom)
	switch h.Kind {
	case rawInterrupt:
		d.interrupt(p, r.Port, h.Time, uint32(r.On))
	case rawUnmask:
		d.seeWaiting(&h)
		d.unmask(p, r.Port, h.Time, h.caller())
	case rawRead:
		d.see(&h)
		p.usedBy(h.PID)
		p.read = true
		d.late.readPort(h.PID, p.dom, xen.Port(r.Remote))
		d.emitPort(format.KindEvtchnRead, h.Time, format.PortEvent{Dom: p.dom, Port: xen.Port(r.Port), Caller: h.caller()})
	}
}

func (d *decoder) interrupt(p *port, number uint32, t uint64, cpu uint32) {
	if p.arrivals.news(t) {
		d.emitInterrupt(number, t, cpu)
	}
}

func (d *decoder) emitInterrupt(number uint32, t uint64, cpu uint32) {
	d.emitPort(format.KindEvtchnInterrupt, t, format.PortEvent{Port: xen.Port(number), CPU: cpu})
}

func (d *decoder) unmask(p *port, number uint32, t uint64, by format.Caller) {
	if p.unmasks.news(t) {
		d.emitUnmask(p, number, t, by)
	}
}

func (d *decoder) emitUnmask(p *port, number uint32, t uint64, by format.Caller) {
	d.emitPort(format.KindEvtchnUnmask, t, format.PortEvent{Dom: p.dom, Port: xen.Port(number), Caller: by})
}

func (d *decoder) emitPort(k format.Kind, t uint64, p format.PortEvent) {
	p.Pack(d.next(), k, t)
	d.choose()
}

// along decodes what a slot's record tells besides: the interrupt before a request, the
// unmask before an answer.
func (d *decoder) along(h *rawHead, r *rawSlotRec, p *port) {
	switch {
	case r.With == 0:
	case h.Kind == rawSlotIn:
		d.count(h.CPU, format.ProbeInterrupt, h.Seq+1)
		d.interrupt(p, r.Port, r.With, uint32(r.By))
	default:
		d.count(h.CPU, format.ProbeEvtchnWrite, h.Seq+1)
		by := rawHead{Time: h.Time, PID: uint32(r.By >> 32), TID: uint32(r.By)}
		d.seeWaiting(&by)
		d.unmask(p, r.Port, r.With, by.caller())
	}
}

// waiting is what the probes' table has of a port's events that no record tells yet.
type waiting struct {
	arrived, unmasked uint64 // times, 0 if there was none
	cpu               uint32 // that the interrupt came to
	by                format.Caller
}

// tellWaiting tells what waits in the probes' table for a record that may never come:
// the device model may hang. But for the last time, what does so since the last look,
// so that the records of what came before it have been decoded.
func (d *decoder) tellWaiting(find func(port uint32) (waiting, error), last bool) error {
	for _, number := range slices.Sorted(maps.Keys(d.ports)) {
		p := d.ports[number]
		var w waiting
		if p.dom != xen.DomInvalid { // else the probes let nothing wait
			var err error
			if w, err = find(number); err != nil {
				return err
			}
		}
		if (last || w.arrived == p.waited.arrived) && p.arrivals.add(w.arrived) {
			d.emitInterrupt(number, w.arrived, w.cpu)
		}
		if (last || w.unmasked == p.waited.unmasked) && p.unmasks.add(w.unmasked) {
			d.emitUnmask(p, number, w.unmasked, w.by)
		}
		p.waited = w
		if p.pid == 0 && w.arrived == 0 && w.unmasked == 0 {
			delete(d.ports, number)
		}
	}
	return nil
}
