package format

import "github.com/iotrace-xen/iotrace/xen"

// An encGroup is the events of one kind, [start, end) of the order.
type encGroup struct {
	kind       Kind
	start, end int
	shapes     []uint8          // in the sorter's list
	differ     [numLanes]uint64 // bits that are not the same in all events
}

// group makes a group of each kind, ascending, and numbers the shapes.
func (x *blockEncoder) group() {
	var counts [256]int
	for i := range x.list {
		counts[x.list[i].kind] += x.list[i].count
	}
	var number [256]uint8
	x.groups = x.groups[:0]
	start := 0
	for k, n := range counts {
		if n == 0 {
			continue
		}
		number[k] = uint8(len(x.groups))
		x.groups = resize(x.groups, len(x.groups)+1)
		within := &x.kinds[k].within
		g := &x.groups[len(x.groups)-1]
		*g = encGroup{kind: Kind(k), start: start, end: start + n, shapes: g.shapes[:0], differ: *within}
		start += n
	}
	for i := range x.list {
		g := &x.groups[number[x.list[i].kind]]
		g.shapes = append(g.shapes, uint8(i))
		g.compare(&x.firsts[i], &x.firsts[g.shapes[0]])
	}
	x.mark()
}

// compare notes in which bits e, the first event of a shape, differs from the
// first event of all.
func (g *encGroup) compare(e, first *Event) {
	for w := range e.W {
		g.differ[w] |= e.W[w] ^ first.W[w]
	}
	g.differ[laneIDs] |= e.ids() ^ first.ids()
}

// mark numbers the shapes in the order of the sections, and their ids.
func (x *blockEncoder) mark() {
	x.pairing.reset()
	next := 0
	for i := range x.groups {
		g := &x.groups[i]
		for _, n := range g.shapes {
			ids := constantIDs(&x.firsts[n], x.kinds[g.kind].within[laneIDs])
			x.marks[n] = mark{own: uint8(x.pairing.add(i, ids)), pair: x.pairing.before(i, ids), group: uint8(i)}
			x.list[n].number = uint8(next)
			next++
		}
	}
}

// tally counts the events of the block that was encoded last, whose times lie
// between two: by shapes, where events of one shape count alike. The order does
// not matter, unless the tally's lists may be cut.
func (x *blockEncoder) tally(t *Tally, events []Event, first, last uint64) {
	single := 0
	for i := range x.groups {
		if g := &x.groups[i]; !x.countAlike(g.kind) {
			single += g.end - g.start
		}
	}
	if t.room() < single+len(x.list) {
		t.addAll(events)
		return
	}
	for i := range x.groups {
		g := &x.groups[i]
		if !x.countAlike(g.kind) {
			for _, at := range x.order[g.start:g.end] {
				t.Add(&events[at])
			}
			continue
		}
		for _, n := range g.shapes {
			t.addShape(&x.firsts[n], x.list[n].count, first, last)
		}
	}
}

// countAlike says whether a tally sees no difference between events of kind k of
// one shape.
func (x *blockEncoder) countAlike(k Kind) bool {
	lanes, all := looks(k)
	for n, within := range x.kinds[k].within {
		all = all || within&lanes[n] != 0
	}
	return !all
}

// constantIDs returns the ids of e but for those that differ within a shape: they
// have columns with codes, and the directory has 0 for them.
func constantIDs(e *Event, within uint64) uint64 {
	ids := e.ids()
	for shift := 0; shift < 3*idBits; shift += idBits {
		if within>>shift&0xffff != 0 {
			ids &^= 0xffff << shift
		}
	}
	return ids
}

// arrange puts n events into the order of the groups, and finds those before that
// may predict them.
func (x *blockEncoder) arrange(n int) {
	var next [256]uint
	var last [maxShapes]uint16
	var pairs [2 * maxShapes]uint16
	for i := range x.groups {
		next[i] = uint(x.groups[i].start)
	}
	for i := range pairs {
		pairs[i] = nowhere
	}
	for i := range last {
		last[i] = nowhere
	}
	for i, number := range x.numbers[:n] {
		m := x.marks[number]
		at := next[m.group] % maxBlockEvents
		next[m.group] = at + 1
		x.order[at] = uint16(i)
		x.alike[at], x.paired[at] = last[number], pairs[m.pair%(2*maxShapes)]
		last[number], pairs[m.own] = uint16(at), uint16(i)
	}
}

// fits says whether these columns hold all that the group's events have.
func (g *encGroup) fits(cs *columns, first *Event) bool {
	rest := (first.ids() ^ blankIDs | g.differ[laneIDs]) &^ cs.known[laneIDs]
	for w, v := range first.W {
		rest |= (v | g.differ[w]) &^ cs.known[w]
	}
	return rest == 0
}

// blankIDs are the ids of an event that is about nothing.
const blankIDs = uint64(xen.DomInvalid) | uint64(xen.NoServer)<<idBits | uint64(xen.NoVCPU)<<(2*idBits)
