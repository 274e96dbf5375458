package replay

import (
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A frame is a key-frame that is being written.
type frame struct {
	seq, time uint64
	events    []format.Event
}

// put adds an event of the state.
func (f *frame) put(e format.Event) {
	e.Seq = f.seq
	f.events = append(f.events, e)
}

// open adds a copy of an event that still matters.
func (f *frame) open(e format.Event) { f.events = append(f.events, format.OpenEvent(e)) }

// keyFrame returns the state as a key-frame that stands at a time in front of
// event seq. Equal states give equal key-frames.
func (s *state) keyFrame(seq, time uint64, calm bool) []format.Event {
	f := &frame{seq: seq, time: time}
	f.put(format.KeyFrame{Lost: s.lost, Calm: calm, CallsLost: s.callsLost}.Event(time))
	if s.clocked {
		f.put(s.clock.State(time))
	}
	for _, pid := range slices.Sorted(maps.Keys(s.processes)) {
		f.put(s.processes[pid].State(time))
	}
	for _, port := range slices.Sorted(maps.Keys(s.ports)) {
		f.put(s.ports[port].State(time))
	}
	for _, pid := range slices.Sorted(maps.Keys(s.jails)) {
		f.put(format.StateJail{PID: pid, Dom: s.jails[pid]}.Event(time))
	}
	for _, d := range s.kept() {
		f.domain(d)
	}
	for _, c := range s.calls.byEntry() {
		f.call(c, s.domains.at(c.dom))
	}
	f.events[0].W[0] = uint64(len(f.events))
	return f.events
}

// kept returns the domains that a key-frame lists: of those that have ended
// only the last ones. An ended domain can still meet a late call.
func (s *state) kept() []*domain {
	gone := 0
	for _, d := range s.lives {
		if d.gone {
			gone++
		}
	}
	var out []*domain
	for _, d := range s.lives {
		if d.gone {
			if gone--; gone >= maxGone {
				continue
			}
		}
		out = append(out, d)
	}
	return out
}

// domain writes one domain. Of the model of one that has ended nothing is kept.
func (f *frame) domain(d *domain) {
	st := d.model.Snapshot()
	v := format.StateDomain{Dom: d.id, Complete: d.rep.Complete, Typed: d.typed, Dying: d.dying, Gone: d.gone}
	if !d.gone {
		v.LogDirty, v.Rest, v.Marks, v.Shadow = st.LogDirty, format.PageTypes(st.Rest), st.Marks, st.HAP == engine.No
		v.MappedKnown, v.Mapped = st.Mapped.Known, st.Mapped.GFN
	}
	f.put(v.Event(f.time))
	if !d.gone {
		f.model(d.id, &st)
	}
	for _, id := range slices.Sorted(maps.Keys(d.doomed)) {
		if d.doomed[id] {
			f.put(format.StateDoomed{Dom: d.id, Server: id}.Event(f.time))
		}
	}
	for i, r := range d.rings {
		if r.open {
			f.put(format.RingCount{Dom: d.id, Server: d.rings.server(i), Captured: r.captured, Lost: r.lost}.State(f.time))
		}
	}
	for _, p := range d.pending {
		f.open(p.event)
		if p.disputed || p.unsure {
			f.put(format.StateRequest{Dom: d.id, ID: p.id, Disputed: p.disputed, Unsure: p.unsure}.Event(f.time))
		}
	}
}

// model writes what the model of a domain knows. What is not written is as in a
// domain without ioreq servers: no server, no claim, a latch of which nothing
// is known.
func (f *frame) model(id xen.DomID, st *engine.State) {
	if st.Claim != (engine.ClaimState{Held: engine.No, Holder: xen.NoServer}) {
		f.put(format.StateClaim{Dom: id, Server: st.Claim.Holder, Held: format.Tri(st.Claim.Held)}.Event(f.time))
	}
	if l := st.Latch; l != (engine.LatchState{}) {
		f.put(format.StateLatch{Dom: id, Known: l.Known, Value: l.Value, Extended: format.Tri(l.Extended)}.Event(f.time))
	}
	for i := range st.Servers {
		if st.Servers[i].Exists != engine.No {
			f.server(id, xen.ServerID(i), &st.Servers[i])
		}
	}
	for _, r := range st.Pages {
		f.put(format.StatePages{Dom: id, First: r.First, Last: r.Last, Types: format.PageTypes(r.Types)}.Event(f.time))
	}
	for _, r := range st.Tables {
		f.put(format.StateRun{Dom: id, First: r.First, Last: r.Last}.Event(format.KindStateTable, f.time))
	}
	for _, r := range st.Tracked {
		f.put(format.StateRun{Dom: id, First: r.First, Last: r.Last}.Event(format.KindStateTracked, f.time))
	}
	for _, a := range st.Allies {
		f.put(format.StateAlly{Dom: id, Ally: a}.Event(f.time))
	}
	for _, s := range st.Slots {
		is := xen.StateReady
		if s.InProcess {
			is = xen.StateInProcess
		}
		f.put(format.StateSlot{Dom: id, Server: s.Server, VCPU: s.VCPU, State: is}.Event(f.time))
	}
}

func (f *frame) server(dom xen.DomID, id xen.ServerID, s *engine.ServerState) {
	f.put(format.StateServer{
		Dom: dom, Server: id, Exists: format.Tri(s.Exists), Enabled: format.Tri(s.Enabled), Ring: format.Tri(s.Ring),
		EPort: format.Tri(s.EPort), Pages: format.PagesFrom(s.Pages), Closed: s.Closed, Owned: s.Owned, Owner: s.Owner,
	}.Event(f.time))
	if s.InfoMask != ([3]uint64{}) || s.Info != ([3]uint64{}) {
		f.put(format.StateServerInfo{Dom: dom, Server: id, Words: s.Info, Mask: s.InfoMask}.Event(f.time))
	}
	for space, spans := range s.Ranges {
		for _, r := range spans {
			is := xen.Range{Space: xen.Space(space), First: r.First, Last: r.Last}
			f.put(format.StateRange{Dom: dom, Server: id, Range: is}.Event(f.time))
		}
	}
}

// call writes a call in flight. now is the present life of its domid, nil if
// there is none. One that was tried early without a known result has changed
// nothing and is written as one that has not taken effect.
func (f *frame) call(c *call, now *domain) {
	f.open(c.event)
	for _, b := range c.bufs {
		f.open(b)
	}
	life := format.LifePresent
	switch {
	case c.life == now:
	case c.life == nil:
		life = format.LifeNone
	default:
		life = format.LifeFormer
	}
	if life != format.LifePresent || c.stale {
		f.put(format.StateCall{ID: c.id, Life: life, Stale: c.stale}.Event(f.time))
	}
	if c.effect != nil && c.effect.Ret.Known {
		f.put(format.StateApplied{
			ID: c.id, Errno: c.effect.Ret.Errno, Words: c.effect.Out.Words, Mask: c.effect.Out.Mask,
		}.Event(f.time))
	}
}
