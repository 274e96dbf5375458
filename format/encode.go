package format

import "encoding/binary"

// A blockEncoder turns the events of one block into its payload (FORMAT.md,
// "Payload"). Its buffers are reused from block to block.
type blockEncoder struct {
	unit uint64 // of times, in ns, where all times of a block are multiples; 0 is 1

	kinds  [256]encGroup
	places []place     // of the events, grouped by kind
	steps  [2][]uint64 // differences of times and of sequence numbers
	shapes []byte      // of each event
	chooser
	values  []uint64 // of the column at hand
	sample  [2]sample
	dir     []byte // directory of the columns
	coded   []byte // varints of the columns
	low     []byte // low bytes of the columns
	payload []byte
}

// An encGroup is the events of one kind.
type encGroup struct {
	kind   Kind
	count  int
	places []place
	first  *Event
	differ [numColumnSlots]uint64 // bits that are not the same in all events
	start  [2]uint64              // steps of the first event
	shapes []uint16               // a position of an event of each shape
}

// encode returns the payload of events, valid until the next call. The header
// says which numbers they have; h.flags, whether those are written.
func (x *blockEncoder) encode(events []Event, h *blockHeader) []byte {
	x.dir, x.coded, x.low, x.payload = x.dir[:0], x.coded[:0], x.low[:0], x.payload[:0]
	unit := x.stride(events)
	x.survey(events, h, unit)
	x.group()

	x.dir = binary.AppendUvarint(x.dir, unit)
	base, after := 0, 0
	for k := range x.kinds {
		after += min(x.kinds[k].count, 1)
	}
	for k := range x.kinds {
		if g := &x.kinds[k]; g.count > 0 {
			after--
			x.section(g, events, base, after, h.flags&blockSparse != 0)
			base += len(g.shapes)
		}
	}

	x.payload = append(x.payload, x.shapes...)
	x.payload = le.AppendUint32(x.payload, uint32(len(x.dir)))
	x.payload = append(x.payload, x.dir...)
	x.payload = append(x.payload, x.coded...)
	x.payload = append(x.payload, x.low...)
	return x.payload
}

// stride returns the unit of this block's times.
func (x *blockEncoder) stride(events []Event) uint64 {
	if x.unit < 2 {
		return 1
	}
	for i := range events {
		if events[i].Time%x.unit != 0 {
			return 1
		}
	}
	return x.unit
}

// survey reads all events once: it fills x.groups and x.steps, and leaves each
// event's kind in x.shapes.
func (x *blockEncoder) survey(events []Event, h *blockHeader, unit uint64) {
	n := len(events)
	x.steps[0], x.steps[1], x.shapes = resize(x.steps[0], n), resize(x.steps[1], n), resize(x.shapes, n)
	times, seqs, kinds := x.steps[0], x.steps[1], x.shapes
	for i := range x.kinds {
		x.kinds[i].count = 0
	}
	time, seq := h.firstTime/unit, h.firstSeq-1
	for i := range events {
		e := &events[i]
		t := e.Time
		if unit > 1 {
			t /= unit
		}
		times[i], seqs[i], kinds[i] = t-time, e.Seq-seq, byte(e.Kind)
		g := &x.kinds[e.Kind]
		if g.count == 0 {
			*g = encGroup{kind: e.Kind, first: e, start: [2]uint64{t - time, e.Seq - seq}, shapes: g.shapes}
		}
		g.count++
		g.note(e, t-time, e.Seq-seq)
		time, seq = t, e.Seq
	}
}

// group lists the events of each kind in x.places.
func (x *blockEncoder) group() {
	var next, other [256]int
	var last [256]uint16
	x.places = resize(x.places, len(x.shapes))
	at, before := 0, -1
	for k := range x.kinds {
		g := &x.kinds[k]
		if g.count == 0 {
			continue
		}
		g.places = x.places[at:][:g.count]
		if before < 0 {
			before = k
		}
		next[k], other[k], last[k] = at, before, nowhere
		at, before = at+g.count, k
	}
	for i, k := range x.shapes {
		x.places[next[k]] = newPlace(i, last[other[k]], nowhere)
		last[k] = uint16(i)
		next[k]++
	}
}

// note adds e to what is known about the group.
func (g *encGroup) note(e *Event, time, seq uint64) {
	f := g.first
	for w, v := range e.W {
		g.differ[w] |= v ^ f.W[w]
	}
	g.differ[slotDom] |= uint64(e.Dom ^ f.Dom)
	g.differ[slotServer] |= uint64(e.Server ^ f.Server)
	g.differ[slotVCPU] |= uint64(e.VCPU ^ f.VCPU)
	g.differ[slotTime] |= time ^ g.start[0]
	g.differ[slotSeq] |= seq ^ g.start[1]
}

// fits says whether these columns hold all that the group's events have.
func (g *encGroup) fits(cs *columns) bool {
	for w, known := range cs.known {
		if (g.first.W[w]|g.differ[w])&^known != 0 {
			return false
		}
	}
	for s := uint8(NumWords); s < numSlots; s++ {
		if !cs.has[s] && (column{slot: s}.get(g.first) != absent[s] || g.differ[s] != 0) {
			return false
		}
	}
	return true
}

// varies says whether column c has more than one value in the group.
func (g *encGroup) varies(c column) bool { return g.differ[c.slot]>>c.shift&c.mask() != 0 }

// section writes what the directory says about a group, and its columns.
// base is the number of its first shape, after how many kinds follow.
func (x *blockEncoder) section(g *encGroup, events []Event, base, after int, sparse bool) {
	cols := columnsOf(g.kind)
	if cols == nil || !g.fits(cols) {
		cols = &rawColumns
	}
	keys := x.choose(g, cols, events, x.shapes, base, maxShapes-base-after)

	x.dir = binary.AppendUvarint(append(x.dir, byte(g.kind)), uint64(len(g.places)))
	x.dir = binary.AppendUvarint(x.dir, uint64(len(g.shapes)))
	count := len(x.dir)
	x.dir = append(x.dir, 0)
	for i, c := range cols.list {
		switch {
		case !g.varies(c):
			x.constant(count, c, c.get(g.first))
		case keys>>i&1 != 0:
			x.describe(count, c, formShape)
			for _, at := range g.shapes {
				x.dir = binary.AppendUvarint(x.dir, c.get(&events[at]))
			}
		default:
			x.column(count, g, c, events)
		}
	}
	for i, slot := range [...]uint8{slotTime, slotSeq} {
		switch c := (column{slot, 0, 64}); {
		case slot == slotSeq && !sparse:
		case g.differ[slot] != 0:
			x.column(count, g, c, events)
		default:
			x.constant(count, c, g.start[i])
		}
	}
}

// describe adds column c to the directory, and to the section's number of them.
func (x *blockEncoder) describe(count int, c column, enc encoding) {
	x.dir[count]++
	x.dir = append(x.dir, c.slot, c.shift, c.bits, byte(enc))
}

// constant adds a column in which all events have value v, unless that is what
// they have without one.
func (x *blockEncoder) constant(count int, c column, v uint64) {
	if c.slot >= numSlots && v == 0 || c.slot < numSlots && v == absent[c.slot] {
		return
	}
	x.describe(count, c, formConst)
	x.dir = binary.AppendUvarint(x.dir, v)
}

// column adds a column with a value for each event.
func (x *blockEncoder) column(count int, g *encGroup, c column, events []Event) {
	p, base := predictZero, uint64(0)
	if c.slot < numSlots {
		p = x.predict(g, c, events)
	}
	x.values = resize(x.values, len(g.places))
	x.differences(x.values, g.places, c, p, events)
	if p == predictKind && len(x.values) > 1 { // a first step like the second
		base = x.values[0] - x.values[1]
		x.values[0] = x.values[1]
	}
	if same(x.values) {
		x.describe(count, c, formSteps.with(p))
		x.dir = binary.AppendUvarint(x.dir, x.values[0])
	} else {
		enc := codedAs(x.values).with(p)
		x.describe(count, c, enc)
		at := len(x.coded)
		x.coded = appendUvarints(x.coded, x.values, 8*uint(enc.low()))
		x.dir = binary.AppendUvarint(x.dir, uint64(len(x.coded)-at))
		if n := enc.low(); n > 0 {
			x.low = appendLow(x.low, x.values, n)
		}
	}
	if p == predictKind {
		x.dir = binary.AppendUvarint(x.dir, base)
	}
}

func same(values []uint64) bool {
	differ := uint64(0)
	for _, v := range values {
		differ |= v ^ values[0]
	}
	return differ == 0
}

// resize returns s with length n, reusing its memory where it is large enough.
// What s did not hold before is undefined.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return append(make([]T, 0, n+cap(s)), s[:cap(s)]...)[:n]
	}
	return s[:n]
}
