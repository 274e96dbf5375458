package flight

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/store"
)

// A key-frame that the ring wants has this distance from the last one at least, and
// waits as long again for a calm moment.
const (
	patienceTime   = 1_000_000_000 // ns of event time
	patienceEvents = 16 << 10
)

// A Pace is a store.Mirror that makes key-frames as often as a ring wants them,
// the first one in front of the first event, besides those that its Mirror wants.
type Pace struct {
	store.Mirror
	Ring *Ring

	begun bool
	made  place // where the last key-frame stands
	wants bool
	since place // since when the ring wants one
	next  place // the event at hand
}

// A place is one in the capture: event time, and how many events there were.
type place struct{ time, events uint64 }

// far says whether p lies a second or a block's events behind q.
func (p place) far(q place) bool {
	return p.time >= q.time && p.time-q.time >= patienceTime || p.events-q.events >= patienceEvents
}

// Due says whether a key-frame is due in front of next.
func (p *Pace) Due(next format.Event) bool {
	if next.Kind.InKeyFrame() {
		return false
	}
	p.next = place{next.Time, p.next.events + 1}
	if p.Mirror.Due(next) || !p.begun {
		return true
	}
	if !p.next.far(p.made) || !p.Ring.WantsKeyFrame(next.Time) {
		return false
	}
	if !p.wants {
		p.wants, p.since = true, p.next
	}
	return p.next.far(p.since) || p.Calm()
}

// Plain is 0: the ring is asked at each event.
func (p *Pace) Plain([]format.Event) int { return 0 }

// KeyFrame returns the key-frame, which opens a segment of the ring.
func (p *Pace) KeyFrame(time uint64) []format.Event {
	p.begun, p.wants, p.made = true, false, p.next
	return p.Mirror.KeyFrame(time)
}
