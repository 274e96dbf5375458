package diff

import (
	"math/rand/v2"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// Generate returns a script of about n steps out of a seed. It is valid on a real
// Xen of that release, as far as the model knows what is: no step kills the
// hypervisor, leaves the guest in a loop, takes the doorbell from the prober, or
// sends a request where no device model of ours sees it.
func Generate(seed uint64, kind Kind, release engine.Release, n int) (Script, error) {
	m, err := NewModel(kind, guest.MaxVCPUs, release)
	if err != nil {
		return Script{}, err
	}
	g := &generator{rand: rand.New(rand.NewPCG(seed, uint64(kind[0]))), model: m, script: Script{Kind: kind, VCPUs: guest.MaxVCPUs}}
	for _, s := range prologue {
		if _, err := g.try(s); err != nil {
			return Script{}, err
		}
	}
	for len(g.script.Steps) < n {
		if err := g.next(); err != nil {
			return Script{}, err
		}
	}
	return g.script, g.finish()
}

// Prologue is how many of a script's steps make the doorbell, without which nothing
// works.
const Prologue = 4

// prologue makes server 0, which owns the doorbell.
var prologue = [Prologue]Step{
	NewStep(Create, Set{"mode": uint64(xen.BufAtomic)}),
	NewStep(Acquire, Set{"nr": 2}),
	NewStep(Map, Set{"first": guest.ProberDoorbell, "last": guest.ProberDoorbell + 3}),
	NewStep(State, Set{"enabled": 1}),
}

// The holes in the guest's memory that scripts use.
const (
	mmioStart = 0xe0000000
	mmioPages = 8
	vgaStart  = 0xa0000
	vgaPages  = 0x20
	highStart = 0x1_2345_0000 // beyond all memory
)

// generator is a script in the making, with the model in the state that the script
// has brought about.
type generator struct {
	rand   *rand.Rand
	model  *Model
	script Script
	vcpu   xen.VCPU            // that performs instructions for now
	queue  []Step              // steps that are to come first
	ranges [numSpaces][]placed // the last few that were mapped
}

const numSpaces = 3

// placed is a range with the server that it was mapped to.
type placed struct {
	id          uint64
	first, last uint64
}

// attempts is how often next looks for a step that is valid before it takes a
// drain, which always is.
const attempts = 100

// next adds a step.
func (g *generator) next() error {
	for range attempts {
		if len(g.queue) == 0 {
			g.queue = g.propose()
		}
		s := g.onVCPU(g.queue[0])
		g.queue = g.queue[1:]
		if ok, err := g.try(s); ok || err != nil {
			return err
		}
	}
	_, err := g.try(NewStep(Drain, nil))
	return err
}

// try adds a step if it is valid.
func (g *generator) try(s Step) (bool, error) {
	o, ok, err := g.model.admit(s, len(g.script.Steps) < Prologue)
	if !ok {
		return false, err
	}
	g.script.Steps = append(g.script.Steps, s)
	if s.Verb == Map && o[0] == xen.OK.String() {
		g.remember(xen.Space(s.Arg("space")), placed{s.Arg("id"), s.Arg("first"), s.Arg("last")})
	}
	return true, nil
}

// remember keeps a range for later steps to meet.
func (g *generator) remember(space xen.Space, r placed) {
	const few = 8
	last := append(g.ranges[space], r)
	g.ranges[space] = last[max(0, len(last)-few):]
}

// edge is an address at one of the ends of a range that was mapped, for size bytes.
func (g *generator) edge(space xen.Space, size uint64) (uint64, bool) {
	if len(g.ranges[space]) == 0 {
		return 0, false
	}
	r := g.ranges[space][g.rand.IntN(len(g.ranges[space]))]
	return oneOf(g, r.first, r.first, r.first-1, r.last-size+1, r.last-size+1, r.last-size+2, r.last+1), true
}
