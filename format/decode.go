package format

// decodeChunk is how many events are decoded at once: 44 KiB of them, which
// stay in the cache until all their columns are filled in.
const decodeChunk = 512

// A blockDecoder turns a payload back into events (FORMAT.md, "Payload"). It
// trusts nothing in it: a payload with a right checksum may still come from a
// broken or hostile writer.
//
// It works through the block in chunks. Each event starts as a copy of its
// shape, which holds all that the directory says about it; then each coded
// column is filled in; then the differences of times and sequence numbers are
// summed up.
type blockDecoder struct {
	directory
	places []place // decodeChunk for each group, of its events in the chunk
	values [decodeChunk]uint64
	steps  [decodeChunk]uint64 // from the event before to each in the chunk, in units of time
	time   uint64              // of the event before the chunk
	seq    uint64
	span
}

// A span is what the times and sequence numbers of events lie in.
type span struct{ firstTime, lastTime, firstSeq, lastSeq uint64 }

// decode fills events from payload b, which must hold exactly that many.
func (x *blockDecoder) decode(b []byte, h *blockHeader, events []Event) error {
	n := len(events)
	if len(b) < n+sizeBytes {
		return malformed("payload ends early")
	}
	shapes, b := b[:n], b[n:]
	size := le.Uint32(b)
	if b = b[sizeBytes:]; uint64(size) > uint64(len(b)) {
		return malformed("payload ends early")
	}
	x.sparse = h.flags&blockSparse != 0
	if err := x.parse(b[:size], b[size:], n); err != nil {
		return err
	}
	x.places = resize(x.places, len(x.groups)*decodeChunk)
	x.time, x.seq = h.firstTime, h.firstSeq-1
	x.span = span{1<<64 - 1, 0, 1<<64 - 1, 0}
	for start := 0; start < n; start += decodeChunk {
		if err := x.chunk(shapes, events, start, min(start+decodeChunk, n)); err != nil {
			return err
		}
	}
	if h.kind == blockEvents && x.sparse {
		for i := 1; i < n; i++ {
			if events[i].Seq <= events[i-1].Seq {
				return malformed("event %d behind %d", events[i].Seq, events[i-1].Seq)
			}
		}
	}
	return x.finish(h)
}

// chunk decodes events[start:end].
func (x *blockDecoder) chunk(shapes []byte, events []Event, start, end int) error {
	if !x.stamp(shapes[start:end], events[start:end], start) {
		return malformed("a shape that the directory does not have")
	}
	for i := range x.columns {
		c := &x.columns[i]
		first := int(c.group) * decodeChunk
		places := x.places[first:x.next[c.group]]
		values := x.values[:len(places)]
		if err := c.read(values); err != nil {
			return err
		}
		if x.fill(c, values, places, events[:end])&^c.mask() != 0 {
			return malformed("a value exceeds its column")
		}
	}
	x.sum(events[start:end])
	return nil
}

// stamp copies the shapes into events and notes where each group's events are.
func (x *blockDecoder) stamp(shapes []byte, events []Event, start int) bool {
	for i := range x.groups {
		g := &x.groups[i]
		g.seen += int(x.next[i]) - i*decodeChunk
		x.next[i] = uint32(i * decodeChunk)
	}
	places, events := x.places, events[:len(shapes)]
	for i, n := range shapes {
		s := &x.shapes[n]
		events[i] = s.event
		x.steps[i%decodeChunk] = s.event.Time
		g := s.group
		at := x.next[g]
		if int(at) >= len(places) { // only if there is no such shape
			return false
		}
		places[at] = newPlace(start+i, x.last[g], n)
		x.next[g] = at + 1
		x.last[g+1], s.seen = uint16(start+i), true
	}
	return true
}

// sum turns differences of times and sequence numbers into the numbers.
func (x *blockDecoder) sum(events []Event) {
	time, seq, unit, first, last := x.time, x.seq, x.unit, x.firstTime, x.lastTime
	for i := range events {
		time += x.steps[i%decodeChunk] * unit
		seq++
		e := &events[i]
		e.Time = time
		if !x.sparse {
			e.Seq = seq
		}
		first, last = min(first, time), max(last, time)
	}
	x.time, x.firstTime, x.lastTime = time, first, last
	if !x.sparse {
		x.seq, x.firstSeq, x.lastSeq = seq, min(x.firstSeq, x.seq+1), seq
		return
	}
	for i := range events {
		x.seq += events[i].Seq
		events[i].Seq = x.seq
		x.firstSeq, x.lastSeq = min(x.firstSeq, x.seq), max(x.lastSeq, x.seq)
	}
}

// finish checks what is known at the end of a block only.
func (x *blockDecoder) finish(h *blockHeader) error {
	for i := range x.columns {
		if c := &x.columns[i]; len(c.coded) != 0 || len(c.low) != 0 {
			return malformed("bytes left in a column")
		}
	}
	for i := range x.shapes[:x.numShapes] {
		if !x.shapes[i].seen {
			return malformed("a shape without events")
		}
	}
	for i, g := range x.groups {
		if n := g.seen + int(x.next[i]) - i*decodeChunk; n != g.count {
			return malformed("%d events of %v, not %d", n, g.kind, g.count)
		}
	}
	if x.firstTime != h.firstTime || x.lastTime != h.lastTime {
		return malformed("times do not agree with the block header")
	}
	// A key-frame names the event that it stands before, and holds older ones.
	if h.kind != blockKeyFrame && (x.firstSeq != h.firstSeq || x.lastSeq != h.lastSeq) {
		return malformed("sequence numbers do not agree with the block header")
	}
	return nil
}
