package record

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf/ringbuf"
	"github.com/iotrace-xen/iotrace/format"
)

// errStopped says that the consumer of the events wants no more.
var errStopped = errors.New("stopped")

// A run is one passage through a session's events.
type run struct {
	*Session
	yield func(format.Event, error) bool
	seq   uint64
	rec   ringbuf.Record
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
	for _, e := range events {
		e.Seq = r.seq
		r.seq++
		r.events.Add(1)
		if e.Kind == format.KindLost {
			r.note(e.Lost())
		}
		if !r.yield(e, nil) {
			return errStopped
		}
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
	r.reader.SetDeadline(deadline)
	for n := 1; ; n++ {
		if more, err := r.readOne(); !more || err != nil {
			return err
		}
		if n%1024 == 0 && (r.stopping.Load() || time.Now().After(tick)) {
			return nil
		}
	}
}

// readOne decodes one record. It is false when there is none by the reader's
// deadline.
func (r *run) readOne() (more bool, err error) {
	err = r.reader.ReadInto(&r.rec)
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, ringbuf.ErrFlushed) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ring buffer: %w", err)
	}
	r.records.Add(1)
	r.dec.decode(r.rec.RawSample)
	if err := r.send(r.dec.take()); err != nil {
		return false, err
	}
	return true, nil
}

// tick tells the clocks, and what was lost since the last time.
func (r *run) tick() error {
	clock := readClocks()
	now, err := r.probes.counters()
	if err != nil {
		return err
	}
	return r.send(append([]format.Event{clock}, r.losses.update(clock.Time, now)...))
}

// finish detaches, drains, and closes the accounts.
func (r *run) finish() error {
	if err := r.probes.detach(); err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	r.samplers.close()
	if err := r.drain(); err != nil {
		return err
	}
	now, err := r.probes.counters()
	if err != nil {
		return err
	}
	tried, err := r.probes.tried()
	if err != nil {
		return err
	}
	for k, n := range holes(tried, r.dec.received, now) {
		now[k] = n
	}
	clock := readClocks()
	if err := r.send(r.losses.update(clock.Time, now)); err != nil {
		return err
	}
	r.dec.ringCounts(clock.Time)
	return r.send(append(r.dec.take(), clock))
}

// drain decodes what the ring buffer still holds. A program that was running
// when its probe was detached may still have been writing: hence twice.
func (r *run) drain() error {
	for range 2 {
		r.reader.SetDeadline(time.Now().Add(lookPeriod))
		for more := true; more; {
			var err error
			if more, err = r.readOne(); err != nil {
				return err
			}
		}
	}
	return nil
}
