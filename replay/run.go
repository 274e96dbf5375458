package replay

import (
	"iter"
	"slices"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// Options tune a run. The zero value replays under the profile that the
// trace's header names.
type Options struct {
	// Profile replaces the one that the header implies, unless it is zero.
	Profile engine.Profile
	// OnVerdict is called for every verdict, in the order of the trace.
	OnVerdict func(Verdict)
}

// session is one run over a trace: dom0's side as far as the trace tells it,
// and one model a domain.
type session struct {
	opts    Options
	profile engine.Profile
	report  Report

	domains   map[xen.DomID]*domain // the latest life of each domid
	lives     []*domain             // all of them, in order of appearance
	events    map[xen.DomID]uint64  // since the domid's latest life began
	calls     map[uint64]*call      // entered, not returned
	jails     map[uint32]xen.DomID  // processes that restricted a privcmd descriptor to one domain
	suspects  []suspect             // differences that a loss may still explain
	clocked   bool                  // a Clock event was seen
	interval  bool                  // the last events were a Clock and perhaps losses
	current   step                  // being judged: outcomes point to it
	callsLost bool                  // calls are missing: a new domid may have a past that was not seen
}

// Run replays a trace. If events yields an error, Run stops there and returns
// that error with the report of everything before it. A header that implies no
// profile is an error unless opts names one.
func Run(h format.Header, events iter.Seq2[format.Event, error], opts Options) (Report, error) {
	p, source, err := choose(h, opts)
	if err != nil {
		return Report{}, err
	}
	s := &session{
		opts: opts, profile: p,
		report: Report{
			Profile: p.String(), ProfileSource: source,
			Unknown: map[string]uint64{}, CostLowerBound: true,
		},
		domains: map[xen.DomID]*domain{}, events: map[xen.DomID]uint64{},
		calls: map[uint64]*call{}, jails: map[uint32]xen.DomID{},
	}
	for ev, e := range events {
		if e != nil {
			err = e
			break
		}
		s.step(ev)
		if isDomain(ev.Dom) {
			s.events[ev.Dom]++ // of the life that it left behind
		}
	}
	s.finish()
	return s.report, err
}

// step takes one event.
func (s *session) step(ev format.Event) {
	s.report.Events++
	if s.interval && ev.Kind != format.KindLost {
		s.interval = false
		s.confirm()
	}
	switch ev.Kind {
	case format.KindClock:
		s.clocked, s.interval = true, true
	case format.KindLost:
		s.lose(ev)
	case format.KindProcessExit:
		s.processExit(ev.ProcessExit().PID)
	case format.KindDomainFound:
		s.domainFound(ev.DomainFound())
	case format.KindPortFound:
		s.domainFound(format.DomainFound{Dom: ev.PortFound().Dom})
	case format.KindServerFound:
		s.serverFound(ev.ServerFound())
	case format.KindUnlearned:
		s.report.Unlearned++
	case format.KindDMOpEnter, format.KindHypercallEnter, format.KindMmapResourceEnter, format.KindIoctlEnter:
		s.enter(ev)
	case format.KindDMOpReturn, format.KindHypercallReturn, format.KindIoctlReturn:
		s.leave(ev)
	case format.KindIOReq:
		s.request(ev)
	case format.KindIOResp:
		s.answer(ev)
	case format.KindBufIOReq:
		s.buffered(ev)
	}
}

// finish closes the report's accounts.
func (s *session) finish() {
	s.confirm()
	r := &s.report
	r.Unreturned += uint64(len(s.calls))
	for _, d := range s.lives {
		if s.domains[d.id] == d {
			d.rep.Events = s.events[d.id]
		}
		r.Unanswered += uint64(len(d.pending))
		if !d.rep.Complete {
			r.CostIncomplete = true
		}
		if d.rep.Events != 0 {
			r.Domains = append(r.Domains, d.rep)
		}
	}
	if r.Domains == nil {
		r.Domains = []DomainReport{}
	}
	if r.Undetermined != 0 || r.Lost != 0 {
		r.CostIncomplete = true
	}
}

// whyPlain stands for a rule that needs no name: an operation that succeeds.
const whyPlain = "nothing forbids it"

// give counts a verdict on ev and hands it out. d is nil where no domain's
// account is meant.
func (s *session) give(ev format.Event, d *domain, o outcome) {
	if o.why == "" {
		o.why = whyPlain
	}
	if o.kind != Differ {
		s.count(d, o.kind, o.why)
		if s.opts.OnVerdict == nil {
			return
		}
	} else if d != nil {
		d.disputes++
	}
	want, got := o.strings()
	v := Verdict{
		Event: ev.Seq, TimeNS: ev.Time, EventKind: ev.Kind.String(),
		Want: want, Got: got, Why: o.why, Dom: ev.Dom, Kind: o.kind,
	}
	switch {
	case o.kind == Differ && s.clocked, len(s.suspects) > 0:
		s.suspects = append(s.suspects, suspect{v, d, o.hangsOn()})
		return
	case o.kind == Differ:
		s.differ(d, v)
	}
	s.tell(v)
}

// charge adds what an operation cost.
func (s *session) charge(d *domain, c engine.Cost) {
	s.report.Cost.add(c)
	d.rep.Cost.add(c)
}

// inFlight returns the calls about a domain that have entered and not returned,
// in order of entry, without self.
func (s *session) inFlight(id xen.DomID, self *call) []*call {
	var out []*call
	for _, c := range s.calls {
		if c != self && c.dom == id && c.judged() && !c.stale && !c.applied {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *call) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	return out
}
