package format

import "github.com/iotrace-xen/iotrace/xen"

// KeyFrame begins a key-frame of Count events, itself included. Calm says that
// nothing that matters to a verdict was in flight; Lost counts the things that
// were lost before it, and CallsLost says that calls were among them.
type KeyFrame struct {
	Count, Lost     uint64
	Calm, CallsLost bool
}

// Event packs k.
func (k KeyFrame) Event(t uint64) Event {
	e := blank(KindKeyFrame, t)
	e.W[0], e.W[1], e.W[2] = k.Count, k.Lost, flag(k.Calm, 0)|flag(k.CallsLost, 1)
	return e
}

// KeyFrame unpacks a KindKeyFrame event.
func (e Event) KeyFrame() KeyFrame {
	if e.Kind != KindKeyFrame {
		return KeyFrame{}
	}
	return KeyFrame{e.W[0], e.W[1], has(e.W[2], 0), has(e.W[2], 1)}
}

// as returns e as an event of kind k if it is one of kind from, else of none.
func (e Event) as(k, from Kind) Event {
	if e.Kind != from {
		return Event{}
	}
	e.Kind = k
	return e
}

// State packs c as the clock reading of a key-frame.
func (c Clock) State(t uint64) Event {
	e := c.Event(t)
	e.Kind = KindStateClock
	return e
}

// StateClock unpacks a KindStateClock event.
func (e Event) StateClock() Clock { return e.as(KindClock, KindStateClock).Clock() }

// State packs p as a key-frame's process.
func (p Process) State(t uint64) Event {
	e := p.Event(t)
	e.Kind = KindStateProcess
	return e
}

// StateProcess unpacks a KindStateProcess event.
func (e Event) StateProcess() Process { return e.as(KindProcess, KindStateProcess).Process() }

// State packs p as a key-frame's port.
func (p PortFound) State(t uint64) Event {
	e := p.Event(t)
	e.Kind = KindStatePort
	return e
}

// StatePort unpacks a KindStatePort event.
func (e Event) StatePort() PortFound { return e.as(KindPortFound, KindStatePort).PortFound() }

// State packs r as a ring's account so far.
func (r RingCount) State(t uint64) Event {
	e := r.Event(t)
	e.Kind = KindStateRing
	return e
}

// StateRing unpacks a KindStateRing event.
func (e Event) StateRing() RingCount { return e.as(KindRingCount, KindStateRing).RingCount() }

// StateJail is a process that restricted a privcmd descriptor to one domain.
type StateJail struct {
	PID uint32
	Dom xen.DomID
}

// Event packs s.
func (s StateJail) Event(t uint64) Event {
	e := blank(KindStateJail, t)
	e.Dom, e.W[0] = s.Dom, uint64(s.PID)
	return e
}

// StateJail unpacks a KindStateJail event.
func (e Event) StateJail() StateJail {
	if e.Kind != KindStateJail {
		return StateJail{}
	}
	return StateJail{uint32(e.W[0]), e.Dom}
}

// StateDomain is what is known of a domain as a whole: of its life, and of its
// pages. Rest is of those that no StatePages names.
type StateDomain struct {
	Dom         xen.DomID
	Complete    bool // nothing of it predates the trace or was lost
	Typed       bool // set_mem_type was called
	Dying, Gone bool // destroydomain has begun, has ended
	LogDirty    bool
	MappedKnown bool
	Shadow      bool // it certainly has shadow paging, no HAP
	Rest        PageTypes
	Mapped      xen.GFN // does not exceed max_mapped_pfn
	Marks       xen.GFN // frames from here on may be marked for recalculation
}

// Event packs s.
func (s StateDomain) Event(t uint64) Event {
	e := blank(KindStateDomain, t)
	e.Dom = s.Dom
	e.W[0] = flag(s.Complete, 0) | flag(s.Typed, 1) | flag(s.Dying, 2) | flag(s.Gone, 3) | flag(s.LogDirty, 4) |
		flag(s.MappedKnown, 5) | flag(s.Shadow, 6) | uint64(s.Rest)<<8
	e.W[1], e.W[2] = uint64(s.Mapped), uint64(s.Marks)
	return e
}

// StateDomain unpacks a KindStateDomain event.
func (e Event) StateDomain() StateDomain {
	if e.Kind != KindStateDomain {
		return StateDomain{}
	}
	w := e.W[0]
	return StateDomain{
		Dom: e.Dom, Complete: has(w, 0), Typed: has(w, 1), Dying: has(w, 2), Gone: has(w, 3), LogDirty: has(w, 4),
		MappedKnown: has(w, 5), Shadow: has(w, 6), Rest: PageTypes(w >> 8), Mapped: xen.GFN(e.W[1]), Marks: xen.GFN(e.W[2]),
	}
}

// StateClaim says who handles writes to ioreq_server pages; Server is NoServer
// where that is not known or nobody does.
type StateClaim struct {
	Dom    xen.DomID
	Server xen.ServerID
	Held   Tri
}

// Event packs s.
func (s StateClaim) Event(t uint64) Event {
	e := blank(KindStateClaim, t)
	e.Dom, e.Server, e.W[0] = s.Dom, s.Server, uint64(s.Held)
	return e
}

// StateClaim unpacks a KindStateClaim event.
func (e Event) StateClaim() StateClaim {
	if e.Kind != KindStateClaim {
		return StateClaim{}
	}
	return StateClaim{e.Dom, e.Server, Tri(e.W[0])}
}

// StateLatch is a domain's CF8 register. Extended says whether bits 27:24 count.
type StateLatch struct {
	Dom      xen.DomID
	Known    bool
	Value    uint32
	Extended Tri
}

// Event packs s.
func (s StateLatch) Event(t uint64) Event {
	e := blank(KindStateLatch, t)
	e.Dom, e.W[0], e.W[1] = s.Dom, flag(s.Known, 0)|uint64(s.Extended)<<8, uint64(s.Value)
	return e
}

// StateLatch unpacks a KindStateLatch event.
func (e Event) StateLatch() StateLatch {
	if e.Kind != KindStateLatch {
		return StateLatch{}
	}
	return StateLatch{e.Dom, has(e.W[0], 0), uint32(e.W[1]), Tri(e.W[0] >> 8)}
}

// StateRun is a stretch of a domain's frames (KindStateTracked) or of its 2M
// regions (KindStateTable).
type StateRun struct {
	Dom         xen.DomID
	First, Last uint64
}

// Event packs s as kind k, KindStateTable or KindStateTracked.
func (s StateRun) Event(k Kind, t uint64) Event {
	e := blank(k, t)
	e.Dom, e.W[0], e.W[1] = s.Dom, s.First, s.Last
	return e
}

// StateRun unpacks a KindStateTable or KindStateTracked event.
func (e Event) StateRun() StateRun {
	if e.Kind != KindStateTable && e.Kind != KindStateTracked {
		return StateRun{}
	}
	return StateRun{e.Dom, e.W[0], e.W[1]}
}

// StatePages is a stretch of frames of which the same is known.
type StatePages struct {
	Dom         xen.DomID
	First, Last xen.GFN
	Types       PageTypes
}

// Event packs s.
func (s StatePages) Event(t uint64) Event {
	e := blank(KindStatePages, t)
	e.Dom, e.W[0], e.W[1], e.W[2] = s.Dom, uint64(s.First), uint64(s.Last), uint64(s.Types)
	return e
}

// StatePages unpacks a KindStatePages event.
func (e Event) StatePages() StatePages {
	if e.Kind != KindStatePages {
		return StatePages{}
	}
	return StatePages{e.Dom, xen.GFN(e.W[0]), xen.GFN(e.W[1]), PageTypes(e.W[2])}
}

// StateAlly is a domain that has proven that it may make calls about Dom.
type StateAlly struct{ Dom, Ally xen.DomID }

// Event packs s.
func (s StateAlly) Event(t uint64) Event {
	e := blank(KindStateAlly, t)
	e.Dom, e.W[0] = s.Dom, uint64(s.Ally)
	return e
}

// StateAlly unpacks a KindStateAlly event.
func (e Event) StateAlly() StateAlly {
	if e.Kind != KindStateAlly {
		return StateAlly{}
	}
	return StateAlly{e.Dom, xen.DomID(e.W[0])}
}
