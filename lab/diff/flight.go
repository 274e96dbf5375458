package diff

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// flight is an instruction of a vCPU in progress. One that is held has a request that
// a device model has served and not answered.
type flight struct {
	x        engine.Execution
	step     Step
	requests int
	reply    engine.Answer
	server   xen.ServerID // that has the request which is held
	gone     bool         // it was destroyed since
}

// bound says whether a device model can answer a request that is held.
func (m *Model) bound(f *flight) bool { return !f.gone && m.mapped[f.server].slots }

// on returns a copy of a flight that goes on on copies of the domain and its memory.
func (f *flight) on(d *engine.Domain, ram *engine.Memory) *flight {
	if f == nil {
		return nil
	}
	c := *f
	c.x.On(d, ram)
	return &c
}

// instruction performs a step of the guest.
func (m *Model) instruction(s Step) (o Outcome, sure bool, err error) {
	if m.flights[s.VCPU()] != nil {
		return Outcome{Busy}, true, nil
	}
	m.running = true
	first, _, err := m.invalidate(s.VCPU())
	if err != nil || first.Ended() {
		return first, true, err
	}
	f := &flight{step: s}
	f.x.Begin(m.domain, m.ram, s.Instr())
	o, sure, err = m.fly(f, s.Hold(), nil)
	return append(first, o...), sure, err
}

// resume leaves the slot of the request that a vCPU is held with in a state.
func (m *Model) resume(v xen.VCPU, state xen.State, seen Outcome) (o Outcome, sure bool, err error) {
	f := m.flights[v]
	if f == nil {
		return Outcome{Idle}, true, nil
	}
	if !f.gone && !m.bound(f) {
		return Outcome{Hung}, true, nil // until somebody takes the server over
	}
	m.flights[v] = nil
	if !f.gone { // or there is no slot
		f.reply.State = state
	}
	return m.fly(f, false, seen)
}

// fly goes on with an instruction to its end, or to its first request if it is held
// there. seen is what came of it on a real Xen, if that is known.
func (m *Model) fly(f *flight, hold bool, seen Outcome) (o Outcome, sure bool, err error) {
	clean := m.cleanBelow(f.step)
	defer func() { m.below += clean - m.cleanBelow(f.step) }()
	x := &f.x
	for e, more := x.Next(f.reply); more; e, more = x.Next(f.reply) {
		if e.Slot.Kind == engine.SlotLegal {
			m.flights[f.step.VCPU()] = f
			return Outcome{Waits}, true, nil
		}
		q := x.Request()
		switch e.Route.Kind {
		case engine.RouteServer:
			if !x.Waiting() {
				break
			}
			answer, sum := Serve(q, f.requests, m.ram)
			f.requests++
			f.reply = engine.Answer{State: xen.StateRespReady, Data: answer}
			o = append(o, Request(e.Route.Server, q, sum))
			told, to, err := m.invalidate(f.step.VCPU())
			if o = append(o, told...); err != nil || told.Ended() {
				return o, true, err
			}
			// Of all that a vCPU waits for it keeps one answer's data, that of the lowest
			// server (wait_for_io; seen on 4.20): here what answers a broadcast.
			if below := engine.Servers(1)<<e.Route.Server - 1; to&below != 0 {
				f.reply.Data = ^uint64(0)
			}
			if hold {
				f.server = e.Route.Server
				m.flights[f.step.VCPU()] = f
				return o, true, nil
			}
		case engine.RouteBuffered:
			id := e.Route.Server
			m.rings[id] = append(m.rings[id], Entry(id, q.Type, q.Dir, q.Addr, q.Data, q.Size))
		}
		if x.Result().Outcome == engine.Running && (e.Route.Kind == engine.RouteRefault || e.Route.Kind == engine.RouteFault) {
			return Outcome{Stuck}, true, nil
		}
	}
	return m.landed(f, o, seen)
}

// landed is the outcome of an instruction that has come to its end.
func (m *Model) landed(f *flight, o, seen Outcome) (Outcome, bool, error) {
	res := f.x.Result()
	exception := guest.Exception{Vector: guest.NoException}
	switch res.Outcome {
	case engine.Retired:
	case engine.GuestFault:
		exception = guest.Exception{Vector: vectorGP}
	case engine.Hung:
		m.flights[f.step.VCPU()] = f
		return append(o, Hung), true, nil
	case engine.DomainCrash:
		return append(o, Crash), true, nil
	case engine.XenCrash:
		return append(o, Panic), true, nil
	default:
		return o, false, nil
	}
	// The prober's next look at its doorbell meets an answer that is left unread, and
	// crashes the domain, if its vCPU is not scheduled anew before: nobody can know.
	if f.x.Unread() && seen.Ended() {
		return append(o, Crash), false, nil
	}
	last, _, err := m.invalidate(f.step.VCPU())
	if err != nil || last.Ended() {
		return append(o, last...), true, err
	}
	return append(o, last...).Result(f.step, f.step.after(res), exception), !res.Unknown && !f.x.Unread(), nil
}

// vectorGP is the general protection fault, which the emulator injects where it
// can't go on.
const vectorGP = 13
