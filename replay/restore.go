package replay

import (
	"errors"
	"fmt"
	"slices"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// errFrame reports a key-frame that no session can have written.
var errFrame = errors.New("impossible key-frame")

func badFrame(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errFrame, fmt.Sprintf(format, args...))
}

// A rebuild turns a key-frame back into a state.
type rebuild struct {
	s      *session // for its profile; nothing of it is changed
	out    state
	models map[xen.DomID]*engine.State
	lives  map[*call]format.Life
}

// restore returns the state that an intact key-frame holds. Kinds that it does not know
// it leaves alone.
func (s *session) restore(events []format.Event) (state, error) {
	head := events[0].KeyFrame()
	b := rebuild{s: s, out: newState(), models: map[xen.DomID]*engine.State{}, lives: map[*call]format.Life{}}
	b.out.lost, b.out.callsLost = head.Lost, head.CallsLost
	for _, e := range events[1:] {
		var err error
		if o, ok := e.Opened(); ok {
			err = b.open(o)
		} else if e.Kind <= format.KindStateApplied {
			err = b.session(e)
		}
		if err != nil {
			return state{}, fmt.Errorf("%w in %q", err, format.AppendText(nil, e))
		}
	}
	return b.out, b.finish()
}

// session takes an event about the session as a whole, or about a call.
func (b *rebuild) session(e format.Event) error {
	switch e.Kind {
	case format.KindKeyFrame:
		return badFrame("it begins twice")
	case format.KindStateClock:
		b.out.clock, b.out.clocked = e.StateClock(), true
	case format.KindStateProcess:
		p := e.StateProcess()
		hold(b.out.processes, p.PID, p, maxProcesses)
	case format.KindStatePort:
		p := e.StatePort()
		hold(b.out.ports, p.Local, p, maxPorts)
	case format.KindStateJail:
		j := e.StateJail()
		hold(b.out.jails, j.PID, j.Dom, maxProcesses)
	case format.KindStateDomain:
		return b.domain(e.StateDomain())
	case format.KindStateCall, format.KindStateApplied:
		return b.call(e)
	case format.KindStateDoomed, format.KindStateRing, format.KindStateRequest:
		return b.ofDomain(e)
	default:
		return b.ofModel(e)
	}
	return nil
}

// domain begins a domain. Its model has no servers until they are listed.
func (b *rebuild) domain(v format.StateDomain) error {
	if !isDomain(v.Dom) || b.out.domains.at(v.Dom) != nil {
		return badFrame("a domain that cannot be there")
	}
	d := newDomain(v.Dom, &b.s.profile, nil)
	d.typed, d.dying, d.gone, d.restored, d.rep.Complete = v.Typed, v.Dying, v.Gone, true, v.Complete
	b.out.add(d)
	st := &engine.State{
		Claim: engine.ClaimState{Held: engine.No, Holder: xen.NoServer},
		Rest:  engine.P2MTypes(v.Rest), Marks: v.Marks, LogDirty: v.LogDirty,
		Mapped: engine.MappedState{Known: v.MappedKnown, GFN: v.Mapped},
	}
	if v.Shadow {
		st.HAP = engine.No
	}
	for i := range st.Servers {
		st.Servers[i] = engine.ServerState{Exists: engine.No, Enabled: engine.No, Closed: true}
	}
	b.models[v.Dom] = st
	return nil
}

// ofDomain takes what replay itself knows of a domain.
func (b *rebuild) ofDomain(e format.Event) error {
	d := b.out.domains.at(e.Dom)
	if d == nil {
		return badFrame("a domain that it does not list")
	}
	switch e.Kind {
	case format.KindStateDoomed:
		d.doomed[e.Server] = true
	case format.KindStateRing:
		r := e.StateRing()
		if a := d.rings.of(r.Server); a != nil {
			*a = ringAccount{open: true, captured: r.Captured, lost: r.Lost}
		}
	case format.KindStateRequest:
		v := e.StateRequest()
		i := slices.IndexFunc(d.pending, func(p pending) bool { return p.id == v.ID })
		if i < 0 {
			return badFrame("a request that is not open")
		}
		d.pending[i].disputed, d.pending[i].unsure = v.Disputed, v.Unsure
	}
	return nil
}

// ofModel takes what the model of a domain knows.
func (b *rebuild) ofModel(e format.Event) error {
	st := b.models[e.Dom]
	if st == nil {
		return badFrame("a domain that it does not list")
	}
	switch e.Kind {
	case format.KindStateClaim:
		v := e.StateClaim()
		st.Claim = engine.ClaimState{Held: engine.Tri(v.Held), Holder: v.Server}
	case format.KindStateLatch:
		v := e.StateLatch()
		st.Latch = engine.LatchState{Known: v.Known, Value: v.Value, Extended: engine.Tri(v.Extended)}
	case format.KindStateServer, format.KindStateServerInfo, format.KindStateRange:
		return ofServer(st, e)
	case format.KindStatePages:
		v := e.StatePages()
		st.Pages = append(st.Pages, engine.PageRun{First: v.First, Last: v.Last, Types: engine.P2MTypes(v.Types)})
	case format.KindStateTable:
		v := e.StateRun()
		st.Tables = append(st.Tables, engine.Span{First: v.First, Last: v.Last})
	case format.KindStateTracked:
		v := e.StateRun()
		st.Tracked = append(st.Tracked, engine.Span{First: v.First, Last: v.Last})
	case format.KindStateAlly:
		st.Allies = append(st.Allies, e.StateAlly().Ally)
	case format.KindStateSlot:
		v := e.StateSlot()
		st.Slots = append(st.Slots, engine.SlotState{Server: v.Server, VCPU: v.VCPU, InProcess: v.State == xen.StateInProcess})
	}
	return nil
}

func ofServer(st *engine.State, e format.Event) error {
	if int(e.Server) >= len(st.Servers) {
		return badFrame("a server that no domain can have")
	}
	s := &st.Servers[e.Server]
	if e.Kind != format.KindStateServer && s.Exists == engine.No {
		return badFrame("a server that it does not list")
	}
	switch e.Kind {
	case format.KindStateServer:
		v := e.StateServer()
		*s = engine.ServerState{
			Exists: engine.Tri(v.Exists), Enabled: engine.Tri(v.Enabled), Ring: engine.Tri(v.Ring), EPort: engine.Tri(v.EPort),
			Pages: engine.PagesFrom(v.Pages), Closed: v.Closed, Owned: v.Owned, Owner: v.Owner,
		}
	case format.KindStateServerInfo:
		v := e.StateServerInfo()
		s.Info, s.InfoMask = v.Words, v.Mask
	case format.KindStateRange:
		r := e.StateRange().Range
		if r.Space >= engine.NumSpaces {
			return badFrame("no such address space")
		}
		s.Ranges[r.Space] = append(s.Ranges[r.Space], engine.Span{First: r.First, Last: r.Last})
	}
	return nil
}

// open takes an event that is still open.
func (b *rebuild) open(e format.Event) error {
	switch e.Kind {
	case format.KindIOReq:
		q := e.IOReq()
		d := b.out.domains.at(q.Dom)
		if d == nil || len(d.pending) >= maxOpen {
			return badFrame("a request of a domain that it does not list")
		}
		d.pending = append(d.pending, pending{
			id: q.ID, at: slotKey{q.Server, q.VCPU}, broadcast: isBroadcast(q.Req.Type), event: e,
		})
	case format.KindDMOpBuf:
		c := b.out.calls.at(e.DMOpBuf().ID)
		if c == nil {
			return badFrame("a buffer of a call that is not open")
		}
		c.bufs = append(c.bufs, e)
	case format.KindDMOpEnter, format.KindHypercallEnter, format.KindMmapResourceEnter, format.KindIoctlEnter:
		c := &call{}
		b.s.decode(c, &e)
		if b.out.calls.at(c.id) != nil || len(b.out.calls) >= maxOpen {
			return badFrame("a call that is open twice")
		}
		c.old = true
		b.out.calls.put(c)
	}
	return nil
}

// call takes more about an open call.
func (b *rebuild) call(e format.Event) error {
	if e.Kind == format.KindStateCall {
		v := e.StateCall()
		c := b.out.calls.at(v.ID)
		if c == nil {
			return badFrame("a call that is not open")
		}
		c.stale, b.lives[c] = v.Stale, v.Life
		return nil
	}
	v := e.StateApplied()
	c := b.out.calls.at(v.ID)
	if c == nil || !c.judged() {
		return badFrame("a call that is not open, or cannot take effect")
	}
	c.effect = &engine.Effect{
		Ret: engine.Ret{Known: true, Errno: v.Errno, Why: whyApplied},
		Out: engine.Out{Mask: v.Mask, Words: v.Words},
	}
	return nil
}

// former stands for every life that has ended.
var former = &domain{}

// finish makes the models, and ties calls to the lives that they were made for.
func (b *rebuild) finish() error {
	for _, d := range b.out.lives {
		cfg := engine.Config{Dom: d.id, Profile: b.s.profile}
		if d.gone { // of its model nothing is kept
			d.adopt(engine.New(cfg))
			continue
		}
		m, err := engine.Restore(cfg, *b.models[d.id])
		if err != nil {
			return fmt.Errorf("%w: dom%d: %w", errFrame, d.id, err)
		}
		d.adopt(m)
	}
	for _, c := range b.out.calls {
		switch b.lives[c.call] {
		case format.LifeFormer:
			c.life = former
		case format.LifePresent:
			c.life = b.out.domains.at(c.dom)
		}
	}
	return nil
}
