package diff

import (
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// A choice is a way to go on, taken in proportion to its weight.
type choice struct {
	weight  int
	propose func(*generator) []Step
}

// one makes a choice out of a single step.
func one(f func(*generator) Step) func(*generator) []Step {
	return func(g *generator) []Step { return []Step{f(g)} }
}

// counted makes a choice out of a step that has to do with the p2m: every other time
// the entries that it has set are looked at.
func counted(f func(*generator) Step) func(*generator) []Step {
	return func(g *generator) []Step { return []Step{f(g), NewStep(Entries, nil)}[:1+g.rand.IntN(2)] }
}

var choices = []choice{
	{3, (*generator).server},
	{3, (*generator).watch},
	{1, one((*generator).create)},
	{2, (*generator).destroy},
	{4, one((*generator).acquire)},
	{10, one((*generator).addRange)},
	{4, one((*generator).cutRange)},
	{4, one((*generator).state)},
	{4, counted((*generator).claim)},
	{10, counted((*generator).setType)},
	{3, counted((*generator).track)},
	{2, counted((*generator).logDirty)},
	{3, one((*generator).modified)},
	{3, one(func(*generator) Step { return NewStep(Entries, nil) })},
	{2, one((*generator).info)},
	{3, one((*generator).getType)},
	{2, one((*generator).other)},
	{3, one((*generator).wire)},
	{2, one(func(*generator) Step { return NewStep(Drain, nil) })},
	{1, (*generator).restart},
	{20, one((*generator).port)},
	{6, one((*generator).portString)},
	{4, one((*generator).config)},
	{16, one((*generator).load)},
	{22, one((*generator).store)},
	{14, one((*generator).modify)},
	{10, one((*generator).move)},
	{6, one((*generator).fill)},
}

// propose returns steps that may or may not be valid.
func (g *generator) propose() []Step {
	if s, ok := g.resume(g.rarely(20)); ok && g.rarely(g.patience()) {
		return []Step{s}
	}
	if g.model.stale[g.vcpu] && g.rarely(4) {
		if steps := g.hush(); len(steps) > 0 {
			return steps
		}
	}
	switch {
	case g.rarely(2500):
		return g.limit()
	case g.script.Kind == HVM && g.rarely(2000):
		return g.flood()
	}
	sum := 0
	for _, c := range choices {
		sum += c.weight
	}
	n := g.rand.IntN(sum)
	for _, c := range choices {
		if n -= c.weight; n < 0 {
			return c.propose(g)
		}
	}
	panic("weights that do not add up")
}

// rarely is true once in n times.
func (g *generator) rarely(n int) bool { return g.rand.IntN(n) == 0 }

// oneOf returns one of some values.
func oneOf[T any](g *generator, values ...T) T { return values[g.rand.IntN(len(values))] }

// wild is any number, mostly one at an edge of something.
func (g *generator) wild() uint64 {
	switch g.rand.IntN(4) {
	case 0:
		return g.rand.Uint64()
	case 1:
		return uint64(g.rand.IntN(16))
	}
	return uint64(1)<<g.rand.IntN(64) - uint64(g.rand.IntN(2))
}

// id is that of a server that likely exists, at times of one that can't.
func (g *generator) id() uint64 {
	if g.rarely(30) {
		return oneOf[uint64](g, 8, 9, 0xffff)
	}
	return uint64(g.rand.IntN(oneOf(g, 4, 4, 4, 8)))
}

// made gives a dm_op the device model that makes it and, now and then, a form that is
// not right.
func (g *generator) made(s Step) Step {
	if g.rarely(4) {
		s.Args[s.Verb.index(argDM.name)] = g.deviceModel()
	}
	set := func(name string, v uint64) {
		if i := s.Verb.index(name); i >= 0 {
			s.Args[i] = v
		}
	}
	switch g.rand.IntN(60) {
	case 0:
		set("pad", 1+g.wild()&0x7e)
	case 1:
		set(argBufs.name, oneOf[uint64](g, 2, 3))
	case 2:
		set(argSize.name, 1+uint64(g.rand.IntN(xen.DMOpSize)))
	}
	return s
}

func (g *generator) create() Step {
	return g.made(NewStep(Create, Set{"mode": oneOf[uint64](g, 0, 0, 1, 2, 2, 3)}))
}

// destroy seldom takes a server with a request in flight: the vCPU is lost, which is
// looked at.
func (g *generator) destroy() []Step {
	id := g.id()
	destroy := g.made(NewStep(Destroy, Set{"id": id}))
	for _, f := range g.model.flights {
		if f == nil || f.gone || uint64(f.server) != id {
			continue
		}
		resume := NewStep(Resume, Set{argVCPU.name: uint64(f.step.VCPU())})
		if g.rarely(3) {
			return []Step{destroy, resume}
		}
		return []Step{resume}
	}
	return []Step{destroy}
}

func (g *generator) acquire() Step {
	s := Set{"id": g.id(), "frame": oneOf[uint64](g, 0, 0, 1, 1, 1, 2), "nr": oneOf[uint64](g, 1, 1, 1, 2)}
	if g.rarely(30) {
		s["nr"] = oneOf[uint64](g, 31, 32, 33, 40)
	}
	if g.rarely(3) {
		s[argDM.name] = g.deviceModel()
	}
	return NewStep(Acquire, s)
}

func (g *generator) state() Step {
	return g.made(NewStep(State, Set{"id": g.id(), "enabled": oneOf[uint64](g, 0, 1, 1, 1, 255)}))
}

func (g *generator) claim() Step {
	s := Set{"id": g.id(), "flags": oneOf[uint64](g, 0, 0, 2, 2, 2, 2)}
	switch g.rand.IntN(25) {
	case 0:
		s["flags"] = g.wild() & 0xffffffff
	case 1:
		s["type"] = uint64(g.rand.IntN(8))
	case 2, 3:
		s["opaque"] = oneOf(g, 1, g.frame(), g.wild())
	}
	return g.made(NewStep(Claim, s))
}

func (g *generator) info() Step {
	flags := oneOf[uint64](g, 1, 1, 1, 2, 3, 0x8001)
	if g.hasGFNs() && g.rarely(4) {
		flags = 0
	}
	return g.made(NewStep(Info, Set{"id": g.id(), "flags": flags, "port": g.wild() & 0xffff}))
}

func (g *generator) getType() Step {
	gfn := g.frame()
	if g.rarely(6) {
		gfn = mmioStart>>xen.PageShift + uint64(g.rand.IntN(mmioPages))
	}
	return NewStep(GetType, Set{"gfn": gfn})
}

// other makes dm_ops that x86 has not got.
func (g *generator) other() Step {
	s := NewStep(Other, Set{"op": oneOf[uint64](g, 0, uint64(xen.OpSetIRQLevel), 21, 22, 255, 0xffffffff), "w0": g.wild()})
	if g.rarely(3) {
		s.Args[Other.index("oppad")] = 1
	}
	if g.rarely(6) {
		s.Args[Other.index(argOwn.name)] = 1
	}
	return g.made(s)
}

// hot is how many pages of the pool most steps have to do with.
const hot = 6

// frame is a frame of the pool.
func (g *generator) frame() uint64 {
	n := g.rand.IntN(hot)
	switch g.rand.IntN(12) {
	case 0:
		n = g.rand.IntN(PoolPages)
	case 1:
		n = oneOf(g, 255, 256, 257, 511, 512, 513, PoolPages-1)
	}
	return uint64(guest.ProberPool) + uint64(n)
}

func (g *generator) setType() Step {
	first, nr := g.frame(), uint64(1)
	switch g.rand.IntN(12) {
	case 0:
		nr = uint64(g.rand.IntN(600))
	case 1:
		nr = oneOf[uint64](g, 0, 255, 256, 257, 512, 513)
	case 2, 3, 4, 5:
		nr = 1 + uint64(g.rand.IntN(4))
	}
	t := oneOf(g, xen.MemRAMRW, xen.MemRAMRW, xen.MemRAMRO, xen.MemIOReqServer, xen.MemIOReqServer, xen.MemIOReqServer)
	switch g.rand.IntN(40) {
	case 0:
		t = xen.MemType(g.rand.IntN(9))
	case 1:
		t, nr = xen.MemMMIODM, 1 // for good: there is no way back
		if !g.rarely(3) {
			first = uint64(guest.ProberPool) + hot + uint64(g.rand.IntN(PoolPages-hot))
		}
	}
	nr = min(nr, uint64(guest.ProberPool)+PoolPages-first)
	switch g.rand.IntN(60) {
	case 0:
		first, nr = mmioStart>>xen.PageShift+uint64(g.rand.IntN(mmioPages)), 1
	case 1:
		first, nr = 0xff000+g.wild()&(1<<40-1), 1+g.wild()&0xff // beyond all memory
	}
	return g.made(NewStep(SetType, Set{"first": first, "nr": nr, "type": uint64(t)}))
}
