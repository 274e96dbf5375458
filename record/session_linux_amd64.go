package record

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
	"golang.org/x/sys/unix"
)

// A Session is a running capture.
type Session struct {
	header   format.Header
	probes   *probes
	stream   stream
	raw      io.Writer // nil if nobody wants the records
	dec      *decoder
	samplers *samplers
	counters counters
	losses   losses
	first    []format.Event // what Batches yields before anything else
	warnings []string
	measure  io.Closer // nil if the probes are not measured

	stopping atomic.Bool
	events   atomic.Uint64
	records  atomic.Uint64
	mu       sync.Mutex
	lost     map[lossKey]uint64 // guarded by mu
	times    []ProbeTime        // guarded by mu
}

// Open starts a capture. If a condition is not met, the error is a *CheckError;
// options that cannot be give ErrOptions.
func Open(o Options) (*Session, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	for _, c := range quickChecks() {
		if !c.OK && !c.Optional {
			return nil, &CheckError{c}
		}
	}
	s := &Session{dec: newDecoder(), losses: newLosses(), lost: map[lossKey]uint64{}}
	if err := s.start(o); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) start(o Options) (err error) {
	s.raw = o.Raw
	if s.probes, err = loadProbes(o, uint32(os.Getpid())); err != nil {
		if c := checkSymbols(); !c.OK {
			return &CheckError{c}
		}
		return err
	}
	o.Choice = s.probes.choice
	s.prepareDecoder(o)
	// What loading took, the kernel's types above all, goes before the buffer comes.
	debug.FreeOSMemory()
	if o.Measure {
		if s.measure, err = startMeasuring(); err != nil {
			return err
		}
	}
	if s.stream, err = s.probes.stream(o); err != nil {
		return err
	}
	s.dec.drivers.hooks = s.probes.hooks
	s.dec.skipsCounted = s.probes.tier == TierA
	// Calls that began before the probes were complete belong to no capture.
	s.counters.probes = s.probes
	now, err := s.counters.read()
	if err != nil {
		return err
	}
	s.losses.forgive(now, format.ReasonNoEntry)
	s.samplers = newSamplers(s.probes.coll.Programs[kprobeProgSample], o.SamplePeriod)
	clock := readClocks()
	s.first = append(s.first, clock)
	if err := s.takeSnapshot(); err != nil {
		return fmt.Errorf("what exists already: %w", err)
	}
	for _, why := range s.probes.unhooked {
		s.warnings = append(s.warnings, fmt.Sprintf("driver %s: what it does is not recorded, and not counted as lost either; --driver-profile takes one that fits this kernel", why))
	}
	s.header.Unhooked = s.probes.unhooked
	facts(&s.header)
	if o.Choice.String() != "" {
		s.header.Chosen = &o.Choice
	}
	s.header.MonotonicNS, s.header.WallNS = clock.Time, clock.Clock().WallNS
	s.header.Tier, s.header.TierWhy, s.header.Data = s.probes.tier.String(), s.probes.why, o.Data.String()
	s.header.Attached = s.probes.attached
	if s.probes.looks() {
		s.header.Attached = append(s.header.Attached, fmt.Sprintf("%s:%v", s.probes.sampler(), o.SamplePeriod))
	}
	return nil
}

func (s *Session) prepareDecoder(o Options) {
	s.dec.full = o.Data == DataFull
	if o.Data == DataHash {
		s.dec.hashed = newPseudonym()
	}
	s.dec.comm = commOf
	if s.probes.looks() {
		s.dec.mapped = s.follow
	}
	s.dec.ended = func(pid uint32) { s.samplers.leave(pid) }
	if len(o.Choice.Domains) > 0 {
		s.dec.domains = map[xen.DomID]bool{}
	}
	for _, d := range o.Choice.Domains {
		s.dec.domains[d] = true
	}
	s.dec.choice = newChoice(o.Choice)
}

func (s *Session) takeSnapshot() error {
	call, err := openXencall()
	if err != nil {
		return err
	}
	defer call.close()
	snap := &snapshot{call: call, probes: s.probes, dec: s.dec}
	if err := snap.take(); err != nil {
		return err
	}
	s.first = append(s.first, snap.events...)
	for _, e := range snap.events {
		s.header.Partial = s.header.Partial || e.Kind == format.KindDomainFound
		if e.Unlearned().What == format.WhatDriverPorts {
			s.warnings = append(s.warnings, fmt.Sprintf("domain %d is older than this capture and driver %s is loaded: "+
				"if that serves the domain already, its requests are not recorded, and not counted as lost either",
				e.Dom, strings.Join(s.probes.hookedDrivers, ", ")))
		}
	}
	for _, pid := range snap.models {
		s.dec.mapped(pid)
	}
	s.first = append(s.first, s.dec.take()...)
	return nil
}

// follow samples a device model. A thread that cannot be sampled is no reason to
// end a capture: its calls still show the ring, only less often.
func (s *Session) follow(pid uint32) {
	for range s.samplers.follow(pid) {
		s.dec.missed(nanoseconds(unix.CLOCK_MONOTONIC), format.ProbeRing)
	}
}

// Warnings say what this capture will not see, for people: of what exists already, which
// the trace has as Unlearned events, and of drivers that could not be hooked, which the
// header has. They are complete when Open returns.
func (s *Session) Warnings() []string { return s.warnings }

// Header describes the capture. It is complete when Open returns.
func (s *Session) Header() format.Header { return s.header }

// Stop ends the capture: Batches yields what is left, and ends.
func (s *Session) Stop() {
	s.stopping.Store(true)
	s.stream.flush()
}

// Stats says how far the capture has come.
func (s *Session) Stats() Stats {
	st := Stats{Events: s.events.Load(), Records: s.records.Load()}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Probes = s.times
	for k, n := range s.lost {
		st.Lost = append(st.Lost, Loss{k.probe, k.reason, n})
	}
	sortLosses(st.Lost)
	return st
}

// Close frees what the capture holds in the kernel. It does not wait for
// anything: to lose nothing, call Stop and let Batches end first.
func (s *Session) Close() error {
	var errs []error
	if s.samplers != nil {
		s.samplers.close()
	}
	if s.measure != nil {
		errs = append(errs, s.measure.Close())
	}
	if s.stream != nil {
		errs = append(errs, s.stream.close())
	}
	if s.probes != nil {
		errs = append(errs, s.probes.close())
		s.probes = nil
	}
	return errors.Join(errs...)
}

// How long Batches waits for a wake-up before it looks by itself, how often it tells
// clocks and losses, and how long it waits for programs that still run at the end.
// A look costs the device models switches of threads, whatever it finds.
const (
	lookPeriod = 200 * time.Millisecond
	tickPeriod = time.Second
	endPeriod  = 100 * time.Millisecond
)

// Batches yields the capture's events, as many at a time as there are. A batch is the
// caller's until it asks for the next. Batches may be ranged over once.
func (s *Session) Batches() iter.Seq2[[]format.Event, error] {
	return func(yield func([]format.Event, error) bool) {
		r := &run{Session: s, yield: yield}
		if err := r.all(); err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}
