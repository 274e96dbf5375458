package format

import "github.com/iotrace-xen/iotrace/xen"

// An encGroup is the events of one kind, [start, end) of the order.
type encGroup struct {
	kind             Kind
	start, end, next int
	shapes           []uint16         // in the sorter's list
	differ           [numLanes]uint64 // bits that are not the same in all events
	first            int              // event
	time             coder
}

// group makes a group of each kind, ascending, and numbers the shapes.
func (x *blockEncoder) group(events []Event) {
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
		g := &x.groups[len(x.groups)-1]
		*g = encGroup{kind: Kind(k), start: start, end: start + n, next: start, shapes: g.shapes[:0], differ: x.kinds[k].within}
		start += n
	}
	for i := range x.list {
		s := &x.list[i]
		s.group = number[s.kind]
		g := &x.groups[s.group]
		if len(g.shapes) == 0 {
			g.first = int(s.first)
		}
		g.shapes = append(g.shapes, uint16(i))
		g.compare(&events[s.first], &events[g.first])
	}
	x.pair(events)
}

// compare notes in which bits e, the first event of a shape, differs from the
// first event of all.
func (g *encGroup) compare(e, first *Event) {
	for w := range e.W {
		g.differ[w] |= e.W[w] ^ first.W[w]
	}
	g.differ[laneIDs] |= e.ids() ^ first.ids()
}

// pair numbers the shapes in the order of the sections, and their ids.
func (x *blockEncoder) pair(events []Event) {
	x.pairing.reset()
	next := 0
	for i := range x.groups {
		g := &x.groups[i]
		within := x.kinds[g.kind].within[laneIDs]
		for _, n := range g.shapes {
			s := &x.list[n]
			ids := constantIDs(&events[s.first], within)
			s.number, s.own, s.pair = uint8(next), x.pairing.add(i, ids), x.pairing.before(i, ids)
			next++
		}
	}
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
	var pairs [2 * maxShapes]uint16
	for i := range pairs {
		pairs[i] = nowhere
	}
	for i, number := range x.numbers[:n] {
		s := &x.list[number]
		g := &x.groups[s.group]
		at := g.next % maxBlockEvents
		g.next = at + 1
		x.order[at], x.alike[at], x.paired[at] = uint16(i), s.last, pairs[s.pair%(2*maxShapes)]
		s.last, pairs[s.own%(2*maxShapes)] = uint16(at), uint16(i)
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
