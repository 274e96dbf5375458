package format

// read reads the next differences of a coded column. late has room for as many.
func (c *codedColumn) read(values []uint64, late []uint16) {
	switch size := c.enc.size(); size {
	case 0:
		for i := range values {
			values[i] = c.base
		}
		if c.enc.form() == formRare {
			c.readRare(values, late)
		}
	case 1:
		n := readBytes(values, c.codes, c.base, late)
		c.codes = c.codes[len(values):]
		c.escapes.replace(values, late[:n])
	default:
		n := readWide(values, c.codes, c.base, uint(size), late)
		c.codes = c.codes[int(size)*len(values):]
		c.escapes.replace(values, late[:n])
	}
}

// readRare reads the escapes of the next differences, which have their places. It
// notes which they are, n of them, and leaves all other values.
func (c *codedColumn) readRare(values []uint64, escaped []uint16) (n int) {
	room := uint64(len(values))
	for c.until < room {
		values[c.until], escaped[n] = c.escapes.zigzag(), uint16(c.until)
		n++
		gap := c.escapes.gap()
		if gap == never {
			c.until = never
			return n
		}
		c.until += 1 + gap
	}
	if c.until != never {
		c.until -= room
	}
	return n
}

// readBytes reads codes of a byte. It notes which are escapes, n of them.
func readBytes(values []uint64, codes []byte, base uint64, late []uint16) (n int) {
	codes, late = codes[:len(values)], late[:len(values)]
	for i, code := range codes {
		values[i] = base + uint64(code)
		if code == 1<<8-1 && n < len(late) {
			late[n] = uint16(i)
			n++
		}
	}
	return n
}

// readWide is readBytes for codes of more bytes.
func readWide(values []uint64, codes []byte, base uint64, size uint, late []uint16) (n int) {
	escape, at := escapeOf(uint8(8*size)), uint(0)
	for i := range values {
		code := load(codes, at) & escape
		at += size
		values[i] = base + code
		if code == escape && n < len(late) {
			late[n] = uint16(i)
			n++
		}
	}
	return n
}

// fill fills in the columns of a group, whose events are at places. It is false if
// a value has bits that its column has not.
func (x *blockDecoder) fill(g *kindGroup, places []place, events []Event) bool {
	if g.copies {
		x.copyPairs(&g.copied, places, events)
	}
	good := true
	for i := g.start; i < g.end; i++ {
		c := &x.columns[i]
		good = x.column(c, places, events)&^c.mask() == 0 && good
	}
	return good
}

// column reads the column's next differences, adds them to what was predicted, and
// puts the values into the events at places. It returns all bits of all values.
func (x *blockDecoder) column(c *codedColumn, places []place, events []Event) uint64 {
	if c.copies() {
		return x.correct(c, places, events)
	}
	values := x.values[:len(places)]
	c.read(values, x.escaped[:len(values)])
	if c.slot >= NumWords {
		return x.fillIDs(c, values, places, events)
	}
	switch c.enc.predictor() {
	case predictKind:
		return c.followKind(values, places, events)
	case predictPair:
		return x.followPairs(c, values, places, events)
	case predictShape:
		return c.followShapes(values, places, events)
	}
	return c.scatter(values, places, events)
}

// scatter puts values into bits of events that are zero. Like what follows it is
// for columns of words, and shifts by a product, for which a processor has more
// registers.
func (c *codedColumn) scatter(values []uint64, places []place, events []Event) (bits uint64) {
	slot, scale := int(c.slot%NumWords), c.scale()
	values = values[:len(places)]
	for i, p := range places {
		v := values[i]
		bits |= v
		events[p.at()].W[slot] |= v * scale
	}
	return bits
}

// scale is what a value is multiplied with where it stands.
func (c *codedColumn) scale() uint64 { return 1 << (c.shift & 63) }

// followKind adds to each difference the value before.
func (c *codedColumn) followKind(values []uint64, places []place, events []Event) (bits uint64) {
	slot, scale, last := int(c.slot%NumWords), c.scale(), c.last
	values = values[:len(places)]
	for i, p := range places {
		last += values[i]
		bits |= last
		events[p.at()].W[slot] |= last * scale
	}
	c.last = last
	return bits
}

// followShapes adds to each difference the value before of the same shape.
func (c *codedColumn) followShapes(values []uint64, places []place, events []Event) (bits uint64) {
	slot, scale, lasts, first := int(c.slot%NumWords), c.scale(), c.lasts, c.first
	values = values[:len(places)]
	for i, p := range places {
		last := &lasts[p.shape()-first]
		v := *last + values[i]
		*last = v
		bits |= v
		events[p.at()].W[slot] |= v * scale
	}
	return bits
}

// followPairs adds to each difference the value of the pair.
func (x *blockDecoder) followPairs(c *codedColumn, values []uint64, places []place, events []Event) (bits uint64) {
	slot, shift, mask := int(c.slot%NumWords), c.shift&63, c.mask()
	places = places[:len(values)]
	for i, d := range values {
		p := places[i]
		if e := x.pairOf(p, events); e != nil {
			d += e.W[slot] >> shift & mask
		}
		bits |= d
		events[p.at()].W[slot] |= d << shift
	}
	return bits
}

// pairOf returns the event that is the pair of the one at a place; nil if there is
// none.
func (x *blockDecoder) pairOf(p place, events []Event) *Event {
	switch from := p.pair(); {
	case from < len(events):
		return &events[from]
	case from != nowhere:
		return &x.kept[from%maxShapes]
	}
	return nil
}

// copyPairs copies some bits of the pairs into events that are zero there.
func (x *blockDecoder) copyPairs(bits *[NumWords]uint64, places []place, events []Event) {
	for _, p := range places {
		if from := x.pairOf(p, events); from != nil {
			to := &events[p.at()]
			to.W[0] |= from.W[0] & bits[0]
			to.W[1] |= from.W[1] & bits[1]
			to.W[2] |= from.W[2] & bits[2]
			to.W[3] |= from.W[3] & bits[3]
			to.W[4] |= from.W[4] & bits[4]
			to.W[5] |= from.W[5] & bits[5]
			to.W[6] |= from.W[6] & bits[6]
			to.W[7] |= from.W[7] & bits[7]
		}
	}
}

// correct adds the column's next escapes to what was copied, and returns all bits of
// the values.
func (x *blockDecoder) correct(c *codedColumn, places []place, events []Event) (bits uint64) {
	if c.enc.form() != formRare {
		return 0
	}
	values, escaped := x.values[:len(places)], x.escaped[:len(places)]
	for _, i := range escaped[:c.readRare(values, escaped)] {
		e := &events[places[i].at()]
		v := c.get(e) + values[i]
		bits |= v
		e.W[c.slot] = e.W[c.slot]&^(c.mask()<<c.shift) | v<<c.shift
	}
	return bits
}

// fillIDs is column for the other slots, which seldom have codes.
func (x *blockDecoder) fillIDs(c *codedColumn, values []uint64, places []place, events []Event) (bits uint64) {
	for i, d := range values {
		p := places[i]
		switch c.enc.predictor() {
		case predictKind:
			d += c.last
			c.last = d
		case predictPair:
			if e := x.pairOf(p, events); e != nil {
				d += c.get(e)
			}
		case predictShape:
			last := &c.lasts[p.shape()-c.first]
			d += *last
			*last = d
		}
		bits |= d
		c.set(&events[p.at()], d)
	}
	return bits
}
