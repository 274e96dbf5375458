package engine

import "github.com/iotrace-xen/iotrace/xen"

// Step applies op and returns what Xen would have done. It fails only with
// ErrUnknownOp, and then changes nothing.
func (d *Domain) Step(op Op) (e Effect, err error) {
	err = d.StepInto(&op, &e)
	var c Cost
	e.AddCost(&op, &c)
	e.Cost = c
	return e, err
}

// StepInto is Step without copies: it reads op and makes *e the effect. Parts of
// *e that an op of this kind does not have mean nothing, nor does Cost: AddCost
// tells it.
func (d *Domain) StepInto(op *Op, e *Effect) error {
	if !op.known() {
		return ErrUnknownOp
	}
	switch op.Kind {
	case OpAccess:
		d.Access(&op.Access, e)
		return nil
	case OpAnswer:
		d.Answer(&op.Answer, e)
		return nil
	}
	e.Cost = Cost{}
	d.last.plain()
	d.settleLatch()
	switch op.Kind {
	case OpDM:
		d.dmOp(op, e)
		d.called(e)
	case OpAcquire:
		d.call(e, d.acquire(op.Caller, &op.Acquire))
	case OpMemory:
		d.call(e, d.memory(&op.Memory))
	case OpForget:
		d.forget(op.Forget)
	case OpHVM:
		d.call(e, d.hvmOp(op))
	case OpParam:
		d.call(e, d.param(op.Caller, op.Param))
	case OpLife:
		d.live(op.Life)
	case OpRing:
		d.consume(op.Ring.Server, op.Ring.Read)
	}
	return nil
}

// Access is StepInto for an OpAccess.
func (d *Domain) Access(a *Access, e *Effect) {
	d.settleLatch()
	d.access(a, e)
	d.last = last{undecided: e.Route.Kind == RouteUnknown, created: xen.NoServer}
}

// Answer is StepInto for an OpAnswer.
func (d *Domain) Answer(a *Answer, e *Effect) {
	d.settleLatch()
	d.answer(a, e)
	d.last.plain()
}

// known says whether this package knows such an operation. Most are accesses.
func (op *Op) known() bool {
	return op.Kind == OpAccess || op.Kind-OpDM < numOps-OpDM && (op.Kind != OpLife || op.Life-LifeUnpause < numLifeEvents-LifeUnpause)
}

// call is the step of a hypercall that had an effect.
func (d *Domain) call(e *Effect, got Effect) {
	*e = got
	d.called(e)
}

// called finishes the step of a hypercall.
func (d *Domain) called(e *Effect) {
	e.Cost.HC++
	d.last.undecided = !e.Ret.Known
	d.last.applied = e.Ret.ok()
}

// forget makes parts of the state unknown.
func (d *Domain) forget(f Forget) {
	if f&ForgetServers != 0 {
		for i := range d.servers {
			d.servers[i].forget()
		}
		if d.counts() {
			d.clearList(Maybe)
		}
		if d.cfg.Profile.Default == DefaultNever {
			d.servers[placeDefault].gone()
		}
		d.routes.outdate()
	}
	if f&(ForgetServers|ForgetClaim) != 0 {
		d.blur() // what a recalculation makes of a typed page hangs on the claim
	}
	if f&ForgetClaim != 0 {
		d.claim = claim{held: Maybe, holder: xen.NoServer}
	}
	if f&ForgetPages != 0 {
		d.layout = nil
		d.pages.forget()
		d.logDirty = true
		d.marks = 0
	}
	if f&ForgetLatch != 0 {
		d.latch.known = false
	}
	if f&ForgetSlots != 0 {
		clear(d.slots[:])
	}
}
