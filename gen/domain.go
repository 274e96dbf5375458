package gen

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// domain is one life of a guest.
type domain struct {
	host     *host
	id       xen.DomID
	engine   *engine.Domain
	servers  [8]*emulator
	vcpus    []*vcpu
	qemu     *qemu
	mediator *mediator // nil in a plain domain, and before it has come
	port     xen.Port  // of the domain's own, the last that is taken
	paused   bool      // its vCPUs do not run
	stopped  bool      // nor will they ever again

	planned  uint64 // events of its life so far
	due      uint64 // when the next event is due, by the configured rate
	phaseEnd uint64 // of a burst or a quiet stretch
	stretch  uint64 // gap of this phase, in tenths of the configured one
	pciFree  uint64 // when the guest's lock on CF8 is free
	firmware int    // turns for which the guest is still booting
}

// apply steps the domain's model with a call or an access. What the model
// cannot know succeeds, and it learns that.
func (d *domain) apply(op engine.Op) engine.Effect {
	eff, err := d.engine.Step(op)
	if err == nil && op.Kind != engine.OpAccess && !eff.Ret.Known {
		d.engine.Learn(op, engine.Seen{Server: xen.NoServer})
	}
	return eff
}

// How the gaps between events stretch in a burst and in a quiet stretch, in
// tenths of the configured one: a quarter of the time has two and a half times
// the rate, the rest half of it.
const (
	burstGap = 4
	quietGap = 20
	plainGap = 10
)

// burstNS is the least length of a burst; where events are rare, it has
// burstEvents gaps. laggingNS bounds how much a domain that was held up catches
// up.
const (
	burstNS     = 40_000_000
	burstEvents = 500
	laggingNS   = 10_000_000
)

// spend counts n events that were planned at t and says when the domain's next
// activity is due, so that the rate comes out.
func (d *domain) spend(n, t uint64) uint64 {
	d.planned += n
	if t >= d.phaseEnd {
		typical := max(burstNS, burstEvents*d.host.gap)
		if d.stretch == burstGap {
			d.stretch, typical = quietGap, 3*typical
		} else {
			d.stretch = burstGap
		}
		d.phaseEnd = t + d.host.dice.between(typical/2, typical*3/2)
	}
	d.due = max(d.due, t-laggingNS) + n*d.host.gap*d.stretch/plainGap
	return d.due + d.host.dice.below(2*d.host.gap)
}
