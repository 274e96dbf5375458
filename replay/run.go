package replay

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// Options tune a run. The zero value replays under the profile that the
// trace's header names.
type Options struct {
	// Profile replaces the one that the header implies, unless it is zero.
	Profile engine.Profile
	// From, unless it is nil, says at which event to begin to judge; it is asked
	// until it says so, and not for events of key-frames. What is before only
	// makes the state that the rest meets, and is in no count.
	From func(format.Event) bool
	// To, unless it is nil, says at which event to end; it is asked until it says so,
	// and not for events of key-frames. Of what is behind, Run reads what says whether a
	// loss explains the last differences.
	To func(format.Event) bool
	// OnVerdict is called for every verdict, in the order of the trace.
	OnVerdict func(Verdict)
}

// session is one run over a trace: dom0's side as far as the trace tells it,
// and one model a domain.
type session struct {
	opts     Options
	profile  engine.Profile
	blind    engine.Forget // what the trace never tells; see blindness
	kept     bool          // the trace has all of its rings; see keepsRings
	recorded bool          // the trace is a recorder's: it ends with a Clock
	quiet    bool          // nobody asks for verdicts: a Mirror, or what is before Options.From
	report   Report
	reports  []*DomainReport // of lives, in order of appearance
	others   DomainReport    // of those that are not among them any more
	noted    noted           // events that are not in an account yet
	changes  uint64          // how many events may have changed a model

	state   // what a key-frame carries
	segment // where in the trace the session is

	suspects []suspect // differences that a loss may still explain
	interval bool      // the last events were a Clock and perhaps losses
	plain    xen.IOReq // what Sent is asked
	trial    trial     // of the step being judged: outcomes point to it
	outcome  outcome   // the latest of the trial
	spare    []*call   // that have returned and are in no past
	pasts    pasts     // of domains that have ended
}

// Run replays a trace. If events yields an error, Run stops there and returns
// that error with the report of everything before it. A header that implies no
// profile is ErrProfile unless opts names one.
func Run(h format.Header, events iter.Seq2[format.Event, error], opts Options) (Report, error) {
	return RunBatches(h, batches(events), opts)
}

// batches makes batches of one.
func batches(events iter.Seq2[format.Event, error]) iter.Seq2[[]format.Event, error] {
	return func(yield func([]format.Event, error) bool) {
		var one [1]format.Event
		for e, err := range events {
			one[0] = e
			if !yield(one[:], err) {
				return
			}
		}
	}
}

// RunBatches is Run for events that come many at once, which is faster. A batch
// is not used beyond its step.
func RunBatches(h format.Header, batches iter.Seq2[[]format.Event, error], opts Options) (Report, error) {
	s, err := begin(h, opts)
	if err != nil {
		return Report{}, err
	}
	err = s.takeAll(batches)
	s.broken(err)
	s.finish()
	return s.report, err
}

// ErrSelection is in the error about a trace that only has what somebody chose of
// another's events: what it lacks would be taken for what did not happen.
var ErrSelection = errors.New("a selection of a trace's events cannot be replayed")

// whole refuses what is a selection.
func whole(h format.Header) error {
	for _, s := range h.Provenance {
		if s.Op == format.OpCat {
			return fmt.Errorf("%w: it was made by %q", ErrSelection, s.Op+" "+strings.Join(s.Args, " "))
		}
	}
	return nil
}

// begin returns the session of a run before its first event.
func begin(h format.Header, opts Options) (*session, error) {
	if err := whole(h); err != nil {
		return nil, err
	}
	p, source, err := choose(h, opts)
	if err != nil {
		return nil, err
	}
	s := newSession(p, blindness(h), opts)
	s.report.Profile, s.report.ProfileSource = p.String(), source
	s.quiet, s.kept, s.recorded = opts.From != nil, keepsRings(h), h.Tier != "" && !h.Synthetic
	return s, nil
}

// takeAll takes events up to the end or to an error, which it returns.
func (s *session) takeAll(batches iter.Seq2[[]format.Event, error]) error {
	for batch, err := range batches {
		switch {
		case s.ended && err != nil:
			s.broken(err)
			return nil
		case err != nil:
			return err
		case s.opts.To != nil:
			if !s.takeUntil(batch) {
				return nil
			}
		default:
			s.takeBatch(batch)
		}
	}
	return nil
}

// takeUntil takes events one by one, those behind Options.To as what they are; false if no
// later one is wanted.
func (s *session) takeUntil(batch []format.Event) bool {
	for i := range batch {
		ev := &batch[i]
		if !s.ended && !ev.Kind.InKeyFrame() && s.opts.To(*ev) {
			s.end()
		}
		if s.ended && !s.overhear(ev) {
			return false
		}
		if !s.ended {
			s.take(ev)
		}
	}
	return true
}

// end is Options.To, perhaps behind a key-frame, which is what follows' then.
func (s *session) end() {
	s.ended = true
	if len(s.frame) > 0 {
		s.frame = s.frame[:0]
		s.settleSuspects()
	}
}

// takeBatch takes events of the trace, of key-frames or not.
func (s *session) takeBatch(batch []format.Event) {
	for len(batch) > 0 {
		n := 1
		switch ev := &batch[0]; {
		case ev.Kind.InKeyFrame():
			s.collect(ev)
		case s.quiet && s.opts.From != nil: // each may be the one with which counting begins
			if s.opts.From(*ev) {
				s.speak(ev.Seq)
			}
			s.follow(batch[:1])
		default:
			n = s.follow(batch)
		}
		batch = batch[n:]
	}
}

// follow takes events up to the next key-frame, and returns how many it took.
func (s *session) follow(events []format.Event) (n int) {
	s.endFrame()
	s.begun = true
	if s.blind != 0 {
		events = events[:1] // something that nobody recorded may have happened before the next
		s.doubt(events[0].Dom)
	}
loop:
	for ; n < len(events); n++ {
		ev := &events[n]
		if s.interval {
			s.passInterval(ev.Kind)
		}
		switch ev.Kind { // the most frequent kinds; step takes the others
		case format.KindEvtchnInterrupt, format.KindEvtchnRead, format.KindEvtchnUnmask:
		case format.KindIOReq:
			if s.sent(ev) {
				continue
			}
			s.changes++
			s.request(ev)
		case format.KindIOResp:
			if s.answered(ev) {
				continue
			}
			s.changes++
			s.answer(ev)
		case format.KindBufIOReq:
			if s.enqueued(ev) {
				continue
			}
			s.changes++
			s.buffered(ev)
		default:
			if ev.Kind.InKeyFrame() {
				break loop
			}
			s.changes++
			s.step(ev)
		}
		s.noted.add(ev.Dom, 1)
	}
	if s.quiet {
		s.noted = s.noted[:0]
	}
	last := &events[n-1]
	s.now, s.next = last.Time, last.Seq+1
	s.report.Events += uint64(n)
	return n
}

// passInterval ends the interval behind a Clock with what is no Lost event, nor a Mark,
// which may stand among those. How a key-frame ends it is settleAccounts' matter.
func (s *session) passInterval(next format.Kind) {
	if !inInterval(next) && !next.InKeyFrame() {
		s.interval = false
		s.confirm()
	}
}

// inInterval says whether a kind leaves the interval behind a Clock open.
func inInterval(k format.Kind) bool { return k == format.KindLost || k == format.KindMark }

// take takes one event.
func (s *session) take(ev *format.Event) {
	one := [1]format.Event{*ev}
	s.takeBatch(one[:])
}

func newSession(p engine.Profile, blind engine.Forget, opts Options) *session {
	return &session{
		opts: opts, profile: p, blind: blind, changes: 1, state: newState(), segment: segment{calm: true},
		pasts: newPasts(), others: noLives(), outcome: outcome{tried: true}, report: Report{Unknown: map[string]uint64{}, CostLowerBound: true},
	}
}

// step takes what is no request and no answer.
func (s *session) step(ev *format.Event) {
	switch ev.Kind {
	case format.KindClock:
		s.clock, s.clocked, s.interval = ev.Clock(), true, true
	case format.KindLost:
		s.lose(ev)
	case format.KindProcess:
		p := ev.Process()
		hold(s.processes, p.PID, p, maxProcesses)
	case format.KindProcessExit:
		s.processExit(ev.ProcessExit().PID)
	case format.KindDomainFound:
		s.domainFound(ev.DomainFound())
	case format.KindPortFound:
		p := ev.PortFound()
		hold(s.ports, p.Local, p, maxPorts)
		s.domainFound(format.DomainFound{Dom: p.Dom})
	case format.KindServerFound:
		s.serverFound(ev.ServerFound())
	case format.KindUnlearned:
		s.report.Unlearned++
	case format.KindDMOpEnter, format.KindHypercallEnter, format.KindMmapResourceEnter, format.KindIoctlEnter:
		s.enter(ev)
	case format.KindDMOpBuf:
		s.furtherBuf(ev)
	case format.KindDMOpReturn, format.KindHypercallReturn, format.KindIoctlReturn:
		s.leave(ev)
	case format.KindRingCount:
		if d := s.domains.at(ev.Dom); d != nil {
			s.closeRing(d, ev.Seq, ev.RingCount())
		}
	}
}

// broken takes note that the trace breaks off with err, unless that is nil: even behind a
// Clock, losses may be missing.
func (s *session) broken(err error) { s.interval = s.interval && err == nil }

// finish closes the report's accounts.
func (s *session) finish() {
	if s.quiet {
		s.speak(s.next)
	}
	s.endFrame()
	s.settleSuspects()
	s.chargeApplied()
	r := &s.report
	r.Unreturned += uint64(len(s.calls))
	for _, d := range s.lives {
		s.retire(d)
	}
	s.tellLives()
	if r.Undetermined != 0 || r.Lost != 0 {
		r.CostIncomplete = true
	}
}

// whyPlain stands for a rule that needs no name: an operation that succeeds.
const whyPlain = "nothing forbids it"

// give counts a verdict on ev and hands it out. d is nil where no domain's
// account is meant.
func (s *session) give(ev *format.Event, d *domain, o *outcome) {
	if o.kind != Agree || d == nil || s.opts.OnVerdict != nil {
		s.word(ev, d, o)
		return
	}
	s.agree(d)
}

// agree is give for what agrees and is only counted.
func (s *session) agree(d *domain) {
	s.report.Agree++
	d.rep.Agree++
}

// word is give where more than a count is wanted.
func (s *session) word(ev *format.Event, d *domain, o *outcome) {
	if o.kind == Differ && d != nil {
		d.disputes++
	}
	if s.quiet {
		return
	}
	if o.why == "" {
		o.why = whyPlain
	}
	if o.kind != Differ {
		s.count(d, o.kind, o.why)
		if s.opts.OnVerdict == nil {
			return
		}
	}
	want, got := s.trial.words(o)
	v := Verdict{
		Event: ev.Seq, TimeNS: ev.Time, EventKind: ev.Kind.String(),
		Want: want, Got: got, Why: o.why, Dom: ev.Dom, Kind: o.kind,
	}
	switch {
	case o.kind == Differ && s.clocked, len(s.suspects) > 0:
		s.suspects = append(s.suspects, suspect{v, d, s.trial.hangsOn(o)})
		return
	case o.kind == Differ:
		s.differ(d, v)
	}
	s.tell(v)
}

// charge adds what an operation cost.
func (s *session) charge(d *domain, c *engine.Cost) { d.rep.Cost.add(c) }

// inFlight returns the calls about a domain that have entered and not returned,
// in order of entry, without self.
func (s *session) inFlight(id xen.DomID, self *call) []*call {
	return slices.DeleteFunc(s.calls.byEntry(), func(c *call) bool {
		return c == self || c.dom != id || !c.judged() || c.stale || c.effect != nil
	})
}
