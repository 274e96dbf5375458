package record

import (
	"maps"

	"github.com/iotrace-xen/iotrace/format"
)

// owed is what a tick has read, until the trace has come to that moment. What is lost
// is known at once, but the records in front of it may still lie in the buffer: told
// before them, a loss would explain nothing of what happened behind it.
type owed struct {
	clock  format.Event
	counts map[lossKey]uint64
	made   recordsMade
}

// tick reads the clocks and the counters, unless the last reading is still owed.
func (r *run) tick() (err error) {
	if r.owed == nil {
		r.owed, err = r.account()
	}
	return err
}

// account reads the clocks while no counter moves, so that what the counters have was
// lost before that time and all else behind it. Where they never stand still there is
// one loss after the other, and a little more or less of them changes nothing.
func (r *run) account() (*owed, error) {
	const tries = 3
	before, err := r.counters.read()
	if err != nil {
		return nil, err
	}
	o := &owed{}
	for range tries {
		o.clock = readClocks()
		if o.counts, err = r.counters.read(); err != nil {
			return nil, err
		}
		if maps.Equal(before, o.counts) {
			break
		}
		before = o.counts
	}
	o.made, err = r.probes.made()
	return o, err
}

// due says that b, the stream's next record or nil, is not of the time before.
func (o *owed) due(b []byte, s stream) bool {
	if b == nil {
		return s.passed(o.clock.Time)
	}
	h, ok := parseHead(b)
	return ok && h.Time > o.clock.Time
}

// settle tells the clocks, and what was lost since the last time.
func (r *run) settle() error {
	o := r.owed
	r.owed = nil
	if err := r.send(r.dec.take()); err != nil {
		return err
	}
	addAll(o.counts, unsent(o.made, r.dec.received, false))
	if err := r.send(append([]format.Event{o.clock}, r.losses.update(o.clock.Time, o.counts)...)); err != nil {
		return err
	}
	if err := r.tellWaiting(false); err != nil {
		return err
	}
	return r.tellLeftOut(o.clock.Time)
}
