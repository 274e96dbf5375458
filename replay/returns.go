package replay

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// What Undetermined verdicts on calls say is missing.
const (
	whyOpaque   = "the call's arguments were not captured"
	whyOrphan   = "the call's entry was not captured"
	whyNoDomain = "no such domain was seen; it may not exist"
	whyReused   = "the domid passed to another domain during the call"
	whyDying    = "the domain is being destroyed"
	whyEarlier  = "it may have taken effect before the key-frame"
	whyApplied  = "it took effect before the key-frame"
)

// recorded is what the trace says of an operation's outcome.
type recorded struct {
	engine.Seen
	ret   int64 // of a call, as the caller got it
	vague bool  // ret tells an error only as such, see format.DMOpReturn
}

// of makes r what a return event of any of the three kinds says.
func (r *recorded) of(ev *format.Event) {
	switch ev.Kind {
	case format.KindDMOpReturn:
		v := ev.DMOpReturn()
		r.ret, r.OutKnown = v.Ret, v.Known
		r.Words, r.vague = v.Words, v.Squashed && v.Ret < 0
	case format.KindHypercallReturn:
		v := ev.HypercallReturn()
		r.ret, r.OutKnown = v.Ret, v.Known
	case format.KindIoctlReturn:
		r.ret = ev.IoctlReturn().Ret
	}
	r.Errno, _ = xen.ErrnoOf(r.ret)
	r.Server = xen.NoServer
}

// leave takes the return of a call.
func (s *session) leave(ev *format.Event) {
	id := ev.ID()
	c := s.calls.at(id)
	if c == nil || c.returns != ev.Kind {
		s.orphan(ev)
		return
	}
	s.calls.drop(id)
	c.left = true
	c.rec.of(ev)
	s.returned(ev, c)
	if !c.past {
		s.spare = append(s.spare, c)
	}
}

// returned takes a call that has left, with what was recorded of it.
func (s *session) returned(ev *format.Event, c *call) {
	ret := c.rec.ret
	switch c.kind {
	case callModel:
		s.judgeCall(ev, c)
		return
	case callOpaque:
		s.unseen(ev, c.dom, whyOpaque)
		return
	case callNoSys:
		s.judgeNoSys(ev, c)
		return
	case callForget:
		s.blur(ev.Time, c)
	case callRestrict:
		if ret == 0 {
			hold(s.jails, c.caller.PID, c.dom, maxProcesses)
		}
	case callCreate:
		s.created(&c.rec, ev.HypercallReturn().Words)
	case callDestroy:
		if d := s.domains.at(c.dom); d != nil && ret == 0 {
			d.gone, d.pending = true, nil
		}
	}
	if ev.Kind != format.KindIoctlReturn {
		s.report.Unjudged++
		return
	}
	s.bind(c, ret)
}

// bind keeps account of dom0's event channels.
func (s *session) bind(c *call, ret int64) {
	e := c.event.IoctlEnter()
	switch {
	case ret < 0:
	case e.Cmd == xen.EvtchnUnbind:
		delete(s.ports, xen.Port(e.Arg))
	case e.Cmd == xen.EvtchnBindInterdomain && isDomain(e.Dom):
		p := format.PortFound{Dom: e.Dom, Local: xen.Port(ret), RemoteInDom: xen.Port(e.Arg)}
		hold(s.ports, p.Local, p, maxPorts)
	}
}

// blur forgets what a call changed unseen. No such call makes a page of type
// ioreq_server, so before the first set_mem_type there is nothing to forget
// about pages: all that the model holds is that no page has that type.
func (s *session) blur(now uint64, c *call) {
	s.changed = now
	if d := s.domains.at(c.dom); d != nil && c.rec.ret >= 0 && (d.typed || c.forget != engine.ForgetPages) {
		d.forget(c.forget)
	}
}

// created begins the domain that createdomain made: its id is in the structure
// that Xen left (cmd, interface version, then the domain).
func (s *session) created(rec *recorded, words [4]uint64) {
	id := xen.DomID(words[1])
	if rec.ret == 0 && rec.OutKnown && uint64(uint32(words[0])) == xen.DomctlCreate && isDomain(id) && id != xen.Dom0 {
		s.begin(id, true)
	}
}

// orphan takes a return without its entry. A dm_op may have changed anything;
// of the others nothing is known.
func (s *session) orphan(ev *format.Event) {
	if ev.Kind == format.KindDMOpReturn {
		s.unseen(ev, ev.Dom, whyOrphan)
	}
}

// unseen takes the return of a call that may have changed anything about dom,
// or about any domain if that is none.
func (s *session) unseen(ev *format.Event, dom xen.DomID, why string) {
	var d *domain
	if isDomain(dom) {
		d = s.living(dom)
	}
	for _, x := range s.lives {
		if x == d || d == nil {
			x.forget(engine.ForgetAll)
		}
	}
	s.changed = ev.Time
	s.give(ev, d, &outcome{kind: Undetermined, why: why})
}

func (s *session) judgeNoSys(ev *format.Event, c *call) {
	o := outcome{kind: Agree, why: "hvm_op lost its device-model ops in 4.9", want: xen.ENoSys.String(), got: resultText(c.rec.ret)}
	if c.rec.ret != -int64(xen.ENoSys) {
		o.kind = Differ
	}
	s.give(ev, s.domains.at(c.dom), &o)
}

// judgeCall compares a call of the model's subject with the model.
func (s *session) judgeCall(ev *format.Event, c *call) {
	if jail, ok := s.jails[c.caller.PID]; !isDomain(c.dom) || ok && jail != c.dom && c.rec.ret == -int64(xen.EPerm) {
		s.report.Unjudged++ // no domain, or refused by the privcmd driver before Xen saw it
		return
	}
	if ev.Kind == format.KindHypercallReturn && c.asks == engine.OpHVM {
		c.rec.Words = c.legacyWords(ev.HypercallReturn().Words)
	}
	d, o := s.target(c)
	if o.kind != 0 {
		s.give(ev, d, &o)
		return
	}
	s.settle(d, ev.Seq, c)
	if c.changes() {
		s.changed = ev.Time
	}
	d.typed = d.typed || c.does(xen.OpSetMemType)
	d.called(c)
	if id, takes := c.takes(); takes && c.rec.ret == 0 {
		d.took[id] = ev.Seq
	}
	if s.outcome.kind == Undetermined && !c.modelled() {
		s.report.Unjudged++
		return
	}
	s.give(ev, d, &s.outcome)
}

// legacyWords converts the structure that a legacy hvm_op left.
func (c *call) legacyWords(w [4]uint64) [3]uint64 {
	d, _ := hvmDMOp(c.hvm, w)
	return d.Words()
}

// target returns the domain whose model judges the call, or a verdict where
// none can: the domain is not there, or not the one that the call entered for.
func (s *session) target(c *call) (*domain, outcome) {
	d := s.domains.at(c.dom)
	if d != nil && !d.gone && (c.life == nil || c.life == d) {
		return d, outcome{}
	}
	noDomain := c.rec.ret == -int64(xen.ESrch)
	o := outcome{got: resultText(c.rec.ret)}
	switch {
	case d == nil && noDomain:
		o.kind, o.why = Undetermined, whyNoDomain
	case d == nil:
		return s.living(c.dom), outcome{}
	case c.life != nil && c.life != d:
		o.kind, o.why = Undetermined, whyReused
	case c.rec.ret == 0 && c.does(xen.OpCreateIOReqServer):
		return s.begin(c.dom, !s.callsLost), outcome{}
	case noDomain:
		o.kind, o.why, o.want = Agree, "the domain is gone", xen.ESrch.String()
	default:
		o.kind, o.why = Undetermined, whyDying
	}
	return d, o
}

// settle makes the outcome of a call the session's.
func (s *session) settle(d *domain, pos uint64, c *call) {
	s.trial.of(c)
	if c.effect == nil {
		st := s.place(d)
		*st = step{call: c, pos: pos, since: c.seq, old: c.old}
		c.past, d.past.calls = true, append(d.past.calls, c)
		s.apply(d, st)
		return
	}
	s.trial.eff = *c.effect
	s.settleEarly(d, pos, c)
	s.charge(d, &s.trial.eff.Cost)
}

// settleEarly ends a call that the model executed before its return. If its
// result contradicts that, another call may have been the one that took effect.
func (s *session) settleEarly(d *domain, pos uint64, c *call) {
	t, o := &s.trial, &s.outcome
	o.kind, o.why = judge(d.profile, t)
	if o.kind == Differ {
		if d.replace(c, pos, s.inFlight(d.id, c), &t.eff) {
			o.kind, o.why = judge(d.profile, t)
			return
		}
		if c.old { // the order in which it took effect cannot be undone any more
			o.kind, o.why = Undetermined, whyEarlier
			d.forget(engine.ForgetAll)
			return
		}
	}
	if m := d.past.returned(c, o.kind); m != nil {
		d.model = m
	}
	d.excuse(o)
}

// apply steps d's model with the session's trial, whose place is st, the last of
// d's past, and judges the outcome: in another order of the overlapping events if
// this one contradicts the recording. The outcome is valid until the next one.
func (s *session) apply(d *domain, st *step) *outcome {
	t := &s.trial
	if err := d.model.StepInto(&t.op, &t.eff); err != nil {
		d.past.pop()
		s.outcome.kind, s.outcome.why = Undetermined, err.Error()
		return &s.outcome
	}
	kind, why := judge(d.profile, t)
	o := s.conclude(d, st, kind, why)
	t.eff.AddCost(&t.op, d.cost())
	return o
}

// access is apply for an access, without detours, and reply for an answer: most
// steps are one of them. No model here has a layout, so the route tells all costs.
func (s *session) access(d *domain, st *step) *outcome {
	t := &s.trial
	d.model.Access(&t.op.Access, &t.eff)
	kind, why := judgeRoute(&t.op, &t.eff.Route, t.rec)
	o := s.conclude(d, st, kind, why)
	t.eff.Route.AddCost(&t.op.Access, d.cost())
	return o
}

func (s *session) reply(d *domain, st *step) *outcome {
	t := &s.trial
	d.model.Answer(&t.op.Answer, &t.eff)
	kind, why := judgeSlot(&t.eff.Slot)
	o := s.conclude(d, st, kind, why)
	t.eff.AddCost(&t.op, d.cost())
	return o
}

// conclude ends the session's trial with a verdict, or with another that a second
// look finds.
func (s *session) conclude(d *domain, st *step, kind VerdictKind, why string) *outcome {
	o := &s.outcome
	o.kind, o.why, st.kind = kind, why, kind
	if kind != Agree {
		s.reconsider(d, st, o)
	}
	return o
}

// reconsider looks for an order in which st, the last step, which does not agree,
// does. If there is one, it is d's past then. If not, the model learns from what it
// believes of the recording.
func (s *session) reconsider(d *domain, st *step, o *outcome) {
	t := &s.trial
	if o.kind == Differ && t.op.Kind != engine.OpAnswer && s.reordered(d, o) {
		return
	}
	if o.kind == Differ && st.old && !s.calm {
		o.kind, o.why = Undetermined, whyEarlier
	}
	st.kind = o.kind
	if st.learn = d.believes(st, t, o.why); st.learn {
		st.stale = st.call == nil && st.event == format.KindIOReq && st.kind == Undetermined && st.since < d.took[st.server]
		t.rec.Stale = st.stale
		learned := d.model.Learn(t.op, t.rec.Seen)
		s.charge(d, &learned)
	}
	d.excuse(o)
}

// reordered makes a past of d in which its last step agrees, if there is one.
func (s *session) reordered(d *domain, o *outcome) bool {
	st := d.past.pop()
	if !d.reorder(st, s.inFlight(d.id, st.call), &s.trial.eff) {
		*d.past.next() = st
		return false
	}
	o.kind, o.why = judge(d.profile, &s.trial)
	return true
}

// excuse takes a difference back where Xen may do anything.
func (d *domain) excuse(o *outcome) {
	if o.kind == Differ && d.dying {
		o.kind, o.why = Undetermined, whyDying
	}
}
