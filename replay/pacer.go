package replay

import "github.com/iotrace-xen/iotrace/format"

// Where key-frames stand, in events and in nanoseconds of event time.
const (
	paceEvents = 128 << 10
	paceNS     = 10_000_000_000
	paceSkips  = 10        // clocks without a calm moment that are let pass
	paceLate   = 256 << 10 // events after which a clock, or a calm moment at one, is not waited for
)

// A Pacer says where a key-frame is due: behind a Clock event and the Lost
// events that follow it, once 10 s or 128Ki events have passed since the last
// one, at a calm moment. A busy device model that types pages all the time has
// none, so it is due as well behind the eleventh clock when ten moments were not
// calm, and behind the first one once 256Ki events have passed; from then on, for
// traces whose clocks are rare, at any calm moment. So a segment of a recorder's
// trace, which has a clock each second, is little longer than 256Ki events. It
// reads no clock but the events'. The zero value stands at the beginning of a
// trace.
type Pacer struct {
	events  uint64 // since the last key-frame
	last    uint64 // its time
	begun   bool   // last is set
	clock   bool   // the last events were a Clock and perhaps losses
	skipped int
}

// Due says whether a key-frame is due in front of next. Ask it once an event,
// before Step; calm is called at most once.
func (p *Pacer) Due(next format.Event, calm func() bool) bool {
	behind := p.clock
	if !behind && p.events < paceLate || next.Kind == format.KindLost || next.Kind.InKeyFrame() {
		return false
	}
	ripe := p.events >= paceEvents || p.begun && next.Time >= p.last+paceNS
	switch {
	case !ripe:
		return false
	case calm():
		return true
	case behind:
		p.skipped++
		return p.skipped > paceSkips || p.events >= paceLate
	}
	return false
}

// Step takes note of an event.
func (p *Pacer) Step(e format.Event) {
	if e.Kind.InKeyFrame() {
		p.Reset(e.Time)
		return
	}
	if !p.begun {
		p.Reset(e.Time)
	}
	p.events++
	p.clock = e.Kind == format.KindClock || p.clock && e.Kind == format.KindLost
}

// Plain returns how many of the events, which come next, need not be asked about: in
// front of none of them is a key-frame due.
func (p *Pacer) Plain(events []format.Event) (n int) {
	if p.clock {
		return 0
	}
	for n < len(events) && p.events+uint64(n) < paceLate && !events[n].Kind.InKeyFrame() {
		n++
		if events[n-1].Kind == format.KindClock {
			break
		}
	}
	return n
}

// StepAll takes note of events that are plain.
func (p *Pacer) StepAll(events []format.Event) {
	if len(events) == 0 {
		return
	}
	if !p.begun {
		p.Reset(events[0].Time)
	}
	p.events += uint64(len(events))
	p.clock = events[len(events)-1].Kind == format.KindClock
}

// Reset takes note of a key-frame at that time.
func (p *Pacer) Reset(time uint64) { *p = Pacer{last: time, begun: true} }
