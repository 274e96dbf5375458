package diff

import (
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/xen"
)

// addRange maps a range that often touches or overlaps others.
func (g *generator) addRange() Step { return g.ioRange(Map) }

// cutRange unmaps one.
func (g *generator) cutRange() Step { return g.ioRange(Unmap) }

func (g *generator) ioRange(v Verb) Step {
	space := oneOf(g, xen.SpacePort, xen.SpacePort, xen.SpaceMemory, xen.SpaceMemory, xen.SpacePCI)
	var first, last uint64
	switch space {
	case xen.SpacePort:
		first = g.portNumber()
		last = first + oneOf[uint64](g, 0, 0, 1, 3, 3, 7, 15)
	case xen.SpaceMemory:
		first, last = g.memoryRange()
	case xen.SpacePCI:
		first = g.function()
		last = first + oneOf[uint64](g, 0, 0, 0, 1, 7)
	}
	id := g.id()
	if near := g.ranges[space]; len(near) > 0 && (v == Unmap || g.rarely(3)) {
		r := near[g.rand.IntN(len(near))]
		n := oneOf[uint64](g, 0, 0, 1, 3, 7)
		first = oneOf(g, r.first, r.first, r.last, r.last+1, r.first-n-1)
		last = oneOf(g, first+n, r.last)
		id = oneOf(g, id, r.id, r.id)
	}
	switch g.rand.IntN(40) {
	case 0:
		first, last = last, first
	case 1:
		space = xen.Space(3 + g.wild()&3)
	case 2:
		first, last = g.wild(), g.wild()
	}
	return g.made(NewStep(v, Set{"id": id, "space": uint64(space), "first": first, "last": last}))
}

// memoryRange is a stretch of the holes or of the pool.
func (g *generator) memoryRange() (first, last uint64) {
	page := g.page()
	if g.rarely(2) {
		return page, page + oneOf[uint64](g, 1, 2, mmioPages)<<xen.PageShift - 1
	}
	first = page + g.offset(4)
	return first, first + oneOf[uint64](g, 0, 3, 7, 15, 31, 63, 0xfff)
}

// function is the SBDF of a PCI device of the few that scripts know.
func (g *generator) function() uint64 {
	return uint64(xen.NewSBDF(0, uint8(g.rand.IntN(2)), uint8(oneOf(g, 0, 1, 2, 31)), uint8(oneOf(g, 0, 0, 1, 7))))
}

// server makes a server that works: with pages, ranges and enabled.
func (g *generator) server() []Step {
	id := g.free()
	steps := []Step{NewStep(Create, Set{"mode": oneOf(g, uint64(xen.BufOff), uint64(xen.BufLegacy), uint64(xen.BufAtomic))})}
	steps = append(steps, g.mapPages(id, steps[0].Arg("mode") != uint64(xen.BufOff)))
	for range 4 + g.rand.IntN(6) {
		s := g.addRange()
		s.Args[Map.index("id")] = id
		steps = append(steps, s)
	}
	return append(steps, NewStep(State, Set{"id": id, "enabled": 1}))
}

// restart ends a device model. Most of its servers are taken over, by it or the other.
func (g *generator) restart() []Step {
	steps := []Step{NewStep(Close, nil)}
	for _, id := range slices.Sorted(maps.Keys(g.model.mapped)) {
		if p := g.model.mapped[id]; p.dm == Closes && !g.rarely(4) {
			steps = append(steps, g.takeOver(uint64(id), p)...)
		}
	}
	return steps
}

// free is the id that the next server will get.
func (g *generator) free() uint64 {
	o, _, err := g.model.trial(Step{}).Step(NewStep(Create, nil), nil)
	if err != nil {
		return 0
	}
	after, _, _ := o.words(xen.DMOp{Op: xen.OpCreateIOReqServer}) // a refusal leaves it zero
	return after.Words()[0] >> 32 & 0xffff
}

// watch claims and types a few pages of the pool.
func (g *generator) watch() []Step {
	steps := []Step{NewStep(Claim, Set{"id": g.id()})}
	for range 1 + g.rand.IntN(3) {
		steps = append(steps, NewStep(SetType, Set{"first": g.frame(), "type": uint64(xen.MemIOReqServer)}))
	}
	return steps
}

// limit fills a set of ranges with as many single addresses as Xen stores and two
// more, then tries around them.
func (g *generator) limit() (steps []Step) {
	const stored = 256
	id, space := oneOf(g, bell, g.id()), g.rand.IntN(numSpaces)
	first := oneOf[uint64](g, 0x2000, 0x3001)
	at := func(v Verb, first, last uint64) {
		steps = append(steps, NewStep(v, Set{"id": id, "space": uint64(space), "first": first, "last": last}))
	}
	for i := range uint64(stored + 2) {
		at(Map, first+4*i, first+4*i+i%2)
	}
	for range 40 {
		a := first + uint64(g.rand.IntN(4*stored))
		at(oneOf(g, Map, Map, Unmap), a, a+uint64(g.rand.IntN(4)))
	}
	for range 20 {
		a := first + uint64(g.rand.IntN(4*stored))
		steps = append(steps, NewStep(In, Set{"port": a & 0xffff, argWidth.name: oneOf[uint64](g, 1, 2, 4)}))
	}
	if g.rarely(2) {
		steps = append(steps, NewStep(Unmap, Set{"id": id, "space": uint64(space), "first": first, "last": first}))
	}
	return steps
}

// flood writes more to the VGA's window than a ring holds.
func (g *generator) flood() []Step {
	id := g.id()
	steps := []Step{NewStep(Map, Set{"id": id, "space": uint64(xen.SpaceMemory), "first": vgaStart, "last": vgaStart + vgaPages<<xen.PageShift - 1})}
	for i := range uint64(xen.BufSlots + 8) {
		size := uint64(4)
		if g.rarely(30) {
			size = 8
		}
		steps = append(steps, NewStep(Write, Set{argGPA.name: vgaStart + 8*i, argWidth.name: size, argData.name: g.rand.Uint64()}))
	}
	return append(steps, NewStep(Drain, nil))
}
