package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/iotrace-xen/iotrace/flight"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/store"
)

// A blackBox is the flight recorder of a capture. The capture's lock guards all of
// it but dumps, which belongs to the one dump that is being written.
type blackBox struct {
	ring     *flight.Ring
	triggers []*flight.Trigger
	schedule flight.Schedule
	dumps    *store.Dumps
	header   func(number int) format.Header

	event    format.Event // the one that the triggers look at
	reason   string       // of the dump that is pending
	unmarked bool         // which is in no mark yet
	writing  *dumping     // nil if none is
	names    []string     // of dumps.Names, the last time that none was being written
	made     int
	failed   int
}

// A dumping is a dump that is being written, until done is closed.
type dumping struct {
	reason string
	state  flight.State
	done   chan struct{}
	name   string
	err    error
}

// openFlight makes memory the place where events go.
func (c *capture) openFlight(opts store.Options) error {
	if opts.Mirror == nil {
		return exit(exitNoCapture, errors.New("a flight recorder needs key-frames; record without --flight"))
	}
	dumps, err := store.OpenDumps(c.flags.output, store.Keep(c.flags.flight.keep), opts.FileOptions)
	if err == nil {
		err = dumps.Try()
	}
	switch {
	case errors.Is(err, store.ErrFull): // which may change until there is something to dump
		c.log.Warn(fmt.Sprintf("a dump would not fit on the disk now: %v", err))
	case err != nil:
		return outputError(err)
	}
	if why := flightMemory(os.DirFS("/"), c.flags.flight.limits.Bytes); why != "" {
		c.log.Warn(why)
	}
	b := &blackBox{
		ring: flight.NewRing(c.flags.flight.limits.Limits), triggers: c.flags.flight.triggers, schedule: c.flags.flight.schedule(),
		dumps: dumps, header: opts.Header, names: dumps.Names(),
	}
	opts.Mirror = &flight.Pace{Mirror: opts.Mirror, Ring: b.ring}
	if c.w, err = store.Stream(b.ring, opts); err == nil {
		c.box = b
	}
	return err
}

// watchFor lets the triggers see an event that was written. While more losses come that
// may have happened before it, no mark parts them from their clock, since a key-frame
// might stand in front of that, and no dump begins. The lock is held.
func (c *capture) watchFor(e format.Event, more bool) error {
	b := c.box
	b.event = e
	for _, t := range b.triggers {
		if t.Add(&b.event) && b.schedule.Fire(e.Time) {
			b.reason, b.unmarked = t.Why(), true
		}
	}
	if more {
		return nil
	}
	if b.unmarked {
		b.unmarked = false
		if _, err := c.mark(b.reason, e.Time); err != nil {
			return err
		}
	}
	if b.writing == nil && b.schedule.Due(e.Time) {
		c.dumpPending()
	}
	return nil
}

// dumpPending begins the dump that a trigger asked for. The lock is held.
func (c *capture) dumpPending() {
	c.box.schedule.Done()
	if _, err := c.dump(c.box.reason); err != nil {
		c.box.failed++
		c.log.Error(fmt.Sprintf("no dump: %v", err), "reason", c.box.reason)
	}
}

// dump begins to write what is in memory. The lock is held, and no dump is being
// written.
func (c *capture) dump(reason string) (*dumping, error) {
	if err := c.w.Flush(); err != nil {
		return nil, err
	}
	snap, err := c.box.ring.Snapshot()
	if err != nil {
		return nil, err
	}
	d := &dumping{reason: reason, state: snap.State(), done: make(chan struct{})}
	c.box.writing = d
	go func() {
		d.name, d.err = c.box.dumps.Write(d.state.Bytes, func(w io.Writer, number int) error { return snap.WriteTrace(w, c.box.header(number)) })
		c.dumped(d)
		close(d.done)
	}()
	return d, nil
}

// dumped says how a dump went.
func (c *capture) dumped(d *dumping) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.box
	b.ring.Release()
	b.writing, b.names = nil, b.dumps.Names()
	if d.err != nil {
		b.failed++
		c.log.Error(fmt.Sprintf("no dump: %v; recording goes on", d.err), "reason", d.reason)
		return
	}
	b.made++
	c.log.Info(fmt.Sprintf("dumped %s: %s; %s", d.name, spanOf(d.state), printable(d.reason)),
		"dump", d.name, "events", d.state.Events, "reason", d.reason)
}

func spanOf(s flight.State) string {
	return fmt.Sprintf("%d events of %v", s.Events, s.Span.Round(time.Millisecond))
}

// askDump puts a remark into the capture and dumps what is in memory, once no
// other dump is being written. It returns when the dump is there.
func (c *capture) askDump(text string) (*dumping, error) {
	d, err := c.beginDump(text)
	if err != nil {
		return nil, err
	}
	<-d.done
	return d, d.err
}

func (c *capture) beginDump(text string) (*dumping, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended:
		return nil, errEnded
	case c.box == nil:
		return nil, errors.New("this capture keeps nothing in memory; it runs without --flight")
	}
	if _, err := c.mark(text, monotonic()); err != nil {
		return nil, err
	}
	for c.box.writing != nil {
		other := c.box.writing
		c.mu.Unlock()
		<-other.done
		c.mu.Lock()
	}
	if c.ended {
		return nil, errEnded
	}
	return c.dump(text)
}

// signalled dumps because of SIGUSR2.
func (c *capture) signalled() {
	if _, err := c.askDump("SIGUSR2"); err != nil {
		c.log.Warn(fmt.Sprintf("SIGUSR2: %v", err))
	}
}

// endFlight writes what is still to be dumped, and says how many dumps there are.
// No more events come.
func (c *capture) endFlight() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.box
	if b == nil {
		return nil
	}
	c.ended = true
	for b.writing != nil || b.schedule.Pending() {
		if b.writing == nil {
			c.dumpPending()
			continue
		}
		d := b.writing
		c.mu.Unlock()
		<-d.done
		c.mu.Lock()
	}
	c.log.Info(fmt.Sprintf("%d dumps, %d more firings of triggers", b.made, b.schedule.Suppressed()), "dumps", b.made)
	if b.failed > 0 {
		return exit(exitIncomplete, fmt.Errorf("%d dumps could not be written", b.failed))
	}
	return nil
}

// flightStatus is what status says of a flight recorder. Keys are stable.
type flightStatus struct {
	Limits     string `json:"limits"`
	Events     uint64 `json:"events"` // in memory
	Bytes      uint64 `json:"bytes"`
	SpanNS     uint64 `json:"span_ns"`
	Dumps      int    `json:"dumps"`      // written
	Failed     int    `json:"failed"`     // not written
	Suppressed uint64 `json:"suppressed"` // firings of triggers that made no dump of their own
}

func (c *capture) flightStatus() *flightStatus {
	b := c.box
	if b == nil {
		return nil
	}
	s := b.ring.State()
	return &flightStatus{c.flags.flight.limits.String(), s.Events, s.Bytes, uint64(s.Span), b.made, b.failed, b.schedule.Suppressed()}
}
