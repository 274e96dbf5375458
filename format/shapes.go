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

// sortChunk is how many events are sorted at once, so that they stay in the cache.
const sortChunk = 256

// A sorter sorts the events of a block into shapes: those of one kind that have
// the same keys. Keys are kept from block to block.
type sorter struct {
	kinds   [256]kindShapes
	list    []encShape
	firsts  [maxShapes]Event       // the first event of each shape
	numbers [maxBlockEvents]uint8  // of each event's shape in list
	steps   [maxBlockEvents]uint64 // from the time of the event before to each
	before  [maxBlockEvents]uint16 // to choose keys: the event before of the same kind
	hashes  [sortChunk]uint64
	table   [tableSize]hashed // shapes by their hashes
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

// hashed is the number of the shape with a hash; that of a free place is 0.
type hashed struct {
	hash   uint64
	number uint8
}

// An encShape is a shape of the block.
type encShape struct {
	kind   Kind
	number uint8 // in the payload
	count  int
}

// hash returns a hash of e's keys whose low byte is the kind, so that kinds never
// share one and it is not 0. It is a sum of products, which a processor works out
// side by side, with factors that fit into its instructions.
func (k *kindShapes) hash(e *Event) uint64 {
	w, m := &e.W, &k.keys
	h := (w[0]&m[0])*0x5bd1e995 + (w[1]&m[1])*0x2c1b3c6d + (w[2]&m[2])*0x297a2d39 + (w[3]&m[3])*0x7feb352d
	h += (w[4]&m[4])*0x68e31da5 + (w[5]&m[5])*0x1b56c4e9 + (w[6]&m[6])*0x31848bab + (w[7]&m[7])*0x45d9f3b5
	h += (e.ids() & m[laneIDs]) * 0x3c6ef373
	return (h^h>>32)*0x9e3779b97f4a7c15&^0xff | uint64(e.Kind)
}

// sort finds the shape of each event, and the steps of the times. If keys are
// missing, or make too many shapes, it changes them and returns false.
func (x *sorter) sort(events []Event, time uint64) bool {
	x.table = [tableSize]hashed{}
	for i := range x.list { // of the block before, or of another try
		k := &x.kinds[x.list[i].kind]
		k.within, k.shapes = [numLanes]uint64{}, 0
	}
	x.list = x.list[:0]
	for start := 0; start < len(events); start += sortChunk {
		part := events[start:min(start+sortChunk, len(events))]
		time = x.measure(part, x.steps[start:], time)
		if !x.number(part, x.numbers[start:], events) {
			return false
		}
		x.compare(part, x.numbers[start:])
	}
	var counts [maxShapes]int
	for _, n := range x.numbers[:len(events)] {
		counts[n]++
	}
	for i := range x.list {
		x.list[i].count = counts[i]
	}
	return x.verify()
}

// measure sets the hashes of a part of the events, and the steps of its times. It
// returns the last time.
func (x *sorter) measure(part []Event, steps []uint64, time uint64) uint64 {
	hashes, steps := x.hashes[:len(part)], steps[:len(part)]
	for i := range part {
		e := &part[i]
		hashes[i] = x.kinds[e.Kind].hash(e)
		steps[i], time = e.Time-time, e.Time
	}
	return time
}

// number sets the numbers of the shapes that the hashes say.
func (x *sorter) number(part []Event, numbers []uint8, events []Event) bool {
	numbers = numbers[:len(part)]
	for i, hash := range x.hashes[:len(part)] {
		at := hash >> 55
		for x.table[at].hash != hash {
			if x.table[at].hash == 0 {
				if !x.add(&part[i], events) {
					return false
				}
				x.table[at] = hashed{hash, uint8(len(x.list) - 1)}
				break
			}
			at = (at + 1) % tableSize
		}
		numbers[i] = x.table[at].number
	}
	return true
}

// compare notes in which bits events differ from the first ones of their shapes.
func (x *sorter) compare(part []Event, numbers []uint8) {
	numbers = numbers[:len(part)]
	for i := range part {
		e, first := &part[i], &x.firsts[numbers[i]]
		w := &x.kinds[e.Kind].within
		w[0] |= e.W[0] ^ first.W[0]
		w[1] |= e.W[1] ^ first.W[1]
		w[2] |= e.W[2] ^ first.W[2]
		w[3] |= e.W[3] ^ first.W[3]
		w[4] |= e.W[4] ^ first.W[4]
		w[5] |= e.W[5] ^ first.W[5]
		w[6] |= e.W[6] ^ first.W[6]
		w[7] |= e.W[7] ^ first.W[7]
		w[laneIDs] |= e.ids() ^ first.ids()
	}
}

// add makes e a new shape of its kind, or changes keys and returns false.
func (x *sorter) add(e *Event, events []Event) bool {
	k := &x.kinds[e.Kind]
	switch {
	case !k.ready:
		x.choose(events)
		return false
	case k.shapes == maxKindShapes:
		x.coarsen(e.Kind, k.shapes*3/4)
		return false
	case len(x.list) == maxShapes:
		largest := x.largest()
		x.coarsen(largest, x.kinds[largest].shapes*3/4)
		return false
	}
	k.shapes++
	x.firsts[len(x.list)] = *e
	x.list = append(x.list, encShape{kind: e.Kind})
	return true
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
func (x *sorter) verify() bool {
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
			x.coarsen(Kind(kind), 1+n/eventsAShape)
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
func (x *sorter) coarsen(k Kind, most int) {
	s, cols := &x.kinds[k], columnsFor(k)
	for x.differing(k) > most {
		worst, values := -1, 1
		for i, c := range cols.list {
			if s.chosen>>i&1 != 0 {
				if n := x.shapeValues(k, c); n > values {
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
func (x *sorter) differing(k Kind) (n int) {
	var seen [maxKindShapes]uint64
	for i := range x.list {
		if x.list[i].kind == k {
			n = addValue(seen[:], n, x.kinds[k].hash(&x.firsts[i]))
		}
	}
	return n
}

// shapeValues returns how many values the shapes of kind k have in column c.
func (x *sorter) shapeValues(k Kind, c column) (n int) {
	var seen [maxKindShapes]uint64
	for i := range x.list {
		if x.list[i].kind == k {
			n = addValue(seen[:], n, c.get(&x.firsts[i]))
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
