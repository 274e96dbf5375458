package format

// read reads the next differences of a coded column.
func (c *codedColumn) read(values []uint64) error {
	if c.enc.form() == formSteps {
		for i := range values {
			values[i] = c.step
		}
		return nil
	}
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
		if c.bits == 64 {
			break // all fit
		}
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
	x.scatter(c, values, places, events)
	return bits
}

// scatter puts values into bits of events that are zero.
func (x *blockDecoder) scatter(c *codedColumn, values []uint64, places []place, events []Event) {
	places = places[:len(values)]
	switch slot, shift := c.slot, c.shift&63; {
	case slot < NumWords:
		for i, v := range values {
			events[places[i].at()].W[slot] |= v << shift
		}
	case slot == slotTime:
		for i, v := range values {
			x.steps[places[i].at()%decodeChunk] = v
		}
	default:
		for i, v := range values {
			c.put(&events[places[i].at()], v)
		}
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

// followWords is fill where the last event of another kind predicts the value.
func (c *codedColumn) followWords(values []uint64, places []place, events []Event) (bits uint64) {
	places = places[:len(values)]
	slot, shift, mask := c.slot%NumWords, c.shift&63, c.mask()
	for i, v := range values {
		p := places[i]
		if from := p.other(); from < len(events) {
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
		if from := p.other(); from < len(events) {
			v += c.get(&events[from])
		}
		bits |= v
		c.set(&events[p.at()], v&c.mask())
	}
	return bits
}
