package format

// decodeChunk is how many events are decoded at once: 88 KiB of them, which
// stay in the second-level cache until all their columns are filled in.
const decodeChunk = 1024

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
	places []place  // decodeChunk for each group, of its events in the chunk
	values []uint64 // of the column at hand
	time   uint64   // of the event before the chunk
	seq    uint64
}

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
	if err := x.parse(b[:size], b[size:], n, h.flags&blockSparse != 0); err != nil {
		return err
	}
	x.places = resize(x.places, len(x.groups)*decodeChunk)
	x.values = resize(x.values, decodeChunk)
	x.time, x.seq = h.firstTime, h.firstSeq-1
	span := span{1<<64 - 1, 0, 1<<64 - 1, 0}
	for start := 0; start < n; start += decodeChunk {
		if err := x.chunk(shapes, events, start, min(start+decodeChunk, n), &span); err != nil {
			return err
		}
	}
	return x.finish(&span, h)
}

// finish checks what is known at the end of a block only.
func (x *blockDecoder) finish(s *span, h *blockHeader) error {
	for i := range x.columns {
		if c := &x.columns[i]; len(c.coded) != 0 || len(c.low) != 0 {
			return malformed("bytes left in a column")
		}
	}
	for i := range x.shapes {
		if x.shapes[i].last == nowhere {
			return malformed("a shape without events")
		}
	}
	for _, g := range x.groups {
		if g.seen != g.count {
			return malformed("%d events of %v, not %d", g.seen, g.kind, g.count)
		}
	}
	if s.firstTime != h.firstTime || s.lastTime != h.lastTime {
		return malformed("times do not agree with the block header")
	}
	if s.firstSeq != h.firstSeq || s.lastSeq != h.lastSeq {
		return malformed("sequence numbers do not agree with the block header")
	}
	return nil
}

// chunk decodes events[start:end].
func (x *blockDecoder) chunk(shapes []byte, events []Event, start, end int, s *span) error {
	if !x.stamp(shapes[start:end], events[start:end], start) {
		return malformed("a shape that the directory does not have")
	}
	for i := range x.columns {
		c := &x.columns[i]
		g := &x.groups[c.group]
		places := x.places[c.group*decodeChunk:][:g.inChunk]
		values := x.values[:len(places)]
		if err := c.read(values); err != nil {
			return err
		}
		if c.fill(values, places, events[:end])&^c.mask() != 0 {
			return malformed("a value exceeds its column")
		}
	}
	for i := range x.groups {
		x.groups[i].seen += x.groups[i].inChunk
		x.groups[i].inChunk = 0
	}
	x.sum(events[start:end], s)
	return nil
}

// stamp copies the shapes into events and notes where each group's events are.
func (x *blockDecoder) stamp(shapes []byte, events []Event, start int) bool {
	for i, n := range shapes {
		if int(n) >= len(x.shapes) {
			return false
		}
		s := &x.shapes[n]
		events[i] = s.event
		g := &x.groups[s.group]
		at := uint16(start + i)
		x.places[int(s.group)*decodeChunk+g.inChunk] = place{at, x.groups[g.other].last, s.last}
		g.inChunk++
		g.last, s.last = at, at
	}
	return true
}

// A span is what the times and sequence numbers of events lie in.
type span struct{ firstTime, lastTime, firstSeq, lastSeq uint64 }

// sum turns differences of times and sequence numbers into the numbers.
func (x *blockDecoder) sum(events []Event, s *span) {
	time, seq, unit, span := x.time, x.seq, x.unit, *s
	for i := range events {
		e := &events[i]
		time += e.Time * unit
		seq += e.Seq
		e.Time, e.Seq = time, seq
		span.firstTime, span.lastTime = min(span.firstTime, time), max(span.lastTime, time)
		span.firstSeq, span.lastSeq = min(span.firstSeq, seq), max(span.lastSeq, seq)
	}
	x.time, x.seq, *s = time, seq, span
}

// read reads the next coded values, as differences.
func (c *codedColumn) read(values []uint64) (err error) {
	var ok bool
	if c.coded, ok = readUvarints(values, c.coded); !ok {
		return malformed("a column ends early")
	}
	if n := c.enc.low(); n > 0 {
		size := n * len(values)
		if len(c.low) < size || !joinLow(values, c.low[:size], n) {
			return malformed("low bytes of a column")
		}
		c.low = c.low[size:]
	}
	if c.enc.signed() {
		for i, z := range values {
			values[i] = unzigzag(z)
		}
	}
	return nil
}

// fill adds the differences to what was predicted and puts the values into the
// events at places. It returns all bits of all values.
func (c *codedColumn) fill(values []uint64, places []place, events []Event) (bits uint64) {
	switch c.enc.predictor() {
	case predictKind:
		v := c.last
		for i, d := range values {
			v += d
			bits |= v
			values[i] = v
		}
		c.last = v
	case predictZero:
		for _, v := range values {
			bits |= v
		}
	default:
		return c.follow(values, places, events)
	}
	c.scatter(values, places, events)
	return bits
}

// scatter puts values into bits of events that are zero.
func (c *codedColumn) scatter(values []uint64, places []place, events []Event) {
	values = values[:len(places)]
	switch slot, shift := c.slot, c.shift; {
	case slot < NumWords:
		for i, p := range places {
			events[p.at].W[slot] |= values[i] << shift
		}
	case slot == slotTime:
		for i, p := range places {
			events[p.at].Time = values[i]
		}
	case slot == slotSeq:
		for i, p := range places {
			events[p.at].Seq = values[i]
		}
	default:
		for i, p := range places {
			c.set(&events[p.at], values[i])
		}
	}
}

// follow is fill where another event predicts the value.
func (c *codedColumn) follow(values []uint64, places []place, events []Event) (bits uint64) {
	values = values[:len(places)]
	shape, slot, shift, mask := c.enc.predictor() == predictShape, c.slot, c.shift, c.mask()
	for i, p := range places {
		v, from := values[i], p.other
		if shape {
			from = p.alike
		}
		if slot < NumWords {
			if int(from) < len(events) {
				v += events[from].W[slot] >> shift & mask
			}
			events[p.at].W[slot] |= v & mask << shift
		} else {
			if int(from) < len(events) {
				v += c.get(&events[from])
			}
			c.set(&events[p.at], v&mask)
		}
		bits |= v
	}
	return bits
}
