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
	words [4]uint64
}

// result is a return event of any of the three kinds.
type result struct {
	id  uint64
	rec recorded
}

func resultOf(ev format.Event) result {
	var r result
	switch ev.Kind {
	case format.KindDMOpReturn:
		v := ev.DMOpReturn()
		r.id, r.rec.ret, r.rec.OutKnown = v.ID, v.Ret, v.Known
		r.rec.Words, r.rec.vague = v.Words, v.Squashed && v.Ret < 0
	case format.KindHypercallReturn:
		v := ev.HypercallReturn()
		r.id, r.rec.ret, r.rec.OutKnown = v.ID, v.Ret, v.Known
		r.rec.words = v.Words
	case format.KindIoctlReturn:
		v := ev.IoctlReturn()
		r.id, r.rec.ret = v.ID, v.Ret
	}
	r.rec.Errno, _ = xen.ErrnoOf(r.rec.ret)
	r.rec.Server = xen.NoServer
	return r
}

// leave takes the return of a call.
func (s *session) leave(ev format.Event) {
	r := resultOf(ev)
	c := s.calls[r.id]
	if c == nil || c.returns != ev.Kind {
		s.orphan(ev)
		return
	}
	delete(s.calls, r.id)
	switch c.kind {
	case callModel:
		s.judgeCall(ev, c, r.rec)
		return
	case callOpaque:
		s.unseen(ev, c.dom, whyOpaque)
		return
	case callNoSys:
		s.judgeNoSys(ev, c, r.rec)
		return
	case callForget:
		s.blur(c, r.rec)
	case callRestrict:
		if r.rec.ret == 0 {
			s.jails[c.caller.PID] = c.dom
		}
	case callCreate:
		s.created(r.rec)
	case callDestroy:
		if d := s.domains[c.dom]; d != nil && r.rec.ret == 0 {
			d.gone, d.pending = true, nil
		}
	}
	if ev.Kind != format.KindIoctlReturn {
		s.report.Unjudged++
		return
	}
	s.bind(c, r.rec.ret)
}

// bind keeps account of dom0's event channels.
func (s *session) bind(c *call, ret int64) {
	e := c.event.IoctlEnter()
	switch {
	case ret < 0:
	case e.Cmd == xen.EvtchnUnbind:
		delete(s.ports, xen.Port(e.Arg))
	case e.Cmd == xen.EvtchnBindInterdomain && isDomain(e.Dom):
		s.ports[xen.Port(ret)] = format.PortFound{Dom: e.Dom, Local: xen.Port(ret), RemoteInDom: xen.Port(e.Arg)}
	}
}

// blur forgets what a call changed unseen. No such call makes a page of type
// ioreq_server, so before the first set_mem_type there is nothing to forget
// about pages: all that the model holds is that no page has that type.
func (s *session) blur(c *call, rec recorded) {
	s.changed = s.now
	if d := s.domains[c.dom]; d != nil && rec.ret >= 0 && (d.typed || c.forget != engine.ForgetPages) {
		d.forget(c.forget)
	}
}

// created begins the domain that createdomain made: its id is in the structure
// that Xen left (cmd, interface version, then the domain).
func (s *session) created(rec recorded) {
	id := xen.DomID(rec.words[1])
	if rec.ret == 0 && rec.OutKnown && uint32(rec.words[0]) == domctlCreate && isDomain(id) && id != xen.Dom0 {
		s.begin(id, true)
	}
}

// orphan takes a return without its entry. A dm_op may have changed anything;
// of the others nothing is known.
func (s *session) orphan(ev format.Event) {
	if ev.Kind == format.KindDMOpReturn {
		s.unseen(ev, ev.Dom, whyOrphan)
	}
}

// unseen takes the return of a call that may have changed anything about dom,
// or about any domain if that is none.
func (s *session) unseen(ev format.Event, dom xen.DomID, why string) {
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
	s.give(ev, d, outcome{kind: Undetermined, why: why})
}

func (s *session) judgeNoSys(ev format.Event, c *call, rec recorded) {
	o := outcome{kind: Agree, why: "hvm_op lost its device-model ops in 4.9", want: xen.ENoSys.String(), got: resultText(rec.ret)}
	if rec.ret != -int64(xen.ENoSys) {
		o.kind = Differ
	}
	s.give(ev, s.domains[c.dom], o)
}

// judgeCall compares a call of the model's subject with the model.
func (s *session) judgeCall(ev format.Event, c *call, rec recorded) {
	if jail, ok := s.jails[c.caller.PID]; !isDomain(c.dom) || ok && jail != c.dom && rec.ret == -int64(xen.EPerm) {
		s.report.Unjudged++ // no domain, or refused by the privcmd driver before Xen saw it
		return
	}
	if ev.Kind == format.KindHypercallReturn && c.op.Kind == engine.OpDM {
		rec.Words = c.legacyWords(rec.words)
	}
	d, o := s.target(c, rec)
	if o.kind != 0 {
		s.give(ev, d, o)
		return
	}
	if c.applied {
		o = s.settle(d, ev.Seq, c, rec)
	} else {
		o = s.apply(d, step{pos: ev.Seq, since: c.seq, old: c.old, op: c.op, rec: rec}, c)
	}
	if changes(c.op) {
		s.changed = ev.Time
	}
	d.typed = d.typed || c.op.Kind == engine.OpDM && c.op.DM.Op == xen.OpSetMemType
	s.charge(d, o.eff.Cost)
	d.called(c, rec)
	if o.kind == Undetermined && !modelled(c.op) {
		s.report.Unjudged++
		return
	}
	s.give(ev, d, o)
}

// legacyWords converts the structure that a legacy hvm_op left.
func (c *call) legacyWords(w [4]uint64) [3]uint64 {
	d, _ := hvmDMOp(c.hvm, w)
	return d.Words()
}

// target returns the domain whose model judges the call, or a verdict where
// none can: the domain is not there, or not the one that the call entered for.
func (s *session) target(c *call, rec recorded) (*domain, outcome) {
	d := s.domains[c.dom]
	noDomain := rec.ret == -int64(xen.ESrch)
	o := outcome{want: "", got: resultText(rec.ret)}
	switch {
	case d == nil && noDomain:
		o.kind, o.why = Undetermined, whyNoDomain
	case d == nil:
		return s.living(c.dom), outcome{}
	case c.life != nil && c.life != d:
		o.kind, o.why = Undetermined, whyReused
	case d.gone && rec.ret == 0 && c.op.Kind == engine.OpDM && c.op.DM.Op == xen.OpCreateIOReqServer:
		return s.begin(c.dom, !s.callsLost), outcome{}
	case d.gone && noDomain:
		o.kind, o.why, o.want = Agree, "the domain is gone", xen.ESrch.String()
	case d.gone:
		o.kind, o.why = Undetermined, whyDying
	}
	return d, o
}

// settle ends a call that the model executed before its return. If its result
// contradicts that, another call may have been the one that took effect.
func (s *session) settle(d *domain, pos uint64, c *call, rec recorded) outcome {
	o := outcome{op: &c.op, eff: c.effect, rec: rec}
	o.kind, o.why = judge(d.profile, &c.op, &c.effect, &rec)
	if o.kind == Differ {
		if eff, ok := d.replace(c, rec, pos, s.inFlight(d.id, c)); ok {
			o.eff = eff
			o.kind, o.why = judge(d.profile, &c.op, &eff, &rec)
			return o
		}
		if c.old { // the order in which it took effect cannot be undone any more
			o.kind, o.why = Undetermined, whyEarlier
			d.forget(engine.ForgetAll)
			return o
		}
	}
	if m := d.past.returned(c, rec, o.kind); m != nil {
		d.model = m
	}
	return d.excuse(o)
}

// apply steps d's model with an operation and judges the outcome, in another
// order of the overlapping events if this one contradicts the recording. self
// is its call, if it is one.
func (s *session) apply(d *domain, what step, self *call) outcome {
	s.current = what
	st := &s.current
	o := outcome{op: &st.op, rec: st.rec}
	var err error
	if o.eff, err = d.model.Step(st.op); err != nil {
		o.kind, o.why = Undetermined, err.Error()
		return o
	}
	o.kind, o.why = judge(d.profile, &st.op, &o.eff, &st.rec)
	if o.kind == Differ && st.op.Kind != engine.OpAnswer {
		if eff, ok := d.reorder(*st, s.inFlight(d.id, self)); ok {
			o.eff = eff
			o.kind, o.why = judge(d.profile, &st.op, &o.eff, &st.rec)
			return o
		}
	}
	if o.kind == Differ && st.old && !s.calm {
		o.kind, o.why = Undetermined, whyEarlier
	}
	st.kind = o.kind
	if st.learn = d.believes(st, o.why); st.learn {
		o.eff.Cost.Add(d.model.Learn(st.op, st.rec.Seen))
	}
	d.past.add(*st)
	return d.excuse(o)
}

// excuse takes a difference back where Xen may do anything.
func (d *domain) excuse(o outcome) outcome {
	if o.kind == Differ && d.dying {
		o.kind, o.why = Undetermined, whyDying
	}
	return o
}
