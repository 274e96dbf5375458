package format

// Limits of shapes.
const (
	maxKindShapes = 96
	eventsAShape  = 8 // on the average, at least, where keys are chosen
	tableSize     = 2 * maxShapes
)

// The lanes of an event: its words, and its ids in one.
const (
	laneIDs  = NumWords
	numLanes = NumWords + 1
)

// ids returns the ids of e in one word.
func (e *Event) ids() uint64 { return uint64(e.Dom) | uint64(e.Server)<<16 | uint64(e.VCPU)<<32 }

// lane returns where the lanes have the column.
func (c column) lane() (lane, shift uint8) {
	if c.slot < NumWords {
		return c.slot, c.shift
	}
	return laneIDs, idBits * (c.slot - NumWords)
}

// in returns the column's bits of some lanes.
func (c column) in(lanes *[numLanes]uint64) uint64 {
	n, shift := c.lane()
	return lanes[n] >> shift & c.mask()
}

// A sorter sorts the events of a block into shapes: those of one kind that have
// the same keys. Keys are kept from block to block.
type sorter struct {
	kinds   [256]kindShapes
	table   [tableSize]hashed // shapes by their hashes
	list    []encShape
	numbers [maxBlockEvents]uint8  // of each event's shape in list
	steps   [maxBlockEvents]uint64 // from the time of the event before to each
	before  [maxBlockEvents]uint16 // to choose keys: the event before of the same kind
}

// kindShapes is how events of one kind are sorted.
type kindShapes struct {
	keys   [numLanes]uint64 // bits by which shapes differ
	within [numLanes]uint64 // bits that differ among events of one shape
	chosen uint64           // columns that are keys
	ready  bool             // keys were chosen
	fresh  bool             // for the block at hand
	shapes int
}

// hashed is a shape's hash, and its number from 1; 0 is a free place.
type hashed struct {
	hash   uint64
	number uint16
}

// An encShape is a shape, known by its first event.
type encShape struct {
	kind      Kind
	group     uint8
	number    uint8 // in the payload
	first     uint16
	last      uint16 // the last event of it so far, its place in the group's order
	own, pair uint16 // numbers in the pair table
	count     int
}

// hash returns a hash of e's keys and kind. It is a sum of products, so that a
// processor works on all of them at once.
func (k *kindShapes) hash(e *Event, ids uint64) uint64 {
	w, m := &e.W, &k.keys
	h := (w[0]&m[0])*0x9e3779b97f4a7c15 + (w[1]&m[1])*0xc2b2ae3d27d4eb4f + (w[2]&m[2])*0x165667b19e3779f9
	h += (w[3]&m[3])*0xd6e8feb86659fd93 + (w[4]&m[4])*0xa0761d6478bd642f + (w[5]&m[5])*0xe7037ed1a0b428db
	h += (w[6]&m[6])*0x8ebc6af09c88c6e3 + (w[7]&m[7])*0x589965cc75374cc3 + (ids&m[laneIDs])*0x1d8e4e27c47d124f
	return (h ^ h>>32 + uint64(e.Kind)) * 0x9e3779b97f4a7c15
}

// compare notes in which bits e differs from the first event of its shape.
func (k *kindShapes) compare(e, first *Event, ids uint64) {
	w := &k.within
	w[0] |= e.W[0] ^ first.W[0]
	w[1] |= e.W[1] ^ first.W[1]
	w[2] |= e.W[2] ^ first.W[2]
	w[3] |= e.W[3] ^ first.W[3]
	w[4] |= e.W[4] ^ first.W[4]
	w[5] |= e.W[5] ^ first.W[5]
	w[6] |= e.W[6] ^ first.W[6]
	w[7] |= e.W[7] ^ first.W[7]
	w[laneIDs] |= ids ^ first.ids()
}

// sort finds the shape of each event, and the steps of the times. If keys are
// missing, or make too many shapes, it changes them and returns false.
func (x *sorter) sort(events []Event, time uint64) bool {
	clear(x.table[:])
	for i := range x.list { // of the block before, or of another try
		k := &x.kinds[x.list[i].kind]
		k.within, k.shapes = [numLanes]uint64{}, 0
	}
	x.list = x.list[:0]
	numbers := x.numbers[:len(events)]
	for i := range events {
		e := &events[i]
		k, ids := &x.kinds[e.Kind], e.ids()
		hash := k.hash(e, ids)
		at := hash >> 55
		for x.table[at].number != 0 && x.table[at].hash != hash {
			at = (at + 1) % tableSize
		}
		n := int(x.table[at].number) - 1
		if n < 0 {
			if n = x.add(k, e, i, events); n < 0 {
				return false
			}
			x.table[at] = hashed{hash, uint16(n + 1)}
		}
		numbers[i] = uint8(n)
		x.steps[i], time = e.Time-time, e.Time
		s := &x.list[n]
		s.count++
		k.compare(e, &events[s.first], ids)
	}
	return x.verify(events)
}

// add makes event i a new shape of its kind k and returns its number, or changes
// keys and returns -1.
func (x *sorter) add(k *kindShapes, e *Event, i int, events []Event) int {
	switch {
	case !k.ready:
		x.choose(events)
		return -1
	case k.shapes == maxKindShapes:
		x.coarsen(e.Kind, k.shapes*3/4, events)
		return -1
	case len(x.list) == maxShapes:
		largest := x.largest()
		x.coarsen(largest, x.kinds[largest].shapes*3/4, events)
		return -1
	}
	k.shapes++
	x.list = append(x.list, encShape{kind: e.Kind, first: uint16(i), last: nowhere})
	return len(x.list) - 1
}

// largest returns the kind with most shapes.
func (x *sorter) largest() Kind {
	most := x.list[0].kind
	for i := range x.list {
		if k := x.list[i].kind; x.kinds[k].shapes > x.kinds[most].shapes {
			most = k
		}
	}
	return most
}

// verify looks at the shapes of the whole block. It finds keys that differ within
// a shape, because hashes agree though the keys do not: nobody does that but on
// purpose, so their kinds get no keys. New keys must pay for their shapes.
func (x *sorter) verify(events []Event) bool {
	var counts [256]int
	for i := range x.list {
		counts[x.list[i].kind] += x.list[i].count
	}
	good := true
	for kind, n := range counts {
		k := &x.kinds[kind]
		switch {
		case n == 0:
		case k.collide():
			k.keys, k.chosen, good = [numLanes]uint64{}, 0, false
		case k.fresh && k.shapes > 1+n/eventsAShape:
			x.coarsen(Kind(kind), 1+n/eventsAShape, events)
			good = false
		}
	}
	if good {
		for i := range x.kinds {
			x.kinds[i].fresh = false
		}
	}
	return good
}

// collide says whether events of one shape differ in keys.
func (k *kindShapes) collide() bool {
	for n, m := range k.keys {
		if k.within[n]&m != 0 {
			return true
		}
	}
	return false
}

// coarsen takes away keys of kind k, those that have most values in its shapes,
// until no more than so many of these differ.
func (x *sorter) coarsen(k Kind, most int, events []Event) {
	s, cols := &x.kinds[k], columnsFor(k)
	for x.differing(k, events) > most {
		worst, values := -1, 1
		for i, c := range cols.list {
			if s.chosen>>i&1 != 0 {
				if n := x.shapeValues(k, c, events); n > values {
					worst, values = i, n
				}
			}
		}
		if worst < 0 { // what differs is in no column
			s.keys, s.chosen = [numLanes]uint64{}, 0
			return
		}
		s.chosen &^= 1 << worst
		s.keys = cols.keys(s.chosen)
	}
}

// differing returns how many shapes of kind k differ in its keys.
func (x *sorter) differing(k Kind, events []Event) (n int) {
	var seen [maxKindShapes]uint64
	for i := range x.list {
		if s := &x.list[i]; s.kind == k {
			e := &events[s.first]
			n = addValue(seen[:], n, x.kinds[k].hash(e, e.ids()))
		}
	}
	return n
}

// shapeValues returns how many values the shapes of kind k have in column c.
func (x *sorter) shapeValues(k Kind, c column, events []Event) (n int) {
	var seen [maxKindShapes]uint64
	for i := range x.list {
		if s := &x.list[i]; s.kind == k {
			n = addValue(seen[:], n, c.get(&events[s.first]))
		}
	}
	return n
}

// addValue adds v to the n values seen, if it is new, and returns how many there
// are now; at most len(seen).
func addValue(seen []uint64, n int, v uint64) int {
	for _, s := range seen[:n] {
		if s == v {
			return n
		}
	}
	if n < len(seen) {
		seen[n] = v
		n++
	}
	return n
}

// keys returns the bits of the chosen columns, and all bits that no column has.
func (cs *columns) keys(chosen uint64) (keys [numLanes]uint64) {
	for n, known := range cs.known {
		keys[n] = ^known
	}
	for i, c := range cs.list {
		if chosen>>i&1 != 0 {
			n, shift := c.lane()
			keys[n] |= c.mask() << shift
		}
	}
	return keys
}
