package replay

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// Most requests and answers go a plain way: all that they meet is known, and the
// model agrees (see engine.Sent). The methods sent, answered and enqueued are request,
// answer and buffered for those where verdicts are only counted, in a fraction of the
// time. If they return true the event is in its domain's account, if false nothing has
// changed. A request of an unknown receiver, and its answer, leave the model as it is.

// ready returns the domain of an event that may go the plain way, nil if none may.
func (s *session) ready(id xen.DomID) *domain {
	d := s.domains.at(id)
	if d == nil || !d.past.roomy() || s.opts.OnVerdict != nil {
		return nil
	}
	return d
}

// sent takes a request that is sure to be what the model has Xen send to that slot, or
// of which neither the recording nor the model says who received it.
func (s *session) sent(ev *format.Event) bool {
	d := s.ready(ev.Dom)
	bits, addr, _, reps := ev.Slot()
	if d == nil || bits.State() != xen.StateReady || d.engaged(ev.VCPU, ev.ID()) {
		return false
	}
	q := &s.plain
	q.Type, q.Dir, q.Addr, q.Size, q.Count = bits.Type(), bits.Dir(), addr, uint32(reps), uint32(reps>>32)
	switch {
	case ev.Server == xen.NoServer && d.model.Unplaced(q, d.cost()):
		s.unplaced(d)
		if s.blind == 0 { // else nothing that is learned later tells of this one
			d.remember(ev, Undetermined)
		}
	case d.model.Sent(ev.VCPU, q, ev.Server, d.cost()):
		s.changes++
		s.plainly(d)
		d.remember(ev, Agree)
	default:
		return false
	}
	s.expect(d, ev, false, false)
	return true
}

// remember adds a request to a roomy past.
func (d *domain) remember(ev *format.Event, kind VerdictKind) {
	st := d.past.next()
	st.routed(d, ev)
	st.kind = kind
}

// engaged says whether a request may be in the way of another of that vCPU, or may be
// that one, seen before.
func (d *domain) engaged(v xen.VCPU, id uint64) bool {
	for i := range d.pending {
		if p := &d.pending[i]; p.at.vcpu == v || p.id == id {
			return true
		}
	}
	return false
}

// answered takes an answer that Xen is sure to wait for, or for which the model has no
// slot because nobody knows who received the request.
func (s *session) answered(ev *format.Event) bool {
	d := s.ready(ev.Dom)
	bits, _, _, _ := ev.Slot()
	if d == nil || bits.State() != xen.StateRespReady {
		return false
	}
	i := d.waits(ev.ID())
	if i < 0 {
		return false
	}
	p := &d.pending[i]
	here := p.at.server == ev.Server && p.at.vcpu == ev.VCPU
	if !here || p.disputed || p.broadcast {
		return false
	}
	switch {
	case ev.Server == xen.NoServer:
		d.cost().HC++ // the notification
		s.unplaced(d)
	case d.model.Answered(ev.VCPU, ev.Server, d.cost()):
		s.changes++
		st := d.past.next()
		st.answered(ev)
		st.kind = Agree
		s.plainly(d)
	default:
		return false
	}
	d.idle.answered(ev.VCPU, ev.Seq)
	d.drop(i)
	return true
}

// unplaced counts a request of an unknown receiver, or the answer to it.
func (s *session) unplaced(d *domain) {
	d.rep.Events++
	if !s.quiet {
		s.count(d, Undetermined, whyReceiver)
	}
}

// enqueued takes a request that the model is sure to have Xen put into that ring.
func (s *session) enqueued(ev *format.Event) bool {
	d := s.ready(ev.Dom)
	bits, addr, size, _ := ev.Ring()
	write := bits.Type() == xen.TypeCopy && bits.Dir() == xen.DirWrite
	if d == nil || !write || !d.model.Buffered(uint64(addr), size, ev.Server, d.cost()) {
		return false
	}
	s.changes++
	st := d.past.next()
	st.buffered(d, ev)
	st.kind = Agree
	d.rings.captured(ev.Server, size)
	s.plainly(d)
	return true
}

// plainly counts an event that agrees.
func (s *session) plainly(d *domain) {
	d.rep.Events++
	s.agree(d)
}
