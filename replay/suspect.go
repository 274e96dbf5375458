package replay

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// whyLost replaces a difference's reason where a loss may explain it.
const whyLost = "events were lost at about that time"

// whyUntold replaces it where the trace ends before it can say so.
const whyUntold = "the trace does not go on to where it would say what was lost at that time"

// A recorder reads most of its loss counters when it reads the clocks. So from
// the first Clock event on, a Lost event stands for everything since the Clock
// before it: the hole may lie anywhere there. Differences found in such an
// interval are suspects until it ends without a loss that could explain them.

// suspect is a difference that is not counted yet, or, to keep the order of
// Options.OnVerdict, a verdict behind one.
type suspect struct {
	v  Verdict
	d  *domain
	on engine.Forget // the state that it hangs on
}

// hangsOn returns the state that a difference hangs on: if nothing of it was
// lost, no loss explains the difference.
func (t *trial) hangsOn(o *outcome) engine.Forget {
	switch {
	case !o.tried:
		return o.on
	case t.op.Kind == engine.OpAnswer:
		return engine.ForgetSlots
	case t.op.Kind == engine.OpAccess && t.op.Access.Type == xen.TypePIO && t.op.Access.Addr&^3 == xen.PortCFC:
		return engine.ForgetAll &^ engine.ForgetSlots
	}
	return engine.ForgetServers | engine.ForgetClaim | engine.ForgetPages
}

// explain takes back the suspects that a loss may explain: those of dom, or of
// everybody if that is no domain.
func (s *session) explain(dom xen.DomID, f engine.Forget) { s.unsay(dom, f, whyLost) }

// unsay makes suspects undetermined: those of dom, or of everybody if that is no
// domain, that hang on what f names.
func (s *session) unsay(dom xen.DomID, f engine.Forget, why string) {
	for i := range s.suspects {
		x := &s.suspects[i]
		if x.v.Kind == Differ && x.on&f != 0 && (!isDomain(dom) || x.v.Dom == dom) {
			x.v.Kind, x.v.Why = Undetermined, why
			s.count(x.d, Undetermined, why)
		}
	}
}

// confirm counts the suspects that no loss explains, and hands out what waits
// behind them.
func (s *session) confirm() {
	for _, x := range s.suspects {
		if x.v.Kind == Differ {
			s.differ(x.d, x.v)
		}
		s.tell(x.v)
	}
	s.suspects = s.suspects[:0]
}

// settleSuspects counts the suspects where a segment or the trace ends. A recorder ends
// its trace with a Clock, so where the end is behind none, it has not said yet what was lost.
func (s *session) settleSuspects() {
	if s.recorded && !s.interval {
		s.unsay(xen.DomInvalid, engine.ForgetAll, whyUntold)
	}
	s.confirm()
}

// overhear takes an event behind the end of what is replayed, of which only counts what
// it says about losses in front of that end; false if no later event can say more.
func (s *session) overhear(ev *format.Event) bool {
	switch {
	case len(s.suspects) == 0, s.interval && !inInterval(ev.Kind):
		return false
	case ev.Kind.InKeyFrame(): // in front of it everybody settles
		return false
	case ev.Kind == format.KindLost:
		l := ev.Lost()
		s.explain(l.Dom, hidden(l.Probe))
	case ev.Kind == format.KindClock:
		s.interval = true
	}
	return true
}

func (s *session) count(d *domain, k VerdictKind, why string) {
	s.report.add(k)
	if d != nil {
		d.rep.add(k)
	}
	if k == Undetermined {
		s.report.Unknown[why]++
	}
}

func (s *session) differ(d *domain, v Verdict) {
	s.count(d, Differ, "")
	if s.report.FirstDifference == nil {
		s.report.FirstDifference = &v
	}
}

func (s *session) tell(v Verdict) {
	if s.opts.OnVerdict != nil {
		s.opts.OnVerdict(v)
	}
}
