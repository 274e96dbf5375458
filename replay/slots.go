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
	whyFree       = "the slot is free: Xen had taken the answer already, or takes the device model for dead"
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
func (s *session) request(ev *format.Event) {
	q := &s.trial.slot
	q.Unpack(ev)
	if q.Req.State != xen.StateReady {
		s.spurious(q, ev.Seq)
		return
	}
	if !isDomain(q.Dom) {
		s.give(ev, nil, &outcome{kind: Undetermined, why: whyUnbound})
		return
	}
	d := s.living(q.Dom)
	if d.waits(q.ID) >= 0 {
		s.report.Spurious++ // the same request, seen again
		return
	}
	at := slotKey{q.Server, q.VCPU}
	blocked := d.occupied(at, isBroadcast(q.Req.Type))
	st := s.place(d)
	st.routed(d, ev)
	s.trial.askRequest()
	o := s.access(d, st)
	if blocked {
		got := requestText(q.Server, q.Req.Type, q.Req.Addr)
		o = &outcome{kind: Differ, on: engine.ForgetSlots, why: whyUnanswered, want: "no request", got: got}
	}
	s.expect(d, ev, isBroadcast(q.Req.Type), o.kind == Differ)
	s.give(ev, d, o)
}

func (s *session) spurious(q *format.IOReq, seq uint64) {
	s.report.Spurious++
	d := s.domains.at(q.Dom)
	if d != nil && (q.Req.State == xen.StateNone || q.Req.State == xen.StateRespReady) {
		d.idle.empty(slotKey{q.Server, q.VCPU}, seq)
	}
}

// expect notes that a request waits for its answer.
func (s *session) expect(d *domain, ev *format.Event, broadcast, disputed bool) {
	n := len(d.pending)
	if n == maxOpen { // nobody answers them
		s.report.Unanswered += maxOpen / 2
		d.pending = slices.Delete(d.pending, 0, maxOpen/2)
		n = len(d.pending)
	}
	if n == cap(d.pending) {
		d.pending = slices.Grow(d.pending, 8)
	}
	d.pending = d.pending[:n+1]
	p := &d.pending[n]
	p.id, p.at.server, p.at.vcpu = ev.ID(), ev.Server, ev.VCPU
	p.broadcast, p.disputed, p.unsure = broadcast, disputed, len(d.doomed) != 0 && d.doomed[ev.Server]
	p.event = *ev
}

// drop takes the request at i out. Mostly it is the last.
func (d *domain) drop(i int) {
	if i < len(d.pending)-1 {
		copy(d.pending[i:], d.pending[i+1:])
	}
	d.pending = d.pending[:len(d.pending)-1]
}

// routed makes st the step of a request that was found in a slot.
func (st *step) routed(d *domain, ev *format.Event) {
	since, shown := d.idle.since(slotKey{ev.Server, ev.VCPU})
	st.begin(ev.Seq, since, d.restored && !shown)
	st.slot(ev)
}

// askRequest asks for the access that the request in t's slot was.
func (t *trial) askRequest() {
	q := &t.slot
	op, rec := t.itself(engine.OpAccess)
	op.Access.Of(q.VCPU, &q.Req)
	op.Access.DataKnown = q.DataKnown
	rec.Server, rec.Type, rec.Addr, rec.Stale = q.Server, q.Req.Type, q.Req.Addr, false
}

// occupied reports whether a request cannot be in a slot because its vCPU waits
// for another answer. Requests whose answer may have gone unseen make room.
func (d *domain) occupied(at slotKey, broadcast bool) (blocked bool) {
	for i := 0; i < len(d.pending); {
		p := &d.pending[i]
		same, met := p.meets(at, broadcast)
		sure := met && !p.unsure && p.at.server != xen.NoServer && at.server != xen.NoServer
		blocked = blocked || sure
		if met && (same || !sure) {
			d.drop(i)
		} else {
			i++
		}
	}
	return blocked
}

// meets says whether another request is in p's slot, and whether one of them can
// only be there without the other.
func (p *pending) meets(at slotKey, broadcast bool) (same, met bool) {
	same = p.at == at && at.server != xen.NoServer
	vcpu := p.at.vcpu == at.vcpu && !p.broadcast && !broadcast
	return same, at.vcpu != xen.NoVCPU && (same || vcpu)
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
func (d *domain) called(c *call) {
	rec := &c.rec
	if id, ok := c.destroys(); ok {
		d.doomed[id] = rec.ret == 0
		if rec.ret == 0 {
			d.pending = slices.DeleteFunc(d.pending, func(p pending) bool { return p.at.server == id })
		}
	}
	if c.does(xen.OpCreateIOReqServer) && rec.ret == 0 && rec.OutKnown {
		delete(d.doomed, xen.ServerID(rec.Words[0]>>32))
	}
}

// answer takes a slot as the device model left it when it notified Xen. A
// notification in the middle of the work, or with nothing to answer, only makes
// Xen look once more.
func (s *session) answer(ev *format.Event) {
	q := &s.trial.slot
	q.Unpack(ev)
	if !isDomain(q.Dom) && q.Req.State == xen.StateRespReady {
		s.give(ev, nil, &outcome{kind: Undetermined, why: whyUnbound})
		return
	}
	d := s.domains.at(q.Dom)
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
		s.give(ev, d, &outcome{kind: Undetermined, why: whyNext})
		return
	}
	d.idle.answered(q.VCPU, ev.Seq)
	s.give(ev, d, s.judgeAnswer(d, ev, i, q))
}

// find returns the request that q is about: the one with its id, or, as only
// answers have one, the one in its slot. It returns -1 if there is none.
func (d *domain) find(q *format.IOReq) int {
	if d == nil {
		return -1
	}
	if i := d.waits(q.ID); i >= 0 || q.Req.State == xen.StateRespReady {
		return i
	}
	return d.inSlot(slotKey{q.Server, q.VCPU})
}

// waits returns the request with that id, -1 if it does not wait for an answer.
func (d *domain) waits(id uint64) int {
	for i := range d.pending {
		if d.pending[i].id == id {
			return i
		}
	}
	return -1
}

// inSlot returns the request that is in a slot, -1 if there is none.
func (d *domain) inSlot(at slotKey) int {
	return slices.IndexFunc(d.pending, func(p pending) bool { return p.at == at && at.server != xen.NoServer })
}

// judgeAnswer judges the answer to the request at i, or to one that was not seen
// if that is -1.
func (s *session) judgeAnswer(d *domain, ev *format.Event, i int, q *format.IOReq) *outcome {
	at := slotKey{q.Server, q.VCPU}
	if i < 0 {
		return d.stray(at)
	}
	p := &d.pending[i]
	disputed, broadcast, in := p.disputed, p.broadcast, p.at
	d.drop(i)
	if !disputed && in == at && at.server != xen.NoServer && !broadcast {
		st := s.place(d)
		st.answered(ev)
		s.trial.askAnswer()
		return s.reply(d, st)
	}
	s.trial.askAnswer()
	s.charge(d, &engine.Cost{HC: 1}) // the notification, which the model does not see
	switch {
	case disputed:
		return &outcome{kind: Undetermined, why: whyDisputed}
	case in != at:
		return &outcome{kind: Differ, on: engine.ForgetSlots, why: whyOtherSlot, want: slotName(in), got: slotName(at)}
	case at.server == xen.NoServer:
		return &outcome{kind: Undetermined, why: whyReceiver}
	}
	return judgeBroadcastAnswer(q.Req.State)
}

// answered makes st the step of an answer.
func (st *step) answered(ev *format.Event) {
	st.begin(ev.Seq, ev.Seq, false)
	st.slot(ev)
}

// judgeBroadcastAnswer: the model has no slot for one of many receivers.
func judgeBroadcastAnswer(st xen.State) *outcome {
	o := &outcome{kind: Agree, why: whyBroadcast, want: xen.StateRespReady.String(), got: st.String()}
	if st > xen.StateRespReady {
		o.kind, o.why = Differ, whyState
	}
	return o
}

// askAnswer asks for the answer that was left in t's slot.
func (t *trial) askAnswer() {
	q := &t.slot
	op, _ := t.itself(engine.OpAnswer)
	a := &op.Answer
	a.VCPU, a.Server, a.State, a.Data = q.VCPU, q.Server, q.Req.State, q.Req.Data
}

// stray judges an answer whose request is not pending.
func (d *domain) stray(at slotKey) *outcome {
	i := d.inSlot(at)
	if i < 0 || d.pending[i].unsure || d.pending[i].disputed {
		return &outcome{kind: Undetermined, why: whyUnseen}
	}
	d.drop(i)
	return &outcome{kind: Differ, on: engine.ForgetSlots, why: whyOtherReq, want: "the answer to the request in the slot", got: "the answer to another"}
}

// buffered takes a request from a ring. It waited there for an unknown time,
// behind others that may have been taken out at once.
func (s *session) buffered(ev *format.Event) {
	if !isDomain(ev.Dom) {
		s.give(ev, nil, &outcome{kind: Undetermined, why: whyUnbound})
		return
	}
	d := s.living(ev.Dom)
	b := &s.trial.ring
	b.Unpack(ev)
	d.rings.captured(b.Server, b.Size)
	st := s.place(d)
	st.buffered(d, ev)
	s.trial.askRing()
	s.give(ev, d, s.access(d, st))
}

// buffered makes st the step of a request that was found in a ring.
func (st *step) buffered(d *domain, ev *format.Event) {
	st.begin(ev.Seq, 0, d.restored)
	st.ring(ev)
}

// askRing asks for the access that the request in t's ring was.
func (t *trial) askRing() {
	b := &t.ring
	op, rec := t.itself(engine.OpAccess)
	a := &op.Access
	a.VCPU, a.Type, a.Dir, a.Addr, a.Size, a.Count = xen.NoVCPU, b.Type, b.Dir, uint64(b.Addr), b.Size, 1
	a.DF, a.DataIsPtr, a.DataKnown, a.Data, a.Buffered = false, false, b.DataKnown, b.Data, true
	rec.Server, rec.Type, rec.Addr, rec.Stale = b.Server, b.Type, uint64(b.Addr), false
}
