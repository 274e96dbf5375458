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

// A chooser sorts events into shapes.
type chooser struct {
	keys   []shapeKey
	hashes []uint64          // of the keys of a group's events
	table  [tableSize]hashed // shapes by their hashes
	sample [sampleEvents]uint64
}

// A shapeKey is the bits of a lane by which the shapes of a group differ.
type shapeKey struct {
	number int // of the lane
	lane   []uint64
	mask   uint64
}

// hashed is a shape's hash, and its number from 1; 0 is a free place.
type hashed struct {
	hash   uint64
	number uint16
}

// choose sorts the group's events into at most limit shapes, by the values of
// columns that have few.
func (x *chooser) choose(l *lanes, g *encGroup, cols *columns, first, limit int) {
	var different [64]int
	chosen := uint64(0)
	for i, c := range cols.list {
		if g.varies(c) {
			if different[i] = l.keyValues(g, c); different[i] > 0 {
				chosen |= 1 << i
			}
		}
	}
	limit = min(limit, maxKindShapes, 1+(g.end-g.start)/eventsAShape)
	for {
		x.setKeys(l, g, cols, chosen)
		if x.sort(l, g, first, limit) {
			return
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
func (x *lanes) keyValues(g *encGroup, c column) int {
	var seen [maxKeyValues]uint64
	n, step := 0, 1+(g.end-g.start)/sampleEvents
next:
	for at := g.start; at < g.end; at += step {
		v := x.value(c, at)
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
func (x *chooser) setKeys(l *lanes, g *encGroup, cols *columns, chosen uint64) {
	var masks [numLanes]uint64
	for i, c := range cols.list {
		if chosen>>i&1 != 0 {
			n, shift := c.lane()
			masks[n] |= c.mask() << shift
		}
	}
	x.keys = x.keys[:0]
	for n, m := range masks {
		if m != 0 {
			x.keys = append(x.keys, shapeKey{n, l.lane[n][g.start:g.end], m})
		}
	}
}

// sort finds the shape of each event and the last event of the same shape. It
// gives up when there are more than limit.
func (x *chooser) sort(l *lanes, g *encGroup, first, limit int) bool {
	x.hash(g.end - g.start)
	clear(x.table[:])
	g.shapes = g.shapes[:0]
	var last [maxShapes]uint16
	sorted, alike := l.sorted[g.start:g.end], l.alike[g.start:g.end]
	for i, h := range x.hashes {
		slot := h >> 55
		s := x.table[slot]
		for s.number != 0 && s.hash != h {
			slot = (slot + 1) % tableSize
			s = x.table[slot]
		}
		if s.number == 0 {
			if len(g.shapes) == limit {
				return false
			}
			g.shapes = append(g.shapes, uint16(g.start+i))
			s = hashed{h, uint16(len(g.shapes))}
			x.table[slot], last[s.number-1] = s, nowhere
		}
		n := (s.number - 1) % maxShapes
		sorted[i], alike[i] = byte(n), last[n]
		last[n] = uint16(g.start + i)
	}
	return x.verify(l, g, sorted, first)
}

// hash sets the hashes of n events' keys.
func (x *chooser) hash(n int) {
	x.hashes = resize(x.hashes, n)
	clear(x.hashes)
	for _, k := range x.keys {
		hashes := x.hashes[:len(k.lane)]
		for i, v := range k.lane {
			h := (hashes[i] ^ v&k.mask) * 0x9e3779b97f4a7c15
			hashes[i] = h ^ h>>32
		}
	}
}

// verify finds out which bits differ among events of one shape: those of the
// keys do where hashes agree though the keys do not. Columns that are no keys may
// depend on them, as the process does on the server. It makes the first shape's
// number first.
func (x *chooser) verify(l *lanes, g *encGroup, sorted []byte, first int) bool {
	for n, differ := range g.differ[:laneTime] {
		if differ == 0 {
			g.within[n] = 0
			continue
		}
		var shape [maxShapes]uint64
		for s, at := range g.shapes {
			shape[s] = l.lane[n][at]
		}
		within := uint64(0)
		for i, v := range l.lane[n][g.start:][:len(sorted)] {
			within |= v ^ shape[sorted[i]]
		}
		g.within[n] = within
	}
	for _, k := range x.keys {
		if g.within[k.number]&k.mask != 0 {
			return false
		}
	}
	for i := range sorted {
		sorted[i] += byte(first)
	}
	return true
}

// predict returns the predictor that leaves the fewest bits in a sample.
func (x *chooser) predict(l *lanes, g *encGroup, c column) predictor {
	n := min(g.end-g.start, sampleEvents)
	start := (g.start + g.end - n) / 2 // a stretch, as the one before counts
	best, least := predictZero, 1<<62
	for _, p := range [...]predictor{predictKind, predictShape, predictOther, predictZero} {
		values := x.sample[:n]
		l.differences(values, start, c, p)
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

// codedAs chooses how differences are coded, and makes them unsigned. some are
// the bits set in some of them.
func codedAs(values []uint64, some uint64) encoding {
	enc := formCoded
	if some>>63 != 0 {
		enc |= encSigned
		for i, d := range values {
			values[i] = zigzag(d)
		}
	}
	var lengths [65]int
	n, step := 0, 1+len(values)/sampleEvents/4
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
