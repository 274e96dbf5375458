package record

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/iotrace-xen/iotrace/format"
)

// errStopped says that the consumer of the events wants no more.
var errStopped = errors.New("stopped")

// A run is one passage through a session's events.
type run struct {
	*Session
	yield func([]format.Event, error) bool
	seq   uint64
	left  map[format.Kind]uint64 // by sampling, as far as it was told
	owed  *owed                  // nil if the trace has all that was counted
}

// all yields everything, from the first clock to the last.
func (r *run) all() error {
	if err := r.send(r.first); err != nil {
		return err
	}
	for tick := time.Now().Add(tickPeriod); !r.stopping.Load(); {
		if err := r.readUntil(time.Now().Add(lookPeriod), tick); err != nil {
			return err
		}
		if time.Now().Before(tick) {
			continue
		}
		if err := r.tick(); err != nil {
			return err
		}
		tick = time.Now().Add(tickPeriod)
	}
	return r.finish()
}

// send yields events with their place in the trace.
func (r *run) send(events []format.Event) error {
	if len(events) == 0 {
		return nil
	}
	for i := range events {
		e := &events[i]
		e.Seq = r.seq
		r.seq++
		if e.Kind == format.KindLost {
			r.note(e.Lost())
		}
	}
	r.events.Add(uint64(len(events)))
	if !r.yield(events, nil) {
		return errStopped
	}
	return nil
}

// note adds a loss to the statistics.
func (r *run) note(l format.Lost) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost[lossKey{probe: l.Probe, reason: l.Reason}] += l.Count
}

// readUntil decodes records until none has come by the deadline, or it is time
// for a tick or to stop.
func (r *run) readUntil(deadline, tick time.Time) error {
	r.stream.setDeadline(deadline)
	for {
		if more, err := r.readSome(); !more || err != nil {
			return err
		}
		if r.stopping.Load() || time.Now().After(tick) {
			return nil
		}
	}
}

// readSome decodes a batch of records, and waits for more if there are none yet. It is
// false when none have come by the stream's deadline.
func (r *run) readSome() (more bool, err error) {
	more, err = r.decodeSome()
	if sendErr := r.send(r.dec.take()); err != nil || sendErr != nil {
		return false, cmp.Or(err, sendErr)
	}
	if more {
		return true, nil
	}
	return r.stream.wait()
}

// manyRecords is how many are decoded at a time at the most: there may be no end of such
// of which no event is wanted.
const manyRecords = 16 * batch

// decodeSome decodes the records that there are, up to a batch of events. It is false when
// there are no more.
func (r *run) decodeSome() (more bool, err error) {
	n := uint64(0)
	defer func() { r.records.Add(n) }()
	for len(r.dec.events) < batch && n < manyRecords {
		b, err := r.stream.next()
		if err != nil {
			return false, err
		}
		if r.owed != nil && r.owed.due(b, r.stream) {
			if err := r.settle(); err != nil {
				return false, err
			}
		}
		if b == nil {
			return false, nil
		}
		n++
		if r.raw != nil {
			if err := writeRaw(r.raw, b); err != nil {
				return false, err
			}
		}
		r.dec.decode(b)
	}
	return true, nil
}

// tellWaiting yields what the probes let wait for another record.
func (r *run) tellWaiting(last bool) error {
	if err := r.dec.tellWaiting(r.probes.waiting, last); err != nil {
		return err
	}
	return r.send(r.dec.take())
}

// tellLeftOut yields what sampling has left out since the last time.
func (r *run) tellLeftOut(t uint64) error {
	if r.header.Chosen == nil || len(r.header.Chosen.Sampled) == 0 {
		return nil
	}
	now, err := r.probes.leftOut()
	if err != nil {
		return err
	}
	var told []format.Event
	for _, k := range slices.Sorted(maps.Keys(now)) {
		some, _ := r.header.Chosen.HasKind(k)
		if n := now[k] - r.left[k]; some && n > 0 {
			told = append(told, format.LeftOut{Of: k, Count: n}.Event(t))
		}
	}
	r.left = now
	return r.send(told)
}

// finish detaches, drains, and closes the accounts.
func (r *run) finish() error {
	attached, err := r.counters.read()
	if err != nil {
		return err
	}
	if err := r.probes.detach(); err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	r.samplers.close()
	r.stream.last()
	if err := r.drain(); err != nil {
		return err
	}
	if r.owed != nil {
		if err := r.settle(); err != nil {
			return err
		}
	}
	if err := r.tellWaiting(true); err != nil {
		return err
	}
	now, err := r.counters.read()
	if err != nil {
		return err
	}
	// Calls that begin while the probes are being detached belong to no capture.
	withdraw(now, attached, format.ReasonNoEntry)
	r.losses.add(r.probes.missed(), now)
	if err := r.missing(now); err != nil {
		return err
	}
	if err := r.keepTimes(); err != nil {
		return err
	}
	totals, err := r.probes.ringTotals()
	if err != nil {
		return err
	}
	clock := readClocks()
	if err := r.send(r.losses.update(clock.Time, now)); err != nil {
		return err
	}
	if err := r.tellLeftOut(clock.Time); err != nil {
		return err
	}
	r.dec.untold(clock.Time, totals)
	r.dec.ringCounts(clock.Time)
	return r.send(append(r.dec.take(), clock))
}

// keepTimes notes how long the probes ran, if that was measured.
func (r *run) keepTimes() error {
	if r.measure == nil {
		return nil
	}
	times, err := r.probes.times()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times = times
	return err
}

// missing adds to the counters, at the end, what only the records' numbers tell.
func (r *run) missing(now map[lossKey]uint64) error {
	if !r.probes.perCPU() {
		tried, err := r.probes.tried()
		maps.Copy(now, holes(tried, r.dec.received, now))
		return err
	}
	made, err := r.probes.made()
	lost, _ := unsent(made, r.dec.received) // all that comes has come
	r.losses.add(lost, now)
	return err
}

// drain decodes what the ring buffer still holds. A program that was running
// when its probe was detached may still have been writing: hence twice.
func (r *run) drain() error {
	for range 2 {
		r.stream.setDeadline(time.Now().Add(endPeriod))
		for more := true; more; {
			var err error
			if more, err = r.readSome(); err != nil {
				return err
			}
		}
	}
	return nil
}
