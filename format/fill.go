package format

// read reads the next differences of a coded column. late has room for as many.
func (c *codedColumn) read(values []uint64, late []uint16) {
	switch size := c.enc.size(); size {
	case 0:
		for i := range values {
			values[i] = c.base
		}
		if c.enc.form() == formRare {
			c.readRare(values)
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

// readRare reads the escapes of the next differences, which have their places.
func (c *codedColumn) readRare(values []uint64) {
	n := uint64(len(values))
	for c.until < n {
		values[c.until] = c.escapes.zigzag()
		gap := c.escapes.gap()
		if gap == never {
			c.until = never
			return
		}
		c.until += 1 + gap
	}
	if c.until != never {
		c.until -= n
	}
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

// fill reads the column's next differences, adds them to what was predicted, and
// puts the values into the events at places. It returns all bits of all values.
func (x *blockDecoder) fill(c *codedColumn, places []place, events []Event) uint64 {
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
// for columns of words.
func (c *codedColumn) scatter(values []uint64, places []place, events []Event) (bits uint64) {
	slot, shift := int(c.slot%NumWords), c.shift&63
	places = places[:len(values)]
	for i, v := range values {
		bits |= v
		events[places[i].at()].W[slot] |= v << shift
	}
	return bits
}

// followKind adds to each difference the value before.
func (c *codedColumn) followKind(values []uint64, places []place, events []Event) (bits uint64) {
	slot, shift, last := int(c.slot%NumWords), c.shift&63, c.last
	places = places[:len(values)]
	for i, d := range values {
		last += d
		bits |= last
		events[places[i].at()].W[slot] |= last << shift
	}
	c.last = last
	return bits
}

// followShapes adds to each difference the value before of the same shape.
func (c *codedColumn) followShapes(values []uint64, places []place, events []Event) (bits uint64) {
	slot, shift, lasts, first := int(c.slot%NumWords), c.shift&63, c.lasts, c.first
	places = places[:len(values)]
	for i, d := range values {
		p := places[i]
		last := &lasts[p.shape()-first]
		d += *last
		*last = d
		bits |= d
		events[p.at()].W[slot] |= d << shift
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

// fillIDs is fill for the other slots, which seldom have codes.
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
