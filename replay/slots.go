package replay

import (
	"slices"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// What verdicts on requests and answers say.
const (
	whyUnbound    = "which domain the slot belongs to is not known"
	whyUnseen     = "its request was not seen"
	whyNext       = "the slot carried the next request already: the answer was not seen"
	whyUnanswered = "the vCPU waits for the answer to its last request"
	whyOtherSlot  = "the answer is not in the slot of its request"
	whyOtherReq   = "the slot holds another request"
	whyBroadcast  = "a broadcast wants no data back"
	whyState      = "no such state: Xen crashes the domain"
	whyDisputed   = "its request was in dispute"
)

// slotKey names a slot of a domain. With NoServer it stands for the vCPU.
type slotKey struct {
	server xen.ServerID
	vcpu   xen.VCPU
}

// pending is a request that was seen and not answered.
type pending struct {
	id        uint64
	at        slotKey
	broadcast bool // one of several of its vCPU
	disputed  bool // it should not have been there
	unsure    bool // its answer may have been lost, or its server destroyed
	event     format.Event
}

func isBroadcast(t xen.IOReqType) bool { return t == xen.TypeTimeOffset || t == xen.TypeInvalidate }

// request takes a slot as the device model found it. Only a READY slot holds a
// request: the first event after binding, and one that another thread has
// served, find none.
func (s *session) request(ev format.Event) {
	q := ev.IOReq()
	if q.Req.State != xen.StateReady {
		s.spurious(q, ev.Seq)
		return
	}
	if !isDomain(q.Dom) {
		s.give(ev, nil, outcome{kind: Undetermined, why: whyUnbound})
		return
	}
	d := s.living(q.Dom)
	if slices.ContainsFunc(d.pending, func(p pending) bool { return p.id == q.ID }) {
		s.report.Spurious++ // the same request, seen again
		return
	}
	p := pending{
		id: q.ID, at: slotKey{q.Server, q.VCPU}, broadcast: isBroadcast(q.Req.Type), unsure: d.doomed[q.Server], event: ev,
	}
	blocked := d.occupied(p)
	o := s.route(d, ev, q)
	if blocked {
		o.kind, o.why = Differ, whyUnanswered
		o.want, o.got = "no request", requestText(q.Server, q.Req.Type, q.Req.Addr)
	}
	p.disputed = o.kind == Differ
	if len(d.pending) == maxOpen { // nobody answers them
		s.report.Unanswered += maxOpen / 2
		d.pending = slices.Delete(d.pending, 0, maxOpen/2)
	}
	d.pending = append(d.pending, p)
	s.give(ev, d, o)
}

func (s *session) spurious(q format.IOReq, seq uint64) {
	s.report.Spurious++
	d := s.domains[q.Dom]
	if d != nil && q.Server != xen.NoServer && (q.Req.State == xen.StateNone || q.Req.State == xen.StateRespReady) {
		d.idle[slotKey{q.Server, q.VCPU}] = seq
	}
}

// route judges where a request went.
func (s *session) route(d *domain, ev format.Event, q format.IOReq) outcome {
	acc := engine.AccessOf(q.VCPU, q.Req)
	acc.DataKnown = q.DataKnown
	st := step{pos: ev.Seq, op: engine.Op{Kind: engine.OpAccess, Access: acc}}
	st.rec.Server, st.rec.Type, st.rec.Addr = q.Server, q.Req.Type, q.Req.Addr
	slot, inSlot := d.idle[slotKey{q.Server, q.VCPU}]
	vcpu, ofVCPU := d.idle[slotKey{xen.NoServer, q.VCPU}]
	st.since, st.old = max(slot, vcpu), d.restored && !inSlot && !ofVCPU
	o := s.apply(d, st, nil)
	s.charge(d, o.eff.Cost)
	return o
}

// occupied reports whether request p cannot be there because its vCPU waits for
// another answer. Requests whose answer may have gone unseen make room.
func (d *domain) occupied(p pending) bool {
	blocked := false
	d.pending = slices.DeleteFunc(d.pending, func(o pending) bool {
		same := o.at == p.at && p.at.server != xen.NoServer
		vcpu := o.at.vcpu == p.at.vcpu && !o.broadcast && !p.broadcast
		if p.at.vcpu == xen.NoVCPU || !same && !vcpu {
			return false
		}
		if o.unsure || o.at.server == xen.NoServer || p.at.server == xen.NoServer {
			return true
		}
		blocked = true
		return same
	})
	return blocked
}

// doom says that a server may be gone any time now, and its requests with it.
func (d *domain) doom(id xen.ServerID) {
	d.doomed[id] = true
	for i := range d.pending {
		if d.pending[i].at.server == id {
			d.pending[i].unsure = true
		}
	}
}

// called notes what a call that has returned means for servers' requests: those
// of a destroyed one are gone, those found from now on are its last.
func (d *domain) called(c *call, rec recorded) {
	if id, ok := c.destroys(); ok {
		d.doomed[id] = rec.ret == 0
		if rec.ret == 0 {
			d.pending = slices.DeleteFunc(d.pending, func(p pending) bool { return p.at.server == id })
		}
	}
	if c.op.Kind == engine.OpDM && c.op.DM.Op == xen.OpCreateIOReqServer && rec.ret == 0 && rec.OutKnown {
		delete(d.doomed, xen.ServerID(rec.Words[0]>>32))
	}
}

// answer takes a slot as the device model left it when it notified Xen. A
// notification in the middle of the work, or with nothing to answer, only makes
// Xen look once more.
func (s *session) answer(ev format.Event) {
	q := ev.IOReq()
	if !isDomain(q.Dom) && q.Req.State == xen.StateRespReady {
		s.give(ev, nil, outcome{kind: Undetermined, why: whyUnbound})
		return
	}
	d := s.domains[q.Dom]
	if d == nil && isDomain(q.Dom) {
		d = s.living(q.Dom)
	}
	i := d.find(q)
	if d == nil || q.Req.State == xen.StateInProcess || q.Req.State <= xen.StateReady && i < 0 {
		s.report.Spurious++
		return
	}
	if q.Req.State == xen.StateReady {
		d.pending[i].unsure = true
		s.give(ev, d, outcome{kind: Undetermined, why: whyNext})
		return
	}
	d.idle[slotKey{xen.NoServer, q.VCPU}] = ev.Seq
	if i < 0 {
		s.give(ev, d, d.stray(slotKey{q.Server, q.VCPU}))
		return
	}
	p := d.pending[i]
	d.pending = slices.Delete(d.pending, i, i+1)
	s.give(ev, d, s.judgeAnswer(d, ev, p, q))
}

// find returns the request that q is about: the one with its id, or, as only
// answers have one, the one in its slot. It returns -1 if there is none.
func (d *domain) find(q format.IOReq) int {
	if d == nil {
		return -1
	}
	if i := slices.IndexFunc(d.pending, func(p pending) bool { return p.id == q.ID }); i >= 0 || q.Req.State == xen.StateRespReady {
		return i
	}
	at := slotKey{q.Server, q.VCPU}
	return slices.IndexFunc(d.pending, func(p pending) bool { return p.at == at && at.server != xen.NoServer })
}

// judgeAnswer judges the answer to request p.
func (s *session) judgeAnswer(d *domain, ev format.Event, p pending, q format.IOReq) outcome {
	at := slotKey{q.Server, q.VCPU}
	if !p.disputed && p.at == at && at.server != xen.NoServer && !p.broadcast {
		return s.settleSlot(d, ev, q)
	}
	s.charge(d, engine.Cost{HC: 1}) // the notification, which the model does not see
	switch {
	case p.disputed:
		return outcome{kind: Undetermined, why: whyDisputed}
	case p.at != at:
		return outcome{kind: Differ, on: engine.ForgetSlots, why: whyOtherSlot, want: slotName(p.at), got: slotName(at)}
	case at.server == xen.NoServer:
		return outcome{kind: Undetermined, why: whyReceiver}
	}
	return judgeBroadcastAnswer(q.Req.State)
}

// judgeBroadcastAnswer: the model has no slot for one of many receivers.
func judgeBroadcastAnswer(st xen.State) outcome {
	o := outcome{kind: Agree, why: whyBroadcast, want: xen.StateRespReady.String(), got: st.String()}
	if st > xen.StateRespReady {
		o.kind, o.why = Differ, whyState
	}
	return o
}

// settleSlot lets the model judge the answer to a request that was seen.
func (s *session) settleSlot(d *domain, ev format.Event, q format.IOReq) outcome {
	op := engine.Op{Kind: engine.OpAnswer, Answer: engine.Answer{
		VCPU: q.VCPU, Server: q.Server, State: q.Req.State, Data: q.Req.Data,
	}}
	o := s.apply(d, step{pos: ev.Seq, since: ev.Seq, op: op}, nil)
	s.charge(d, o.eff.Cost)
	return o
}

// stray judges an answer whose request is not pending.
func (d *domain) stray(at slotKey) outcome {
	i := slices.IndexFunc(d.pending, func(p pending) bool { return p.at == at && at.server != xen.NoServer })
	if i < 0 || d.pending[i].unsure || d.pending[i].disputed {
		return outcome{kind: Undetermined, why: whyUnseen}
	}
	d.pending = slices.Delete(d.pending, i, i+1)
	return outcome{kind: Differ, on: engine.ForgetSlots, why: whyOtherReq, want: "the answer to the request in the slot", got: "the answer to another"}
}

// buffered takes a request from a ring. It waited there for an unknown time,
// behind others that may have been taken out at once.
func (s *session) buffered(ev format.Event) {
	b := ev.BufIOReq()
	if !isDomain(b.Dom) {
		s.give(ev, nil, outcome{kind: Undetermined, why: whyUnbound})
		return
	}
	d := s.living(b.Dom)
	acc := engine.Access{
		VCPU: xen.NoVCPU, Type: b.Type, Dir: b.Dir, Addr: uint64(b.Addr), Size: b.Size, Count: 1,
		DataKnown: b.DataKnown, Data: b.Data, Buffered: true,
	}
	d.captured(b.Server, b.Size)
	st := step{pos: ev.Seq, old: d.restored, op: engine.Op{Kind: engine.OpAccess, Access: acc}}
	st.rec.Server, st.rec.Type, st.rec.Addr = b.Server, b.Type, uint64(b.Addr)
	o := s.apply(d, st, nil)
	s.charge(d, o.eff.Cost)
	s.give(ev, d, o)
}

// captured counts the slots that a request took in a server's ring.
func (d *domain) captured(id xen.ServerID, size uint32) {
	r := d.rings[id]
	r.captured++
	if size == 8 {
		r.captured++
	}
	d.rings[id] = r
}
