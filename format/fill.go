package format

// read reads the next differences of a coded column.
func (c *codedColumn) read(values []uint64) {
	switch size := c.enc.size(); size {
	case 0:
		for i := range values {
			values[i] = c.base
		}
	case 1:
		codes, base := c.codes[:len(values)], c.base
		for i, code := range codes {
			v := base + uint64(code)
			if code == 1<<8-1 {
				v = c.escapes.zigzag()
			}
			values[i] = v
		}
		c.codes = c.codes[len(values):]
	default:
		c.readWide(values, int(size))
	}
}

// readWide reads codes of more than one byte.
func (c *codedColumn) readWide(values []uint64, size int) {
	codes, base, escape := c.codes, c.base, escapeOf(uint8(8*size))
	for i := range values {
		code := le.Uint64(codes[i*size:]) & escape
		v := base + code
		if code == escape {
			v = c.escapes.zigzag()
		}
		values[i] = v
	}
	c.codes = codes[size*len(values):]
}

// fill adds the differences to what was predicted and puts the values into the
// events at places. It returns all bits of all values.
func (x *blockDecoder) fill(c *codedColumn, values []uint64, places []place, events []Event) (bits uint64) {
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
	case predictShape:
		bits = c.followShapes(values, places)
	default:
		if c.slot < NumWords {
			return c.followWords(values, places, events)
		}
		return c.followIDs(values, places, events)
	}
	c.scatter(values, places, events)
	return bits
}

// scatter puts values into bits of events that are zero.
func (c *codedColumn) scatter(values []uint64, places []place, events []Event) {
	places = places[:len(values)]
	if c.slot >= NumWords {
		for i, v := range values {
			c.set(&events[places[i].at()], v)
		}
		return
	}
	slot, shift := c.slot%NumWords, c.shift&63
	for i, v := range values {
		events[places[i].at()].W[slot] |= v << shift
	}
}

// followShapes adds to each difference the value before of the same shape.
func (c *codedColumn) followShapes(values []uint64, places []place) (bits uint64) {
	lasts, first := c.lasts, c.first
	for i, p := range places[:len(values)] {
		last := &lasts[p.shape()-first]
		*last += values[i]
		values[i] = *last
		bits |= *last
	}
	return bits
}

// followWords is fill where the pair predicts the value.
func (c *codedColumn) followWords(values []uint64, places []place, events []Event) (bits uint64) {
	places = places[:len(values)]
	slot, shift, mask := c.slot%NumWords, c.shift&63, c.mask()
	for i, v := range values {
		p := places[i]
		if from := p.pair(); from < len(events) {
			v += events[from].W[slot] >> shift & mask
		}
		bits |= v
		events[p.at()].W[slot] |= v & mask << shift
	}
	return bits
}

// followIDs is followWords for the other slots.
func (c *codedColumn) followIDs(values []uint64, places []place, events []Event) (bits uint64) {
	places = places[:len(values)]
	for i, v := range values {
		p := places[i]
		if from := p.pair(); from < len(events) {
			v += c.get(&events[from])
		}
		bits |= v
		c.set(&events[p.at()], v&c.mask())
	}
	return bits
}
