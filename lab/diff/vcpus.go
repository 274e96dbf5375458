package diff

import (
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// onVCPU chooses the vCPU that performs an instruction, at times another one than the
// last, and now and then has its first request held.
func (g *generator) onVCPU(s Step) Step {
	if !s.Verb.Guest() {
		return s
	}
	if g.rarely(8) || g.model.flights[g.vcpu] != nil {
		g.vcpu = g.idle()
	}
	s.Args[s.Verb.index(argVCPU.name)] = uint64(g.vcpu)
	if g.rarely(15) && g.mayHold() {
		s.Args[s.Verb.index(argHold.name)] = 1
	}
	return s
}

// mayHold says whether a vCPU may wait: seldom if another does, and not if that one is
// lost.
func (g *generator) mayHold() bool {
	for _, f := range g.model.flights {
		if f != nil && (f.gone || !g.rarely(4)) {
			return false
		}
	}
	return true
}

// idle is a vCPU that has no request in flight, any if all have.
func (g *generator) idle() (v xen.VCPU) {
	for range 2 * guest.MaxVCPUs {
		v = xen.VCPU(g.rand.IntN(guest.MaxVCPUs))
		if g.model.flights[v] == nil {
			break
		}
	}
	return v
}

// patience is once in how many times a request that is held is answered: more often if
// no vCPU is left to go on.
func (g *generator) patience() int {
	if g.model.flights[g.idle()] != nil {
		return 2
	}
	return 6
}

// resume goes on with an instruction that is held, one that nobody can answer only if
// hung says so, and but once if nobody ever can. ok is false if there is none.
func (g *generator) resume(hung bool) (s Step, ok bool) {
	for v, f := range g.model.flights {
		if f != nil && (g.model.bound(f) || hung && f.x.Waiting()) && !(ok && g.rarely(2)) {
			s, ok = NewStep(Resume, Set{argVCPU.name: uint64(v), argState.name: uint64(g.slotState())}), true
		}
	}
	return s, ok
}

// slotState is how a device model leaves a slot: answered, mostly.
func (g *generator) slotState() xen.State {
	switch g.rand.IntN(40) {
	case 0:
		return xen.StateNone
	case 1:
		return oneOf(g, xen.StateReady, xen.StateInProcess)
	}
	return xen.StateRespReady
}

// finish ends the script: every instruction that can be comes to its end.
func (g *generator) finish() error {
	for s, ok := g.resume(false); ok; s, ok = g.resume(false) {
		done, err := g.try(s)
		if err != nil {
			return err
		}
		if !done {
			break // what it would ask for next nobody would see
		}
	}
	g.script.Steps = append(g.script.Steps, NewStep(Drain, nil), NewStep(Memory, nil))
	return nil
}
