package format

import "math/bits"

// What an encoder has to choose, it chooses from samples: which columns make
// the shapes of a kind, which predictor and how many low bytes a column gets.
// A bad choice costs space, never an event.
const (
	sampleEvents  = 128 // of a kind in a block
	maxKeyValues  = 16  // different values in a sample, in a column of shapes
	eventsAShape  = 8   // on the average, at least
	maxKindShapes = 96
	tableSize     = 512 // at least twice the shapes
	lowQuantile   = 10  // one difference in so many may need two bytes beside its low ones
)

type sample = [sampleEvents]uint64

// A chooser sorts events into shapes.
type chooser struct {
	keys  []key
	table [tableSize]uint16 // numbers of shapes, from 1, by hash; 0 free
}

// A key is the bits of a word by which shapes differ. Word NumWords is the ids.
type key struct {
	word   uint8
	mask   uint64
	factor uint64 // of its hash
}

func (e *Event) word(w uint8) uint64 {
	if w < NumWords {
		return e.W[w]
	}
	return uint64(e.Dom) | uint64(e.Server)<<16 | uint64(e.VCPU)<<32
}

// choose sorts the group's events into at most limit shapes, and returns which
// of the columns these hold, as bits.
func (x *chooser) choose(g *encGroup, cols *columns, events []Event, shapes []byte, base, limit int) (chosen uint64) {
	var different [64]int
	for i, c := range cols.list {
		if g.varies(c) {
			if n := keyValues(g, c, events); n > 0 {
				different[i] = n
				chosen |= 1 << i
			}
		}
	}
	limit = min(limit, maxKindShapes, 1+len(g.places)/eventsAShape)
	for {
		x.setKeys(g, cols, chosen)
		if x.sort(g, events, shapes, base, limit) {
			return chosen
		}
		worst := bits.TrailingZeros64(chosen)
		for i := range cols.list {
			if chosen>>i&1 != 0 && different[i] > different[worst] {
				worst = i
			}
		}
		chosen &^= 1 << worst
	}
}

// keyValues returns how many different values a sample of column c has, 0 if
// they are too many for shapes.
func keyValues(g *encGroup, c column, events []Event) int {
	var seen [maxKeyValues]uint64
	n, step := 0, 1+len(g.places)/sampleEvents
next:
	for i := 0; i < len(g.places); i += step {
		v := c.get(&events[g.places[i].at()])
		for _, s := range seen[:n] {
			if s == v {
				continue next
			}
		}
		if n == maxKeyValues {
			return 0
		}
		seen[n] = v
		n++
	}
	return n
}

// setKeys sets the keys to the bits of the chosen columns.
func (x *chooser) setKeys(g *encGroup, cols *columns, chosen uint64) {
	var masks [NumWords + 1]uint64
	for i, c := range cols.list {
		if chosen>>i&1 == 0 {
			continue
		}
		if c.slot < NumWords {
			masks[c.slot] |= c.mask() << c.shift
		} else {
			masks[NumWords] |= c.mask() << (16 * (c.slot - NumWords))
		}
	}
	x.keys = x.keys[:0]
	for w, m := range masks {
		if m != 0 {
			x.keys = append(x.keys, key{uint8(w), m, 0x9e3779b97f4a7c15 * uint64(2*w+1)})
		}
	}
}

// sort finds the shape of each event, and sets where the last event of the same
// shape was. It gives up when they are more than limit.
func (x *chooser) sort(g *encGroup, events []Event, shapes []byte, base, limit int) bool {
	clear(x.table[:])
	g.shapes = g.shapes[:0]
	var last [maxShapes]uint16
	for i, p := range g.places {
		at := p.at()
		s := 0
		if len(x.keys) > 0 || i == 0 {
			s = x.find(g, events, &events[at])
		}
		if s == len(g.shapes) {
			if s == limit {
				return false
			}
			g.shapes = append(g.shapes, uint16(at))
			last[s] = nowhere
		}
		g.places[i] = p.alike(last[s])
		last[s] = uint16(at)
		shapes[at] = byte(base + s)
	}
	return true
}

// find returns the number of e's shape, which is a new one if it is as large as
// their number; then it is in the table already.
func (x *chooser) find(g *encGroup, events []Event, e *Event) int {
	hash := uint64(0)
	for _, k := range x.keys {
		hash += e.word(k.word) & k.mask * k.factor
	}
	for i := hash >> 55; ; i++ {
		s := int(x.table[i%tableSize])
		if s == 0 {
			x.table[i%tableSize] = uint16(len(g.shapes) + 1)
			return len(g.shapes)
		}
		if x.same(&events[g.shapes[s-1]], e) {
			return s - 1
		}
	}
}

func (x *chooser) same(a, b *Event) bool {
	differ := uint64(0)
	for _, k := range x.keys {
		differ |= (a.word(k.word) ^ b.word(k.word)) & k.mask
	}
	return differ == 0
}

// predict returns the predictor that leaves the fewest bits in a sample.
func (x *blockEncoder) predict(g *encGroup, c column, events []Event) predictor {
	n := min(len(g.places), sampleEvents)
	from := (len(g.places) - n) / 2 // a stretch, as the one before counts
	best, least := predictZero, 1<<62
	for _, p := range [...]predictor{predictKind, predictShape, predictOther, predictZero} {
		values := x.sample[0][:n]
		x.differences(values, g.places[from:from+n], c, p, events)
		sum := 0
		for _, d := range values {
			sum += bits.Len64(zigzag(d))
		}
		if sum < least {
			best, least = p, sum
		}
	}
	return best
}

// differences sets values to those of column c less what p predicts.
func (x *blockEncoder) differences(values []uint64, places []place, c column, p predictor, events []Event) {
	switch {
	case c.slot >= numSlots:
		steps := x.steps[c.slot-slotTime]
		for i, p := range places {
			values[i] = steps[p.at()]
		}
		return
	case c.slot < NumWords:
		slot, shift, mask := c.slot, c.shift, c.mask()
		for i, p := range places {
			values[i] = events[p.at()].W[slot] >> shift & mask
		}
	default:
		for i, p := range places {
			values[i] = c.get(&events[p.at()])
		}
	}
	switch p {
	case predictKind:
		prev := uint64(0)
		for i, v := range values {
			values[i] = v - prev
			prev = v
		}
	case predictOther, predictShape:
		shift := p.shift()
		for i, at := range places {
			if from := at.before(shift); from < len(events) {
				values[i] -= c.get(&events[from])
			}
		}
	}
}

// codedAs chooses how differences are coded, and makes them unsigned.
func codedAs(values []uint64) encoding {
	signs := uint64(0)
	for _, d := range values {
		signs |= d
	}
	enc := formCoded
	if signs>>63 != 0 {
		enc |= encSigned
		for i, d := range values {
			values[i] = zigzag(d)
		}
	}
	var lengths [65]int
	n, step := 0, 1+len(values)/sampleEvents/8
	for i := 0; i < len(values); i += step {
		lengths[bits.Len64(values[i])]++
		n++
	}
	length, beyond := 64, 0
	for ; length > 0; length-- {
		if beyond += lengths[length]; beyond > n/lowQuantile {
			break
		}
	}
	return enc | encoding(min(length/8, 7))<<5
}
