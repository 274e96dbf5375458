package format

import "encoding/binary"

// section writes what the directory says about a group, and its columns.
func (x *blockEncoder) section(g *encGroup, events []Event) {
	first := &x.firsts[g.shapes[0]]
	cols := columnsFor(g.kind)
	if !g.fits(cols, first) {
		cols = &rawColumns
	}
	x.dir = binary.AppendUvarint(append(x.dir, byte(g.kind)), uint64(g.end-g.start))
	x.dir = binary.AppendUvarint(x.dir, uint64(len(g.shapes)))
	k := x.timeCoder(x.order[g.start:g.end])
	x.dir = append(appendZigzag(x.dir, k.base), k.width)
	for _, n := range g.shapes {
		x.paces[n] = k.pace()
	}
	count := len(x.dir)
	x.dir = append(x.dir, 0)
	within := &x.kinds[g.kind].within
	for _, c := range cols.list {
		switch {
		case c.in(within) != 0:
			x.column(count, g, c, events)
		case c.in(&g.differ) != 0:
			x.describe(count, c, formShape)
			for _, n := range g.shapes {
				x.dir = binary.AppendUvarint(x.dir, c.get(&x.firsts[n]))
			}
		case c.get(first) != absent[c.slot]:
			x.describe(count, c, formConst)
			x.dir = binary.AppendUvarint(x.dir, c.get(first))
		}
	}
}

// describe adds column c to the directory, and to the section's number of them.
func (x *blockEncoder) describe(count int, c column, enc encoding) {
	x.dir[count]++
	x.dir = append(x.dir, c.slot, c.shift, c.bits, byte(enc))
}

// column adds a column with codes.
func (x *blockEncoder) column(count int, g *encGroup, c column, events []Event) {
	raw := x.raw[:g.end-g.start]
	gather(raw, x.order[g.start:g.end], events, c)
	p := x.predict(raw, g, c, events)
	values := x.values[:len(raw)]
	x.differences(values, raw, 0, g, c, p, events)
	first := uint64(0)
	if p == predictKind && len(values) > 1 { // a first step like the second
		first = values[0] - values[1]
		values[0] = values[1]
	}
	before := len(x.escapes)
	k := x.code(values)
	x.describe(count, c, k.encoding(p))
	x.dir = appendZigzag(x.dir, k.base)
	if k.encoding(p).escapes() {
		x.dir = binary.AppendUvarint(x.dir, uint64(len(x.escapes)-before))
	}
	if p == predictKind {
		x.dir = binary.AppendUvarint(x.dir, first)
	}
}

// gather sets raw to the values that the events have in a column.
func gather(raw []uint64, order []uint16, events []Event, c column) {
	if c.slot >= NumWords {
		for i, at := range order {
			raw[i] = c.get(&events[at])
		}
		return
	}
	slot, shift, mask := int(c.slot%NumWords), c.shift&63, c.mask()
	for i, at := range order[:len(raw)] {
		raw[i] = events[at].W[slot] >> shift & mask
	}
}

// predict returns the predictor that leaves the fewest bits in a sample: a
// stretch, as the one before counts.
func (x *blockEncoder) predict(raw []uint64, g *encGroup, c column, events []Event) predictor {
	sample := x.sample[:min(len(raw), sampleEvents)]
	from := (len(raw) - len(sample)) / 2
	best, least := predictZero, 1<<62
	for _, p := range [...]predictor{predictPair, predictKind, predictShape, predictZero} {
		x.differences(sample, raw, from, g, c, p, events)
		if sum := cost(sample); sum < least {
			best, least = p, sum
		}
	}
	return best
}

// differences sets values to those of raw, from place from on, less what p
// predicts.
func (x *blockEncoder) differences(values, raw []uint64, from int, g *encGroup, c column, p predictor, events []Event) {
	copy(values, raw[from:])
	switch p {
	case predictKind:
		prev := uint64(0)
		if from > 0 {
			prev = raw[from-1]
		}
		for i, v := range values {
			values[i] = v - prev
			prev = v
		}
	case predictShape:
		for i, at := range x.alike[g.start+from:][:len(values)] {
			if at != nowhere {
				values[i] -= raw[int(at)-g.start]
			}
		}
	case predictPair:
		subtract(values, x.paired[g.start+from:], events, c)
	}
}

// subtract takes the values of the pairs from values.
func subtract(values []uint64, paired []uint16, events []Event, c column) {
	slot, shift, mask := int(c.slot%NumWords), c.shift&63, c.mask()
	for i, at := range paired[:len(values)] {
		switch {
		case int(at) >= len(events):
		case c.slot < NumWords:
			values[i] -= events[at].W[slot] >> shift & mask
		default:
			values[i] -= c.get(&events[at])
		}
	}
}

// timeCoder chooses the codes of the steps of times to these events.
func (x *blockEncoder) timeCoder(order []uint16) coder {
	first, same := x.steps[order[0]], true
	for _, at := range order {
		if x.steps[at] != first {
			same = false
			break
		}
	}
	if same {
		return coder{base: first}
	}
	step, n := 1+len(order)/sampleEvents, 0
	for i := 0; i < len(order); i += step {
		x.sample[n] = x.steps[order[i]]
		n++
	}
	return timeCodes(x.sample[:n])
}

// packTimes sets times to the codes of the steps to n events.
func (x *blockEncoder) packTimes(n int) {
	bits := 0
	for i := range x.list {
		bits += x.list[i].count * int(x.paces[i].width)
	}
	b := resize(x.times, (bits+7)/8+laneSlack)
	word, bit, late := uint64(0), uint(0), uint(0)
	steps, paces := x.steps[:n], &x.paces
	for i, number := range x.numbers[:len(steps)] {
		p := &paces[number]
		code := steps[i] - p.base
		if code >= p.escape {
			code = p.mask
			x.late[late%maxBlockEvents] = uint16(i)
			late++
		}
		word |= code << (bit & 7)
		store(b, bit>>3, word)
		next := bit + p.width
		word >>= (next&^7 - bit&^7) & 63
		bit = next
	}
	x.lateTimes = appendPlaces(x.lateTimes, steps, x.late[:late])
	x.times = b[:(bits+7)/8]
}

// pace returns what the codes mean.
func (k coder) pace() pace { return pace{k.base, 1<<k.width - 1, escapeOf(k.width), uint(k.width)} }
