package diff

import (
	"maps"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// Valid says whether every step of a script is one that Generate could have made.
func Valid(s Script, release engine.Release) (bool, error) {
	m, err := NewModel(s.Kind, s.VCPUs, release)
	if err != nil {
		return false, err
	}
	for i, step := range s.Steps {
		if _, ok, err := m.admit(step, i < Prologue); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// admit performs a step if it is valid. Nothing is asked of a script's first steps.
func (m *Model) admit(s Step, prologue bool) (o Outcome, ok bool, err error) {
	if !prologue {
		trial := m.trial(s)
		o, sure, err := trial.Step(s, nil)
		if err != nil || !sure || !trial.valid(s, o) {
			return o, false, err
		}
	}
	o, _, err = m.Step(s, nil)
	return o, err == nil, err
}

// trial returns a copy of the model that a step may be tried on: what the step can
// reach of the memory is in it, and no more.
func (m *Model) trial(s Step) *Model {
	c := *m
	t := &c
	t.domain, t.ram, t.rings, t.mapped = m.domain.Clone(), &engine.Memory{}, maps.Clone(m.rings), maps.Clone(m.mapped)
	for v, f := range m.flights {
		t.flights[v] = f.on(t.domain, t.ram)
	}
	if f := m.flights[s.VCPU()]; s.Verb == Resume && f != nil {
		s = f.step
	}
	if !s.Verb.Guest() {
		return t
	}
	in := s.Instr()
	for _, gpa := range []uint64{in.Addr, in.Src} {
		first, last := reach(&in, gpa)
		var page [xen.PageSize]byte
		for at := first &^ (xen.PageSize - 1); at <= last && at < last+1; at += xen.PageSize {
			if inPool(at, xen.PageSize) {
				m.ram.Read(at, page[:])
				t.ram.Write(at, page[:])
			}
		}
	}
	return t
}

// reach returns addresses between which all lies that an instruction touches from gpa
// on.
func reach(in *engine.Instr, gpa uint64) (first, last uint64) {
	bytes := uint64(in.Size)
	if in.Rep {
		bytes *= in.Count
	}
	if in.DF {
		return gpa - bytes, gpa + uint64(in.Size)
	}
	return gpa, gpa + bytes
}

// valid says whether a step that had this outcome on t may be part of a script.
func (t *Model) valid(s Step, o Outcome) bool {
	if s.Verb.flies() {
		return t.served(o) && !o.Ended() && len(o) <= maxLines && !slices.Contains(o, Busy) && !slices.Contains(o, Idle) && t.goesOn()
	}
	if s.Verb == Acquire && o[0] == xen.EPerm.String() || o.Ended() {
		return false // the pages are at the guest's frames: Xen frees them, and dies of it later
	}
	if s.Verb == Destroy && s.Arg("id") == bell && o[0] == xen.OK.String() {
		return false // the prober waits for its answer
	}
	return t.bell() && t.goesOn() && !t.staleString()
}

// staleString says whether pages have left while a string instruction with a prefix is
// held: where between its repetitions Xen says so is not modelled.
func (t *Model) staleString() bool {
	for v, f := range t.flights {
		if f != nil && t.stale[v] && f.step.Arg(argRep.name) != 0 {
			return true
		}
	}
	return false
}

// maxLines bounds the outcome of an instruction. A string's hundreds of requests show
// nothing that its first do not, and take a real Xen seconds.
const maxLines = 48

// bell is the server that owns the doorbell.
const bell = 0

// served says whether all of an outcome's requests went where they are seen.
func (t *Model) served(o Outcome) bool {
	for _, line := range o {
		if to, ok := strings.CutPrefix(line, requestMark); ok {
			id, _, _ := strings.Cut(to, " ")
			if !t.mapped[xen.ServerID(id[0]-'0')].slots {
				return false
			}
		}
	}
	return true
}

// goesOn says whether there is a vCPU whose request, if it has one, can be answered.
func (t *Model) goesOn() bool {
	for _, f := range t.flights {
		if f == nil || t.bound(f) {
			return true
		}
	}
	return false
}

// bell says whether the prober's doorbell still works.
func (t *Model) bell() bool {
	var x engine.Execution
	look := NewStep(In, Set{"port": guest.ProberDoorbell}).Instr()
	look.VCPU = guest.MaxVCPUs // which no request of a script is in the way of
	x.Begin(t.domain, t.ram, look)
	e, _ := x.Next(engine.Answer{})
	return e.Route.Kind == engine.RouteServer && e.Route.Server == bell && e.Route.Type == xen.TypePIO
}
