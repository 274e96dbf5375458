package format

import "math/bits"

// maxKeyValues is how many values a column of keys may have in a sample.
const maxKeyValues = 24

// choose chooses the keys of those kinds of the events that have none.
func (x *sorter) choose(events []Event) {
	if !x.linked {
		x.link(events)
	}
	for k, n := range x.counts {
		if n > 0 && !x.kinds[k].ready {
			x.chooseFor(Kind(k), events, x.last[k], int(n))
		}
	}
}

// link finds the events of each kind of the block.
func (x *sorter) link(events []Event) {
	x.counts, x.linked = [256]uint16{}, true
	for i := range events {
		k := events[i].Kind
		x.before[i], x.last[k] = x.last[k], uint16(i)
		x.counts[k]++
	}
}

// chooseFor chooses the keys of kind k, which has count events, the last of them
// at a place: as many columns as a sample leaves few shapes with.
func (x *sorter) chooseFor(k Kind, events []Event, last uint16, count int) {
	s := &x.kinds[k]
	s.chosen, s.ready, s.fresh = 1<<len(columnsFor(k).list)-1, true, true
	x.keying.begin(k)
	for i, step := 0, 1+count/sampleEvents; i < count; i++ {
		if i%step == 0 {
			x.keying.add(&events[last])
		}
		last = x.before[last]
	}
	for i := range x.keying.columns {
		if x.keying.numbers[i].values > maxKeyValues {
			s.chosen &^= 1 << i
		}
	}
	x.keying.narrow(s, 1+min(count/eventsAShape, maxKindShapes/2))
}

// coarsen takes away keys of kind k until no more than so many of its shapes
// differ.
func (x *sorter) coarsen(k Kind, most int) {
	x.keying.begin(k)
	for i := range x.list {
		if x.list[i].kind == k {
			x.keying.add(&x.firsts[i])
		}
	}
	x.keying.narrow(&x.kinds[k], most)
}

// A keying compares some events of one kind, to find which columns can be keys.
type keying struct {
	columns []column
	n       int
	outside kindShapes                // its keys are what is in no column
	rest    [sampleEvents]uint64      // hashes of that
	numbers [maxColumnsKind]numbering // by column
	hashes  [sampleEvents]uint64      // sums over the columns that are keys

	distinct numbering // of the sums
}

// maxColumnsKind is how many columns a kind has at most.
const maxColumnsKind = 64

// begin forgets all events, for those of kind k.
func (y *keying) begin(k Kind) {
	cols := columnsFor(k)
	y.columns, y.n = cols.list, 0
	for n, known := range cols.known {
		y.outside.keys[n] = ^known
	}
	for i := range y.columns {
		y.numbers[i].reset()
	}
}

// add adds an event, one of at most sampleEvents.
func (y *keying) add(e *Event) {
	y.rest[y.n] = y.outside.hash(e)
	for i, c := range y.columns {
		y.numbers[i].add(y.n, c.get(e))
	}
	y.n++
}

// narrow takes away keys until no more than so many events differ. Columns that
// go together, as a thread and its port do, are worth nothing one by one: they go
// at once, and those go first that make the most difference for each of them.
func (y *keying) narrow(s *kindShapes, most int) {
	for {
		y.sum(s.chosen)
		now := y.differing(0)
		if now <= most {
			s.keys = y.keys(s.chosen)
			return
		}
		worst, gain := uint64(0), -1
		for left := s.chosen; left != 0; {
			g := y.together(left)
			left &^= g
			if n := (now - y.differing(g)) * maxColumnsKind / bits.OnesCount64(g); n > gain {
				worst, gain = g, n
			}
		}
		if worst == 0 { // what differs is in no column
			s.dropKeys()
			return
		}
		s.chosen &^= worst
	}
}

// keys returns the bits of the columns of a set, and all bits that are in none.
func (y *keying) keys(set uint64) (keys [numLanes]uint64) {
	keys = y.outside.keys
	for ; set != 0; set &= set - 1 {
		c := y.columns[bits.TrailingZeros64(set)]
		n, shift := c.lane()
		keys[n] |= c.mask() << shift
	}
	return keys
}

// together returns those of the columns in set that go with the first of them:
// where one has another value, the others have, too.
func (y *keying) together(set uint64) (g uint64) {
	first := &y.numbers[bits.TrailingZeros64(set)]
	for ; set != 0; set &= set - 1 {
		if i := bits.TrailingZeros64(set); y.numbers[i].of == first.of {
			g |= 1 << i
		}
	}
	return g
}

// sum adds up the numbers that each event has in the columns of a set, each times
// a factor, and what is in no column.
func (y *keying) sum(set uint64) {
	y.hashes = y.rest
	y.addTimes(set, 1)
}

// addTimes adds the numbers in the columns of a set so many times to the sums.
func (y *keying) addTimes(set, times uint64) {
	for ; set != 0; set &= set - 1 {
		i := bits.TrailingZeros64(set)
		factor := bits.RotateLeft64(0x9e3779b97f4a7c15, 3*i) * times
		for j, n := range y.numbers[i].of[:y.n] {
			y.hashes[j] += uint64(n) * factor
		}
	}
}

// differing returns how many of the events differ in what was summed up, but for
// the columns of a set.
func (y *keying) differing(but uint64) int {
	y.addTimes(but, ^uint64(0))
	y.distinct.reset()
	for i, h := range y.hashes[:y.n] {
		y.distinct.add(i, h)
	}
	y.addTimes(but, 1)
	return y.distinct.values
}
