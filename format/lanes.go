package format

// The lanes of an event: its words, its ids in one, and the differences of its
// time and its sequence number to those of the event before.
const (
	laneIDs  = NumWords
	laneTime = NumWords + 1
	laneSeq  = NumWords + 2
	numLanes = NumWords + 3
)

// lanes hold the events of a block sorted by kind, one lane behind another.
type lanes struct {
	groups []encGroup
	group  [256]uint8 // number of each kind's group
	kinds  []byte     // of the events, in their order
	lane   [numLanes]lane
	other  [maxBlockEvents]uint16 // the last event of the group before, for predictOther
	alike  [maxBlockEvents]uint16 // the last event of the same shape, for predictShape
	sorted [maxBlockEvents]uint8  // shapes
}

// A lane is a little longer than a block, so that the same place in several
// lanes is not in the same set of the processor's cache.
type lane [maxBlockEvents + 8]uint64

// An encGroup is the events of one kind: [start, end) of the lanes.
type encGroup struct {
	kind             Kind
	start, end, next int
	first            [numLanes]uint64 // of the first event
	differ           [numLanes]uint64 // bits that are not the same in all events
	within           [laneTime]uint64 // in all of a shape
	shapes           []uint16         // the first event of each shape
}

// count makes a group of each kind that events have.
func (x *lanes) count(events []Event) {
	var counts [256]int
	x.kinds = resize(x.kinds, len(events))
	for i := range events {
		k := events[i].Kind
		x.kinds[i] = byte(k)
		counts[k]++
	}
	x.groups = x.groups[:0]
	start := 0
	for k, n := range counts {
		if n == 0 {
			continue
		}
		x.group[k] = uint8(len(x.groups))
		x.groups = resize(x.groups, len(x.groups)+1)
		g := &x.groups[len(x.groups)-1]
		*g = encGroup{kind: Kind(k), start: start, end: start + n, next: start, shapes: g.shapes[:0]}
		start += n
	}
}

// fill sorts events into the lanes.
func (x *lanes) fill(events []Event, h *blockHeader, unit uint64) {
	var next [256]int
	var last [256]uint16 // event of each group, from 1; of the first, there is none before
	for i := range x.groups {
		next[i], last[i] = x.groups[i].start, nowhere
	}
	time, seq := h.firstTime/unit, h.firstSeq-1
	l := &x.lane
	for i := range events {
		e := &events[i]
		t := e.Time
		if unit > 1 {
			t /= unit
		}
		n := x.group[e.Kind]
		at := next[n] % maxBlockEvents
		next[n] = at + 1
		x.other[at] = last[n]
		last[n+1] = uint16(at)
		l[0][at], l[1][at], l[2][at], l[3][at] = e.W[0], e.W[1], e.W[2], e.W[3]
		l[4][at], l[5][at], l[6][at], l[7][at] = e.W[4], e.W[5], e.W[6], e.W[7]
		l[laneIDs][at], l[laneTime][at], l[laneSeq][at] = e.ids(), t-time, e.Seq-seq
		time, seq = t, e.Seq
	}
}

// ids returns the ids of e in one word.
func (e *Event) ids() uint64 { return uint64(e.Dom) | uint64(e.Server)<<16 | uint64(e.VCPU)<<32 }

// lane returns where the lanes have the column.
func (c column) lane() (lane, shift uint8) {
	switch {
	case c.slot < NumWords:
		return c.slot, c.shift
	case c.slot < numSlots:
		return laneIDs, idBits * (c.slot - NumWords)
	}
	return c.slot - slotTime + laneTime, 0
}

// value returns the value that column c has at a place in the lanes.
func (x *lanes) value(c column, at int) uint64 {
	n, shift := c.lane()
	return x.lane[n][at] >> shift & c.mask()
}

// differences sets values to those of column c, from place start on, less what
// p predicts.
func (x *lanes) differences(values []uint64, start int, c column, p predictor) {
	n, shift := c.lane()
	mask, all := c.mask(), &x.lane[n]
	for i, v := range all[start:][:len(values)] {
		values[i] = v >> (shift & 63) & mask
	}
	from := &x.other
	switch p {
	case predictZero:
		return
	case predictKind:
		prev := uint64(0)
		for i, v := range values {
			values[i] = v - prev
			prev = v
		}
		return
	case predictShape:
		from = &x.alike
	}
	for i, at := range from[start:][:len(values)] {
		if at != nowhere {
			values[i] -= all[at] >> (shift & 63) & mask
		}
	}
}

// measure finds out which bits differ in the group.
func (x *lanes) measure(g *encGroup) {
	for n := range x.lane {
		_, g.differ[n] = bitsOf(x.lane[n][g.start:g.end])
		g.first[n] = x.lane[n][g.start]
	}
}

// bitsOf returns which bits are set in some of the values, and which differ.
func bitsOf(values []uint64) (some, differ uint64) {
	all := values[0]
	for len(values) >= 4 {
		a, b, c, d := values[0], values[1], values[2], values[3]
		some |= a | b | (c | d)
		all &= a & b & (c & d)
		values = values[4:]
	}
	for _, v := range values {
		some |= v
		all &= v
	}
	return some, some &^ all
}

// fits says whether these columns hold all that the group's events have.
func (g *encGroup) fits(cs *columns) bool {
	for w, known := range cs.known {
		if (g.first[w]|g.differ[w])&^known != 0 {
			return false
		}
	}
	for s := uint8(NumWords); s < numSlots; s++ {
		shift := idBits * (s - NumWords)
		if !cs.has[s] && (g.first[laneIDs]>>shift&0xffff != absent[s] || g.differ[laneIDs]>>shift&0xffff != 0) {
			return false
		}
	}
	return true
}

// varies says whether column c has more than one value in the group.
func (g *encGroup) varies(c column) bool {
	n, shift := c.lane()
	return g.differ[n]>>shift&c.mask() != 0
}

// variesWithin says whether column c, of a word or an id, has more than one value
// in a shape.
func (g *encGroup) variesWithin(c column) bool {
	n, shift := c.lane()
	return g.within[n]>>shift&c.mask() != 0
}
