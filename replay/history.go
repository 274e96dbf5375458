package replay

import "github.com/iotrace-xen/iotrace/engine"

// keep is how many steps of a model's past are kept at least, once there are
// that many. It bounds how long an overlap can be and still be resolved.
const keep = 2048

// A step is one operation as it was applied to a model.
type step struct {
	pos   uint64 // Seq of the event by which it had taken effect
	since uint64 // and of the one before which it had not
	old   bool   // since lies before the last key-frame
	op    engine.Op
	rec   recorded
	kind  VerdictKind // its verdict, zero while its call has not returned
	learn bool        // the model learned rec after it
	call  *call       // the call it belongs to while that has not returned
}

// run applies the step to m.
func (st *step) run(m *engine.Domain) engine.Effect {
	eff, err := m.Step(st.op)
	if err == nil && st.learn {
		m.Learn(st.op, st.rec.Seen)
	}
	return eff
}

// isCall reports whether the step can have changed how requests are routed or
// what other calls return.
func (st *step) isCall() bool { return st.op.Kind == engine.OpDM || st.op.Kind == engine.OpAcquire }

// history is a model's recent past: the model as it was before steps, and the
// steps that lead to the present one. The model is deterministic, so any other
// order of the steps can be tried on a copy of base.
type history struct {
	base  *engine.Domain
	steps []step
}

// reset makes m, which history then owns, the beginning of the past.
func (h *history) reset(m *engine.Domain) {
	h.base = m
	h.steps = h.steps[:0]
}

// add appends a step and lets the oldest go.
func (h *history) add(st step) {
	if len(h.steps) >= 2*keep {
		for i := range h.steps[:keep] {
			h.steps[i].run(h.base)
		}
		h.steps = append(h.steps[:0], h.steps[keep:]...)
	}
	h.steps = append(h.steps, st)
}

// returned tells the step of an early applied call how its call ended. If the
// model must learn from that, it returns the model that did.
func (h *history) returned(c *call, rec recorded, kind VerdictKind) *engine.Domain {
	for i := len(h.steps) - 1; i >= 0; i-- {
		st := &h.steps[i]
		if st.call != c {
			continue
		}
		st.call, st.rec, st.kind, st.learn = nil, rec, kind, kind != Agree
		if !st.learn {
			return nil
		}
		m := h.base.Clone()
		for j := range h.steps {
			h.steps[j].run(m)
		}
		return m
	}
	return nil
}
