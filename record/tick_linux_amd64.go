package record

import (
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
)

// owed is what a tick has read, until the trace has come to that moment. What is lost
// is known at once, but the records in front of it may still lie in the buffer: told
// before them, a loss would explain nothing of what happened behind it.
type owed struct {
	clock format.Event
	reading
}

// A reading is what the probes have counted, and what the kernel has of them.
type reading struct {
	counts, missed map[lossKey]uint64
	made           recordsMade
}

func (r *run) read() (n reading, err error) {
	if n.counts, err = r.counters.read(); err != nil {
		return n, err
	}
	n.missed = r.probes.missed()
	n.made, err = r.probes.made()
	return n, err
}

// tick reads the clocks and the counters, unless the last reading is still owed.
func (r *run) tick() (err error) {
	if r.owed == nil {
		r.owed, err = r.account()
	}
	return err
}

// account reads the clocks while no counter moves, so that what the counters have was
// before that time and all else behind it. Where losses never stand still, some are told
// on both sides of it. Where records that may be lost never do (tier C), there is no
// account, nil: the next tick may have one.
func (r *run) account() (o *owed, err error) {
	const tries = 16
	before, err := r.read()
	if err != nil {
		return nil, err
	}
	for range tries {
		clock := readClocks()
		now, err := r.read()
		if err != nil {
			return nil, err
		}
		if slices.Equal(before.made, now.made) {
			o = &owed{clock, now}
			if maps.Equal(before.counts, now.counts) && maps.Equal(before.missed, now.missed) {
				break
			}
			o.counts = straddling(before.counts, now.counts)
			o.missed = straddling(before.missed, now.missed)
		}
		before = now
	}
	return o, nil
}

// due says that b, the stream's next record or nil, is not of the time before.
func (o *owed) due(b []byte, s stream) bool {
	if b == nil {
		return s.passed(o.clock.Time)
	}
	h, ok := parseHead(b)
	return ok && h.Time > o.clock.Time
}

// settle tells the clocks, and what was lost since the last time, unless that is not
// certain: then the next tick tells it with its clocks, and not one before them.
func (r *run) settle() error {
	o := r.owed
	r.owed = nil
	lost, certain := unsent(o.made, r.dec.received)
	if !certain {
		return nil
	}
	r.losses.add(lost, o.counts)
	r.losses.add(o.missed, o.counts)
	if err := r.send(r.dec.take()); err != nil {
		return err
	}
	if err := r.send(append([]format.Event{o.clock}, r.losses.update(o.clock.Time, o.counts)...)); err != nil {
		return err
	}
	if err := r.tellWaiting(false); err != nil {
		return err
	}
	return r.tellLeftOut(o.clock.Time)
}
