package diff

import (
	"fmt"
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// dom is the number that the modelled domain has; no outcome shows it.
const dom xen.DomID = 1

// Model performs scripts on package engine's model of a domain.
type Model struct {
	domain *engine.Domain
	ram    *engine.Memory
	rings  map[xen.ServerID][]string // entries that nobody has taken yet
	mapped map[xen.ServerID]pages    // what the device models have acquired
	vram   vram
	sets   uint64 // entries that were set up to the last look at them
	below  uint64 // those since then that are of frames below the pool

	running bool                 // it was let run
	flushes bool                 // what leaves the p2m is told to device models
	stale   [guest.MaxVCPUs]bool // and has not been told by these vCPUs
	flights [guest.MaxVCPUs]*flight
}

// pages are the frames of a server that its device model has mapped: the first that
// maps any. What another maps it does not use.
type pages struct {
	ring, slots bool
	gfns        bool // at the guest's frames
	dm          int
}

// NewModel returns the model of a fresh domain under a release, on nested paging,
// which is what the lab has.
func NewModel(kind Kind, vcpus int, release engine.Release) (*Model, error) {
	p, err := engine.ProfileFor(release, engine.NPT)
	if err != nil {
		return nil, err
	}
	d := engine.New(engine.Config{Dom: dom, Profile: p, Complete: true, EveryAccess: true, VCPUs: uint32(vcpus), VGA: kind == HVM})
	if err := d.LayOut(layouts[kind]); err != nil {
		return nil, err
	}
	if err := setParams(d, kind); err != nil {
		return nil, err
	}
	return &Model{domain: d, flushes: p.RemovalFlushes, ram: &engine.Memory{}, rings: map[xen.ServerID][]string{}, mapped: map[xen.ServerID]pages{}}, nil
}

// layouts are the memory of the lab's domains, as far as scripts touch it: the
// toolstack's own pages near 4 GiB stand for those that it has there.
var layouts = map[Kind][]engine.Mapping{
	PVH: {
		{First: 0, Last: 0xfff, Order: 9, Type: engine.P2MRAMRW},
		{First: 0xfeff8, Last: 0xfefff, Type: engine.P2MRAMRW},
	},
	HVM: {
		{First: 0, Last: 0x9f, Type: engine.P2MRAMRW},
		{First: 0xc0, Last: 0x1ff, Type: engine.P2MRAMRW},
		{First: 0x200, Last: 0xfff, Order: 9, Type: engine.P2MRAMRW},
		{First: 0xfeff0, Last: 0xfefff, Type: engine.P2MRAMRW},
	},
}

// Step performs a step and returns the outcome that Xen must have had. sure is
// false if the model can't know it: the outcome is then what the recording shows,
// from which the model goes on. Without a recording, seen is nil, and a model that
// was not sure is of no more use.
func (m *Model) Step(s Step, seen Outcome) (want Outcome, sure bool, err error) {
	switch {
	case s.Verb.Guest():
		return m.instruction(s)
	case s.Verb.DMOp():
		return m.dmOp(s, seen)
	}
	switch s.Verb {
	case Acquire:
		return m.acquire(s, seen)
	case GetType:
		t, ok := memType(m.domain.Page(xen.GFN(s.Arg("gfn"))))
		return Outcome{fmt.Sprintf("type %d", t)}, ok, nil
	case LogDirty:
		return m.logDirty(s)
	case Decrease, Populate, Remove:
		return m.balloon(s)
	case FillPoD:
		return Outcome{xen.OK.String()}, true, nil
	case Close:
		maps.DeleteFunc(m.mapped, func(_ xen.ServerID, p pages) bool { return p.dm == Closes })
		return nil, true, nil
	case Drain:
		o, err := m.drain()
		return o, true, err
	case Memory:
		return Pages(m.ram), true, nil
	case Entries:
		return m.entries(seen)
	case Resume:
		return m.resume(s.VCPU(), s.State(), seen)
	}
	return nil, false, fmt.Errorf("%v: the model can't do that", s.Verb)
}

// memType is what get_mem_type calls a page, if that is known.
func memType(t engine.P2MTypes) (xen.MemType, bool) {
	for _, c := range []struct {
		p2m engine.P2MType
		mem xen.MemType
	}{
		{engine.P2MRAMRW, xen.MemRAMRW}, {engine.P2MPoD, xen.MemRAMRW}, {engine.P2MRAMRO, xen.MemRAMRO}, {engine.P2MLogDirty, xen.MemRAMRO}, {engine.P2MMMIODM, xen.MemMMIODM},
		{engine.P2MIOReqServer, xen.MemIOReqServer},
	} {
		if t == 1<<c.p2m {
			return c.mem, true
		}
	}
	return 0, false
}

// dmOp is Step for a dm_op.
func (m *Model) dmOp(s Step, seen Outcome) (want Outcome, sure bool, err error) {
	op := dmOpOf(s)
	bitmap, sets := m.bitmap(s), m.domain.SetEntries()
	e, err := m.domain.Step(op)
	switch {
	case err != nil:
		return nil, false, err
	case e.XenCrash:
		return Outcome{Panic}, true, nil
	}
	if s.Verb == State && s.Arg("enabled") != 0 {
		m.removed(sets)
	}
	after, errno := op.DM, e.Ret.Errno
	if seen != nil {
		if after, errno, err = seen.words(op.DM); err != nil {
			return nil, false, err
		}
		if !e.Ret.Known || s.Verb == Info { // what a port is called is not to be known
			m.domain.Learn(op, engine.Seen{Errno: errno, Words: after.Words(), OutKnown: true})
		}
	}
	if !e.Ret.Known {
		m.note(s, errno)
		return seen, false, nil
	}
	m.note(s, e.Ret.Errno)
	return m.called(s, &e, after, bitmap), true, nil
}

// dmOpOf is a step's call as the model takes it.
func dmOpOf(s Step) engine.Op {
	dmop, bufs, size := s.DMOp()
	op := engine.Op{Kind: engine.OpDM, Caller: xen.Dom0, NrBufs: bufs, Size0: size, DM: dmop}
	if s.Own() {
		op.Caller = dom // that the two are one is all that Xen looks at
	}
	if s.Verb == Modified {
		first, nr := s.Extent()
		op.Memory.First, op.Memory.Nr = first, uint64(nr)
	}
	return op
}

// called is the outcome of a dm_op whose result is known. What Info returns the model
// takes from real Xen, which says it in after.
func (m *Model) called(s Step, e *engine.Effect, after xen.DMOp, bitmap []byte) Outcome {
	dmop, _, _ := s.DMOp()
	ok := e.Ret.Errno == xen.OK
	words := dmop.Words()
	if s.Verb == Info && ok {
		words = after.Words()
	}
	for i := range words {
		words[i] = words[i]&^e.Out.Mask[i] | e.Out.Words[i]&e.Out.Mask[i]
	}
	done := xen.DMOpFromWords(dmop.Op, dmop.Pad, words)
	o := Called(dmop, done, e.Ret.Errno)
	switch {
	case s.Verb == Info && ok:
		m.mapGFNs(s, done)
	case s.Verb == Track && ok:
		m.vram = vram{xen.GFN(s.Arg("first")), s.Arg("nr")}
		o = append(o, Dirty(m.vram.first, bitmap)...)
	}
	return o
}

// note keeps the device models' own state.
func (m *Model) note(s Step, errno xen.Errno) {
	id := xen.ServerID(s.Arg("id"))
	switch {
	case errno != xen.OK:
		return
	case s.Verb == State:
		if r := m.domain.Ring(id); r.Known && r.Read == r.Write { // as Xen clears it at a guest's frame
			delete(m.rings, id)
		}
		return
	case s.Verb != Destroy:
		return
	}
	delete(m.rings, id)
	delete(m.mapped, id)
	for _, f := range m.flights {
		if f != nil && f.server == id {
			f.gone = true
		}
	}
}

func (m *Model) acquire(s Step, seen Outcome) (Outcome, bool, error) {
	id, frame, nr := s.Arg("id"), s.Arg("frame"), s.Arg("nr")
	op := engine.Op{Kind: engine.OpAcquire, Caller: xen.Dom0, Acquire: xen.AcquireResource{
		Dom: dom, Type: xen.ResourceIOReqServer, ID: uint32(id), Frame: frame, NrFrames: uint32(nr),
	}}
	e, err := m.domain.Step(op)
	if err != nil {
		return nil, false, err
	}
	errno := e.Ret.Errno
	if !e.Ret.Known && seen != nil {
		if _, errno, err = seen.words(xen.DMOp{}); err != nil {
			return nil, false, err
		}
		m.domain.Learn(op, engine.Seen{Errno: errno})
	}
	if errno == xen.OK {
		p, owned := m.mapped[xen.ServerID(id)]
		if owned && p.dm != s.DeviceModel() {
			return Outcome{errno.String()}, e.Ret.Known, nil
		}
		m.mapped[xen.ServerID(id)] = pages{
			ring: p.ring || frame == xen.ResourceFrameBuf, slots: p.slots || frame+nr > xen.ResourceFrameSync, dm: s.DeviceModel(),
		}
	}
	return Outcome{errno.String()}, e.Ret.Known, nil
}

// drain takes what is in the rings that are mapped, in the order of the ids.
func (m *Model) drain() (o Outcome, err error) {
	for _, id := range slices.Sorted(maps.Keys(m.rings)) {
		if !m.mapped[id].ring {
			continue
		}
		o = append(o, m.rings[id]...)
		delete(m.rings, id)
		move := engine.RingMove{Server: id, Read: m.domain.Ring(id).Write}
		if _, err := m.domain.Step(engine.Op{Kind: engine.OpRing, Ring: move}); err != nil {
			return o, err
		}
	}
	return o, nil
}
