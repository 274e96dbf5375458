package format

// decodeChunk is how many events are decoded at once: 88 KiB of them, which stay
// in the second cache until all their columns are filled in.
const decodeChunk = 1024

// placeStride is how far apart the places of two groups are: so that those of all do
// not share a few lines of the first cache.
const placeStride = decodeChunk + 72

// A blockDecoder turns a payload back into events (FORMAT.md, "Payload"). It
// trusts nothing in it: a payload with a right checksum may still come from a
// broken or hostile writer.
//
// It works through the block in chunks. Each event starts as a copy of its
// shape, which holds all that the directory says about it, and gets its time;
// then each coded column is filled in. Of a chunk that was handed out it keeps
// copies of those events only that later ones may be the pairs of.
type blockDecoder struct {
	directory
	left    []byte                // shapes of the events that were not decoded yet
	sparse  bool                  // they have numbers
	next    [256]uint32           // place of the next event of each group
	places  []place               // placeStride for each group, of its events in the chunk
	pairs   [2 * maxShapes]uint16 // position of the last event with each pair of section and ids
	kept    [maxShapes]Event      // such events of chunks before, at positions from decodeChunk on
	values  [decodeChunk]uint64   // of the column at hand
	steps   [decodeChunk]uint64   // of the times in the chunk
	escaped [decodeChunk]uint16   // which of values or steps are escapes
	times   []byte                // codes of times, laneSlack bytes of anything behind them
	bit     uint                  // of the next one
	escapes varints               // of times
	numbers varints               // differences of sequence numbers, of sparse blocks
	time    uint64                // of the event before the chunk
	seq     uint64                // likewise
	lastSeq uint64                // of the block, as the header says

	firstTime, span     uint64 // of the block, as the header says
	inner               uint64 // times behind the earliest that are not at or beyond the end
	first, last, beyond bool   // there are events at its ends, or beyond

	padded []byte // a payload that had no slack
}

// open makes ready to decode payload b, which must hold exactly the events that the
// header says, and must not change until they are decoded. It is faster if b has a
// capacity of laneSlack bytes more.
func (x *blockDecoder) open(b []byte, h *blockHeader) error {
	n := int(h.count)
	if len(b) < n+sizeBytes {
		return malformed("payload ends early")
	}
	if cap(b)-len(b) < laneSlack {
		x.padded = append(append(x.padded[:0], b...), make([]byte, laneSlack)...)
		b = x.padded[:len(b)]
	}
	x.left, b = b[:n], b[n:]
	size := le.Uint32(b)
	if b = b[sizeBytes:]; uint64(size) > uint64(len(b)) {
		return malformed("payload ends early")
	}
	if err := x.parse(b[:size], n); err != nil {
		return err
	}
	if err := x.count(x.left); err != nil {
		return err
	}
	x.sparse = h.flags&blockSparse != 0
	if err := x.cut(b[size:]); err != nil {
		return err
	}
	x.begin(h)
	return nil
}

// opening returns the kind of the block's first event, before that is decoded.
func (x *blockDecoder) opening() Kind { return x.groups[x.marks[x.left[0]].group].kind }

// cut gives times and columns their lanes, which fill b.
func (x *blockDecoder) cut(b []byte) error {
	r := varints{b: b}
	for i := range x.columns {
		c := &x.columns[i]
		at := len(b) - len(r.b)
		r.cut(x.groups[c.group].count * int(c.enc.size()))
		c.codes = b[at : len(b)+laneSlack]
	}
	x.escapes = varints{b: r.cut(x.late)}
	for i := range x.columns {
		c := &x.columns[i]
		c.escapes = varints{b: r.cut(c.late)}
		if c.enc.form() == formRare {
			c.until = c.escapes.gap()
		}
	}
	bits := 0
	for _, g := range x.groups {
		bits += g.count * int(g.width)
	}
	rest := len(r.b) - (bits+7)/8
	if r.bad || rest < 0 || !x.sparse && rest > 0 {
		return malformed("lanes of %d bytes", len(b))
	}
	x.numbers = varints{b: r.cut(rest)}
	x.times, x.bit = r.b[:len(r.b)+laneSlack], 0
	return nil
}

// begin makes ready for the first chunk.
func (x *blockDecoder) begin(h *blockHeader) {
	x.places = resize(x.places, len(x.groups)*placeStride)
	for i := range x.pairs {
		x.pairs[i] = nowhere
	}
	x.time, x.seq, x.lastSeq = h.firstTime, h.firstSeq-1, h.lastSeq
	x.firstTime, x.span = h.firstTime, h.lastTime-h.firstTime
	x.inner = max(x.span, 1) - 1
	x.first, x.last, x.beyond = false, false, false
}

// decode decodes the next events, as many as there is room for; no more than are
// left and no more than a chunk. What can be wrong with a payload shows at the
// latest with its last event.
func (x *blockDecoder) decode(events []Event) error {
	shapes := x.left[:len(events)]
	x.left = x.left[len(events):]
	x.pace(shapes)
	x.stamp(shapes, events)
	x.locate(shapes)
	for i := range x.groups {
		if places := x.places[i*placeStride : x.next[i]]; len(places) > 0 && !x.fill(&x.groups[i], places, events) {
			return malformed("a value exceeds its column")
		}
	}
	x.keep(events)
	if len(x.left) == 0 {
		return x.finish()
	}
	return nil
}

// pace reads the steps of the times. Loops like this one are kept apart, and
// leave escapes to another, so that what each needs stays in registers.
func (x *blockDecoder) pace(shapes []byte) {
	lane, bit, paces, late := x.times, x.bit, &x.paces, 0
	steps := x.steps[:len(shapes)]
	for i, n := range shapes {
		p := &paces[n]
		code := load(lane, bit>>3) >> (bit & 7) & p.mask
		bit += p.width
		steps[i] = p.base + code
		if code == p.escape {
			x.escaped[late%decodeChunk] = uint16(i)
			late++
		}
	}
	x.bit = bit
	x.escapes.replace(steps, x.escaped[:late])
}

// stamp copies the shapes into events and gives them times and numbers.
func (x *blockDecoder) stamp(shapes []byte, events []Event) {
	steps, events := x.steps[:len(shapes)], events[:len(shapes)]
	after, seq, first, unit := x.time-x.firstTime, x.seq, x.firstTime, x.unit
	for i, n := range shapes {
		e := &events[i]
		*e = x.shapes[n]
		after += steps[i] * unit
		seq++
		e.Time, e.Seq = first+after, seq
		if after-1 >= x.inner {
			x.edge(after)
		}
	}
	x.time = first + after
	if x.sparse {
		x.number(events)
	} else {
		x.seq = seq
	}
}

// edge notes a time, after the earliest, that is the first, the last, or beyond.
func (x *blockDecoder) edge(after uint64) {
	x.first = x.first || after == 0
	x.last = x.last || after == x.span
	x.beyond = x.beyond || after > x.span
}

// locate notes where in the chunk the events are of which somebody wants to know it.
func (x *blockDecoder) locate(shapes []byte) {
	for i := range x.groups {
		x.next[i] = uint32(i * placeStride)
	}
	places := x.places
	for i, n := range shapes {
		if m := &x.marks[n]; m.noted {
			next := &x.next[m.group]
			places[*next] = newPlace(i, x.pairs[m.pair%(2*maxShapes)], n)
			*next++
			x.pairs[m.own] = uint16(i)
		}
	}
}

// keep copies those events of the chunk that later ones may be the pairs of.
func (x *blockDecoder) keep(events []Event) {
	if len(x.left) == 0 {
		return
	}
	for i := 1; i < len(x.groups); i++ {
		if !x.groups[i].pairs {
			continue
		}
		for own := x.groups[i-1].owns; own < x.groups[i].owns; own++ {
			if at := int(x.pairs[own]); at < len(events) {
				x.kept[own%maxShapes] = events[at]
				x.pairs[own] = decodeChunk + own
			}
		}
	}
}

// finish checks what is known at the end of a block only.
func (x *blockDecoder) finish() error {
	if x.escapes.bad || len(x.escapes.b) != 0 {
		return malformed("bytes of times")
	}
	for i := range x.columns {
		if c := &x.columns[i]; c.escapes.bad || len(c.escapes.b) != 0 || c.enc.form() == formRare && c.until != never {
			return malformed("bytes of a column")
		}
	}
	if x.beyond || !x.first || !x.last {
		return malformed("times do not agree with the block header")
	}
	if x.numbers.bad || len(x.numbers.b) != 0 {
		return malformed("bytes of sequence numbers")
	}
	if !x.sparse && x.seq != x.lastSeq {
		return malformed("sequence numbers do not agree with the block header")
	}
	return nil
}

// count verifies that all shapes of the directory occur, no others, and as many
// of each kind as it says: then all lanes are as long as what is read of them.
func (x *blockDecoder) count(shapes []byte) error {
	var each, other [maxShapes]int // in turns, for one shape often follows itself
	for len(shapes) > 1 {
		each[shapes[0]]++
		other[shapes[1]]++
		shapes = shapes[2:]
	}
	for _, n := range shapes {
		each[n]++
	}
	var counts [256]int
	for i, m := range x.marks[:x.numShapes] {
		if each[i]+other[i] == 0 {
			return malformed("a shape without events")
		}
		counts[m.group] += each[i] + other[i]
	}
	for i, g := range x.groups {
		if counts[i] != g.count {
			return malformed("%d events of %v, not %d", counts[i], g.kind, g.count)
		}
	}
	return nil
}

// number gives events of a sparse block their numbers.
func (x *blockDecoder) number(events []Event) {
	for i := range events {
		x.seq += 1 + x.numbers.zigzag()
		events[i].Seq = x.seq
	}
}
