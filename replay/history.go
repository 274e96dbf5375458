package replay

import (
	"slices"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// keep is how many steps of a model's past are kept at least, once there are
// that many. It bounds how long an overlap can be and still be resolved.
const keep = 2048

// A step is one operation as it was applied to a model. Most steps of a past are
// written and never read, so one is no larger than a cache line.
type step struct {
	call  *call  // whose step it is; nil for a request or an answer
	pos   uint64 // Seq of the event by which it had taken effect
	since uint64 // and of the one before which it had not

	kind  VerdictKind // its verdict, zero while its call has not returned
	old   bool        // since lies before the last key-frame
	early bool        // its call has not returned
	learn bool        // the model learned from the recording after it
	stale bool        // but not who has what, which may have changed since it was routed

	// What a step without a call asks of the model: the request or the answer
	// that an event showed, as it lies there.
	event            format.Kind
	server           xen.ServerID
	vcpu             xen.VCPU
	bits             format.ReqBits
	addr, data, reps uint64
}

// begin makes st the step of an event, of which it lacks what is asked.
func (st *step) begin(seq, since uint64, old bool) {
	st.call, st.pos, st.since = nil, seq, since
	st.kind, st.old, st.early, st.learn, st.stale = 0, old, false, false, false
}

// slot notes what an event showed in a slot.
func (st *step) slot(ev *format.Event) {
	st.event, st.server, st.vcpu = ev.Kind, ev.Server, ev.VCPU
	st.bits, st.addr, st.data, st.reps = ev.Slot()
}

// inSlot is the inverse of slot.
func (st *step) inSlot(q *format.IOReq) {
	q.Server, q.VCPU = st.server, st.vcpu
	q.SetSlot(st.bits, st.addr, st.data, st.reps)
}

// ring notes what an event showed in a ring.
func (st *step) ring(ev *format.Event) {
	bits, addr, size, data := ev.Ring()
	st.event, st.server = ev.Kind, ev.Server
	st.bits, st.addr, st.data, st.reps = bits, uint64(addr), data, uint64(size)
}

// inRing is the inverse of ring.
func (st *step) inRing(b *format.BufIOReq) {
	b.Server = st.server
	b.SetRing(st.bits, uint32(st.addr), uint32(st.reps), st.data)
}

// A trial is a step put to a model.
type trial struct {
	op  engine.Op
	rec *recorded // own, or that of a call
	eff engine.Effect

	own  recorded        // of a request Server, Type, Addr and Stale; nothing else is ever set
	slot format.IOReq    // what the step's event says, of a request or an answer
	ring format.BufIOReq // and of a request in a ring
}

// of makes t the trial of a call.
func (t *trial) of(c *call) {
	t.rec = &c.rec
	c.ask(&t.op)
}

// itself makes t the trial of what its caller puts into op and own.
func (t *trial) itself(k engine.OpKind) (*engine.Op, *recorded) {
	t.op.Kind, t.rec = k, &t.own
	return &t.op, t.rec
}

// run applies the step to m.
func (t *trial) run(st *step, m *engine.Domain) {
	t.ask(st)
	if m.StepInto(&t.op, &t.eff) == nil && st.learn {
		m.Learn(t.op, t.rec.Seen)
	}
}

// ask fills in what a step does and what was recorded of it.
func (t *trial) ask(st *step) {
	switch {
	case st.call != nil:
		t.of(st.call)
	case st.event == format.KindBufIOReq:
		st.inRing(&t.ring)
		t.askRing()
	case st.event == format.KindIOReq:
		st.inSlot(&t.slot)
		t.askRequest()
		t.rec.Stale = st.stale
	default:
		st.inSlot(&t.slot)
		t.askAnswer()
	}
}

// isCall reports whether the step can have changed how requests are routed or
// what other calls return.
func (st *step) isCall() bool { return st.call != nil }

// changed reports whether the step can have changed that in the model, which also
// learns from requests of which it could not tell who gets them.
func (st *step) changed() bool { return st.call != nil || st.learn }

// history is a model's recent past: the model as it was before steps, and the
// steps that lead to the present one. The model is deterministic, so any other
// order of the steps can be tried on a copy of base.
//
// The steps are in two parts. When the younger is full the older goes, and its
// memory serves again.
type history struct {
	base  *engine.Domain
	older []step         // none where later is nil
	later *engine.Domain // the model before the younger, which is the next base
	steps []step         // the younger
	room  int            // how many of these there can be before they are the older, or the memory grows

	calls      []*call // those of all steps, so that nobody looks for them there
	olderCalls int     // how many of them are of the older
}

// place adds a step to d's past, which its caller fills in.
func (s *session) place(d *domain) *step {
	h := &d.past
	if !h.roomy() {
		s.makeRoom(h, d.model)
	}
	return h.next()
}

// roomy says whether the past can take one more step as it is.
func (h *history) roomy() bool { return len(h.steps) < h.room }

// next adds a step to a roomy past.
func (h *history) next() *step {
	n := len(h.steps)
	h.steps = h.steps[:n+1]
	return &h.steps[n]
}

// makeRoom makes h roomy: it lets the older steps go if there are enough younger
// ones. m is the present model.
func (s *session) makeRoom(h *history, m *engine.Domain) {
	if len(h.steps) >= keep {
		s.reclaim(h.calls[:h.olderCalls])
		h.advance(m)
	}
	if len(h.steps) == cap(h.steps) {
		h.steps = slices.Grow(h.steps, max(len(h.steps), 64))
	}
	h.room = min(cap(h.steps), keep)
}

// pop takes the last step out, which place has added.
func (h *history) pop() step {
	last := len(h.steps) - 1
	st := h.steps[last]
	h.steps = h.steps[:last]
	return st
}

// reset makes m, the present model, the beginning of the past.
func (h *history) reset(m *engine.Domain) {
	if h.base == nil {
		h.base = m.Clone()
	} else {
		m.CopyTo(h.base)
	}
	h.later = nil
	h.older, h.steps = h.older[:0], h.steps[:0]
	h.recall()
}

// recall finds the calls among the steps anew.
func (h *history) recall() {
	h.calls = appendCalls(h.calls[:0], h.older)
	h.olderCalls = len(h.calls)
	h.calls = appendCalls(h.calls, h.steps)
}

func appendCalls(calls []*call, steps []step) []*call {
	for i := range steps {
		if c := steps[i].call; c != nil {
			calls = append(calls, c)
		}
	}
	return calls
}

// advance makes the younger steps the older. The memory of those that go is that of
// the next, and so it is with the models. m is the present one.
func (h *history) advance(m *engine.Domain) {
	h.older, h.steps = h.steps, h.older[:0]
	h.calls = slices.Delete(h.calls, 0, h.olderCalls)
	h.olderCalls = len(h.calls)
	if h.later == nil {
		h.later = m.Clone()
		return
	}
	h.base, h.later = h.later, h.base
	m.CopyTo(h.later)
}

// all returns a copy of all steps.
func (h *history) all() []step { return slices.Concat(h.older, h.steps) }

// rewrite makes other steps the past, which then owns them.
func (h *history) rewrite(steps []step) {
	half := len(h.older)
	h.older, h.steps, h.room = steps[:half:half], steps[half:], 0
	h.recall()
	if half > 0 {
		h.later = lead(h.base.Clone(), h.older)
	}
}

// lead lets steps lead m on.
func lead(m *engine.Domain, steps []step) *engine.Domain {
	var t trial
	for i := range steps {
		t.run(&steps[i], m)
	}
	return m
}

// present returns the model that all steps lead to.
func (h *history) present() *engine.Domain {
	if h.later != nil {
		return lead(h.later.Clone(), h.steps)
	}
	return lead(h.base.Clone(), h.steps)
}

// returned tells the step of an early applied call how its call ended. If the
// model must learn from that, it returns the model that did.
func (h *history) returned(c *call, kind VerdictKind) *engine.Domain {
	for _, steps := range [][]step{h.steps, h.older} {
		i := slices.IndexFunc(steps, func(st step) bool { return st.call == c && st.early })
		if i < 0 {
			continue
		}
		st := &steps[i]
		if st.early, st.kind, st.learn = false, kind, kind != Agree; st.learn {
			h.rewrite(h.all())
			return h.present()
		}
	}
	return nil
}
