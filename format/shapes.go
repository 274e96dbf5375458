package format

// Limits of shapes.
const (
	maxKindShapes = 96
	eventsAShape  = 8 // on the average, at least, where keys are chosen
	tableSize     = 2 * maxShapes
	latestBits    = 12
)

// The lanes of an event: its words, and its ids in one.
const (
	laneIDs  = NumWords
	numLanes = NumWords + 1
)

// ids returns the ids of e in one word.
func (e *Event) ids() uint64 { return uint64(e.Dom) | uint64(e.Server)<<16 | uint64(e.VCPU)<<32 }

// tag returns the ids and the kind of e in one word: two events of different kinds
// differ in kindBits.
func (e *Event) tag() uint64 { return e.ids() | uint64(e.Kind)<<48 }

const kindBits = 0xffff << 48

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
	shapes  [maxShapes]encShape
	list    []encShape             // those of shapes that there are
	firsts  [maxShapes]Event       // the first event of each shape
	tags    [maxShapes]uint64      // the tags of those; 0 where there is none
	numbers [maxBlockEvents]uint8  // of each event's shape in list
	steps   [maxBlockEvents]uint64 // from the time of the event before to each
	linked  bool                   // what follows is that of the block at hand; it is to choose keys
	before  [maxBlockEvents]uint16 // the event before of the same kind
	last    [256]uint16            // the last event of each kind
	counts  [256]uint16            // how many each kind has
	table   [tableSize]hashed      // shapes by their hashes
	latest  [1 << latestBits]uint8 // a shape to try first, so sparse that it seldom is another one's place
	keying  keying
}

// kindShapes is how events of one kind are sorted.
type kindShapes struct {
	keys   [numLanes]uint64 // bits by which shapes differ
	within [numLanes]uint64 // bits that differ among events of one shape
	same   [numLanes]uint64 // all others
	short  bool             // no event has bits in other words than the first two
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

// sort finds the shape of each event, in which bits events differ from the first
// ones of their shapes, and the steps of the times. Where there are too many shapes
// it changes keys, and makes one of those that differ no more.
func (x *sorter) sort(events []Event, time uint64) {
	x.forget()
	for i := range x.list { // of the block before
		k := &x.kinds[x.list[i].kind]
		k.within, k.shapes = [numLanes]uint64{}, 0
		x.tags[i] = 0
	}
	if x.list == nil { // the first block
		x.distinguish()
	}
	x.list, x.linked = x.shapes[:0], false
	for n := 0; n < len(events); {
		if n, time = x.match(events, n, time); n < len(events) {
			x.look(events, n)
		}
	}
	x.verify(len(events))
}

// distinguish makes the kind a key of kinds of which nothing was seen yet.
func (x *sorter) distinguish() {
	for i := range x.kinds {
		k := &x.kinds[i]
		k.same[laneIDs], k.keys[laneIDs] = kindBits, kindBits
	}
}

// forget empties the table.
func (x *sorter) forget() { x.table = [tableSize]hashed{} }

// add makes the event at a place a new shape of its kind, unless one of those that
// there are has its keys once these have changed. It returns where the table has
// the shape.
func (x *sorter) add(events []Event, at int) (place uint64) {
	e := &events[at]
	k := &x.kinds[e.Kind]
	if !k.ready {
		x.choose(events)
	}
	if k.shapes == maxKindShapes {
		x.makeRoom(e.Kind, at)
	}
	if len(x.list) == maxShapes {
		x.makeRoom(x.largest(), at)
	}
	return x.shape(e, encShape{kind: e.Kind})
}

// makeRoom makes a quarter of the shapes of kind k, or at least one, the same as
// others, for the first n events.
func (x *sorter) makeRoom(k Kind, n int) {
	s := &x.kinds[k]
	before := s.shapes
	x.coarsen(k, before*3/4)
	if x.merge(n); s.shapes == before { // its hashes were made to agree
		s.dropKeys()
		x.merge(n)
	}
}

// dropKeys leaves one shape, and the kind as its key.
func (k *kindShapes) dropKeys() { k.keys, k.chosen = [numLanes]uint64{laneIDs: kindBits}, 0 }

// shape returns where the table has the shape of e, which is added as s if there
// is none.
func (x *sorter) shape(e *Event, s encShape) (place uint64) {
	k := &x.kinds[e.Kind]
	hash := k.hash(e)
	for place = hash >> 55; x.table[place].hash != hash; place = (place + 1) % tableSize {
		if x.table[place].hash == 0 {
			n := len(x.list)
			x.table[place] = hashed{hash, uint8(n)}
			x.firsts[n], x.tags[n] = *e, e.tag()
			x.list = append(x.list, s)
			k.begin(e)
			break
		}
	}
	return place
}

// begin counts a shape whose first event is e.
func (k *kindShapes) begin(e *Event) {
	if k.shapes == 0 {
		k.short = columnsFor(e.Kind).short
	}
	k.short = k.short && e.beyond() == 0
	k.shapes++
	k.differ(e, e)
}

// merge makes one of those shapes that differ in keys no more, for the first n
// events.
func (x *sorter) merge(n int) {
	x.forget()
	var numbers [maxShapes]uint8
	old := x.list
	x.list = x.shapes[:0]
	for i := range old {
		x.kinds[old[i].kind].shapes = 0
	}
	for i, s := range old {
		before := len(x.list)
		numbers[i] = x.table[x.shape(&x.firsts[i], s)].number
		if len(x.list) == before {
			x.list[numbers[i]].count += s.count
			k, e, first := &x.kinds[s.kind], &x.firsts[i], &x.firsts[numbers[i]]
			k.differ(e, first)
		}
	}
	clear(x.tags[len(x.list):len(old)])
	for i, m := range x.numbers[:n] {
		x.numbers[i] = numbers[m]
	}
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

// verify looks at the shapes of the whole block, of n events. It finds keys that
// differ within a shape, because hashes agree though the keys do not: nobody does
// that but on purpose, so their kinds get no keys. New keys must pay for their
// shapes.
func (x *sorter) verify(n int) {
	var counts [256]int
	for i := range x.list {
		counts[x.list[i].kind] += x.list[i].count
	}
	changed := false
	for kind, count := range counts {
		k := &x.kinds[kind]
		switch {
		case count == 0:
		case k.collide():
			k.dropKeys()
			changed = true
		case k.fresh && k.shapes > 1+count/eventsAShape:
			x.coarsen(Kind(kind), 1+count/eventsAShape)
			changed = true
		}
		k.fresh = false
	}
	if changed {
		x.merge(n)
	}
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
