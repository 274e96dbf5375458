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

// mix spreads a sum of products over the bits of the hash.
func mix(sum uint64, k Kind) uint64 { return (sum^sum>>32)*0x9e3779b97f4a7c15&^0xff | uint64(k) }

// sort finds the shape of each event, and the steps of the times. Where there are
// too many shapes it changes keys, and makes one of those that differ no more.
func (x *sorter) sort(events []Event, time uint64) {
	x.table = [tableSize]hashed{}
	for i := range x.list { // of the block before
		k := &x.kinds[x.list[i].kind]
		k.within, k.shapes = [numLanes]uint64{}, 0
	}
	x.list = x.list[:0]
	for start := 0; start < len(events); start += sortChunk {
		part := events[start:min(start+sortChunk, len(events))]
		time = x.measure(part, x.steps[start:], time)
		x.number(events, start, len(part))
		x.compare(part, x.numbers[start:])
	}
	for _, n := range x.numbers[:len(events)] {
		x.list[n].count++
	}
	x.verify(len(events))
}

// measure sets the hashes of a part of the events, and the steps of its times. It
// returns the last time.
func (x *sorter) measure(part []Event, steps []uint64, time uint64) uint64 {
	hashes, steps := x.hashes[:len(part)], steps[:len(part)]
	for i := range part {
		e := &part[i]
		k := &x.kinds[e.Kind]
		hashes[i] = mix(k.front(e)+k.middle(e)+k.back(e), e.Kind) // as hash, without a call
		steps[i], time = e.Time-time, e.Time
	}
	return time
}

// number sets the numbers of the shapes that the hashes say, of n events from
// start on.
func (x *sorter) number(events []Event, start, n int) {
	numbers := x.numbers[start:][:n]
	for i, hash := range x.hashes[:n] {
		at := hash >> 55
		for x.table[at].hash != hash {
			if x.table[at].hash == 0 {
				at = x.add(events, start+i, n-i)
				break
			}
			at = (at + 1) % tableSize
		}
		numbers[i] = x.table[at].number
	}
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

// add makes the event at a place a new shape of its kind, unless one of those that
// there are has its keys once these have changed. It returns where the table has
// the shape. If keys changed, it renews the hashes of the n events from there on.
func (x *sorter) add(events []Event, at, n int) (place uint64) {
	e := &events[at]
	k := &x.kinds[e.Kind]
	changed := !k.ready
	if !k.ready {
		x.choose(events)
	}
	if k.shapes == maxKindShapes {
		x.makeRoom(e.Kind, at)
		changed = true
	}
	if len(x.list) == maxShapes {
		x.makeRoom(x.largest(), at)
		changed = true
	}
	for i := 0; changed && i < n; i++ {
		e := &events[at+i]
		x.hashes[at%sortChunk+i] = x.kinds[e.Kind].hash(e)
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
	x.table = [tableSize]hashed{}
	var numbers [maxShapes]uint8
	old := x.list
	x.list = x.list[:0]
	for i := range old {
		x.kinds[old[i].kind].shapes = 0
	}
	for i, s := range old {
		before := len(x.list)
		numbers[i] = x.table[x.shape(&x.firsts[i], s)].number
		if len(x.list) == before {
			x.list[numbers[i]].count += s.count
			x.compare(x.firsts[i:i+1], numbers[i:])
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
