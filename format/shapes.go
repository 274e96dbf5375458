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
	numbers [maxBlockEvents]uint8  // of each event's shape in list
	steps   [maxBlockEvents]uint64 // from the time of the event before to each
	linked  bool                   // what follows is that of the block at hand; it is to choose keys
	before  [maxBlockEvents]uint16 // the event before of the same kind
	last    [256]uint16            // the last event of each kind
	counts  [256]uint16            // how many each kind has
	known   [maxShapes]uint64      // hashes of the shapes; 0 where there is none
	table   [tableSize]hashed      // shapes by their hashes
	latest  [1 << latestBits]uint8 // a shape with such a hash, in front of the table: so sparse that hashes seldom meet
	keying  keying
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
	return mix(k.front(e)+k.middle(e)+k.back(e), e.Kind)
}

// front, middle and back are parts of the sum, each small enough to need no call.
func (k *kindShapes) front(e *Event) uint64 {
	return (e.W[0]&k.keys[0])*0x5bd1e995 + (e.W[1]&k.keys[1])*0x2c1b3c6d + (e.W[2]&k.keys[2])*0x297a2d39
}

func (k *kindShapes) middle(e *Event) uint64 {
	return (e.W[3]&k.keys[3])*0x7feb352d + (e.W[4]&k.keys[4])*0x68e31da5 + (e.W[5]&k.keys[5])*0x1b56c4e9
}

func (k *kindShapes) back(e *Event) uint64 {
	return (e.W[6]&k.keys[6])*0x31848bab + (e.W[7]&k.keys[7])*0x45d9f3b5 + (e.ids()&k.keys[laneIDs])*0x3c6ef373
}

// mix spreads a sum of products, and a kind, over the bits of the hash: the keys of
// two kinds are often the same.
func mix(sum uint64, k Kind) uint64 {
	sum += uint64(k) << 48
	return (sum^sum>>32)*0x9e3779b97f4a7c15&^0xff | uint64(k)
}

// sort finds the shape of each event, in which bits events differ from the first
// ones of their shapes, and the steps of the times. Where there are too many shapes
// it changes keys, and makes one of those that differ no more.
func (x *sorter) sort(events []Event, time uint64) {
	x.forget()
	for i := range x.list { // of the block before
		k := &x.kinds[x.list[i].kind]
		k.within, k.shapes = [numLanes]uint64{}, 0
	}
	x.list, x.linked = x.shapes[:0], false
	for n := 0; n < len(events); {
		if n, time = x.match(events, n, time); n < len(events) {
			x.look(events, n)
		}
	}
	x.verify(len(events))
}

// match sorts events from a place on, up to the first whose shape is not at hand,
// and returns the place of that, and the time of the one before. All of an event is
// looked at while it is in the nearest cache.
func (x *sorter) match(events []Event, from int, time uint64) (next int, last uint64) {
	numbers, steps := x.numbers[:len(events)], x.steps[:len(events)]
	for i := from; i < len(events); i++ {
		e := &events[i]
		k := &x.kinds[e.Kind]
		hash := mix(k.front(e)+k.middle(e)+k.back(e), e.Kind) // as hash, without a call
		n := x.latest[hash>>(64-latestBits)]
		if x.known[n] != hash {
			return i, time
		}
		first := &x.firsts[n]
		k.differFront(e, first)
		k.differMiddle(e, first)
		k.differBack(e, first)
		x.shapes[n].count++
		numbers[i] = n
		steps[i], time = e.Time-time, e.Time
	}
	return len(events), time
}

// differFront, differMiddle and differBack note in which bits e differs from the
// first event of its shape, each small enough to need no call.
func (k *kindShapes) differFront(e, first *Event) {
	k.within[0] |= e.W[0] ^ first.W[0]
	k.within[1] |= e.W[1] ^ first.W[1]
	k.within[2] |= e.W[2] ^ first.W[2]
}

func (k *kindShapes) differMiddle(e, first *Event) {
	k.within[3] |= e.W[3] ^ first.W[3]
	k.within[4] |= e.W[4] ^ first.W[4]
	k.within[5] |= e.W[5] ^ first.W[5]
}

func (k *kindShapes) differBack(e, first *Event) {
	k.within[6] |= e.W[6] ^ first.W[6]
	k.within[7] |= e.W[7] ^ first.W[7]
	k.within[laneIDs] |= e.ids() ^ first.ids()
}

// look has the shape of the event at a place at hand, which is added if there is
// none with its hash.
func (x *sorter) look(events []Event, at int) {
	e := &events[at]
	hash := x.kinds[e.Kind].hash(e)
	place := hash >> 55
	for x.table[place].hash != hash {
		if x.table[place].hash == 0 {
			place = x.add(events, at)
			break
		}
		place = (place + 1) % tableSize
	}
	found := &x.table[place]
	x.latest[found.hash>>(64-latestBits)] = found.number
}

// forget empties the table.
func (x *sorter) forget() { x.known, x.table = [maxShapes]uint64{}, [tableSize]hashed{} }

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

// dropKeys leaves one shape.
func (k *kindShapes) dropKeys() { k.keys, k.chosen = [numLanes]uint64{}, 0 }

// shape returns where the table has the shape of e, which is added as s if there
// is none.
func (x *sorter) shape(e *Event, s encShape) (place uint64) {
	k := &x.kinds[e.Kind]
	hash := k.hash(e)
	for place = hash >> 55; x.table[place].hash != hash; place = (place + 1) % tableSize {
		if x.table[place].hash == 0 {
			x.table[place] = hashed{hash, uint8(len(x.list))}
			x.known[len(x.list)] = hash
			x.firsts[len(x.list)] = *e
			x.list = append(x.list, s)
			k.shapes++
			break
		}
	}
	return place
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
			k.differFront(e, first)
			k.differMiddle(e, first)
			k.differBack(e, first)
		}
	}
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
