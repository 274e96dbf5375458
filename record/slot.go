package record

import "github.com/iotrace-xen/iotrace/xen"

// mapping names one mapping of an ioreq server's pages by one process, for
// good: born tells it from a later one in the same place of the probes' table. Without
// a gap between the fields its hash is one pass.
type mapping struct {
	born  uint64
	pid   uint32
	entry uint16
}

// slotKey is the synchronous slot of one vCPU: of a server or, while that is not
// known, in one mapping.
type slotKey struct {
	mapping
	serverSlot
}

// key returns the slot of a record as the probes name it.
func (r *rawSlotRec) key(pid uint32) slotKey {
	return slotKey{mapping{r.Born, pid, r.Entry}, serverSlot{xen.DomID(r.Dom), xen.ServerID(r.Server), xen.VCPU(r.VCPU)}}
}

// named leaves the mapping out if the server is known: who answers need not be who
// has taken the request.
func (k slotKey) named() slotKey {
	if k.id != xen.NoServer {
		k.mapping = mapping{}
	}
	return k
}

// asked is the request that is open in a slot. Without one its id is 0.
type asked struct {
	id  uint64
	req xen.IOReq
}

// answeredBy says whether a slot that a device model notifies Xen of shows a's answer.
// Xen looks at all slots of a vCPU whenever it is notified of one (wait_for_io), and
// after a broadcast there are several: it may have taken an answer before that is told.
// Then the slot is free, or has the next request.
func (a *asked) answeredBy(slot *xen.IOReq) bool {
	switch slot.State {
	case xen.StateRespReady, xen.StateNone:
		return true
	case xen.StateReady:
		return a.req != *slot
	}
	return false
}

// slot is what is known of the slot behind a port, which is mostly the one of the
// record before. That holds until more is known.
type slot struct {
	raw   slotKey // as the probes name it
	eport xen.Port
	as    age

	key   slotKey // with the server, if that is certain
	asked *asked
}

// age tells states of a decoder apart that may say other things of the same slot.
type age struct {
	forgot  int // how often requests were forgotten
	learned int // how often late was changed
}

func (d *decoder) age() age { return age{d.forgot, d.late.changes} }

// slotAt returns the slot of a record, in which eport was seen.
func (d *decoder) slotAt(p *port, t uint64, raw slotKey, eport xen.Port) *slot {
	s := &p.slot
	if s.asked == nil || s.raw != raw || s.eport != eport || s.as != d.age() {
		key := raw
		key.id = d.serverOf(t, raw.mapping, raw.serverSlot, eport)
		*s = slot{raw, eport, d.age(), key, d.askedIn(key.named())}
	}
	return s
}

// askedIn returns the request of a slot of that name.
func (d *decoder) askedIn(name slotKey) *asked {
	a := d.requests[name]
	if a == nil {
		a = &asked{}
		d.requests[name] = a
	}
	return a
}

// open returns the request that is open in the slot: its server may not have been known
// when it was taken.
func (d *decoder) open(s *slot) *asked {
	if s.asked.id != 0 || s.key.id == xen.NoServer {
		return s.asked
	}
	k := s.key
	k.id = xen.NoServer
	if early := d.requests[k]; early != nil && early.id != 0 {
		return early
	}
	return s.asked
}

// requestID returns the id that joins a request to its answer. A slot that shows neither
// is an event of its own.
func (d *decoder) requestID(s *slot, in bool, q *xen.IOReq) uint64 {
	if in {
		id := d.newID()
		if q.State == xen.StateReady {
			*s.asked = asked{id, *q}
		}
		return id
	}
	if a := d.open(s); a.id != 0 && a.answeredBy(q) {
		id := a.id
		*a = asked{}
		return id
	}
	return d.newID()
}
