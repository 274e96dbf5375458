package format

import "encoding/binary"

// A blockEncoder turns the events of one block into its payload (FORMAT.md,
// "Payload"). Its buffers are reused from block to block.
//
// It first sorts the events by kind into lanes, so that all that follows runs
// over one kind's values of one slot from front to back.
type blockEncoder struct {
	unit uint64 // of times, in ns, where all times of a block are multiples; 0 is 1

	lanes
	chooser
	values  []uint64 // of the column at hand, then its differences
	shapes  []byte   // of each event
	dir     []byte   // directory of the columns
	coded   []byte   // varints of the columns
	low     []byte   // low bytes of the columns
	payload []byte
}

// encode returns the payload of events, valid until the next call. The header
// says which numbers they have; h.flags, whether those are written.
func (x *blockEncoder) encode(events []Event, h *blockHeader) []byte {
	x.dir, x.coded, x.low, x.payload = x.dir[:0], x.coded[:0], x.low[:0], x.payload[:0]
	unit := x.stride(events)
	x.count(events)
	x.fill(events, h, unit)

	x.dir = binary.AppendUvarint(x.dir, unit)
	shapes := 0
	for i := range x.groups {
		g := &x.groups[i]
		x.section(g, shapes, maxShapes-shapes-(len(x.groups)-1-i), h.flags&blockSparse != 0)
		shapes += len(g.shapes)
	}
	x.shapes = resize(x.shapes, len(events))
	for i, k := range x.kinds {
		g := &x.groups[x.group[k]]
		x.shapes[i] = x.sorted[g.next]
		g.next++
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

// section writes what the directory says about a group, and its columns. Its
// first shape has number first; it may have limit shapes.
func (x *blockEncoder) section(g *encGroup, first, limit int, sparse bool) {
	x.measure(g)
	cols := columnsOf(g.kind)
	if cols == nil || !g.fits(cols) {
		cols = &rawColumns
	}
	x.choose(&x.lanes, g, cols, first, limit)

	x.dir = binary.AppendUvarint(append(x.dir, byte(g.kind)), uint64(g.end-g.start))
	x.dir = binary.AppendUvarint(x.dir, uint64(len(g.shapes)))
	count := len(x.dir)
	x.dir = append(x.dir, 0)
	for _, c := range cols.list {
		switch {
		case !g.varies(c):
			x.constant(count, c, x.value(c, g.start))
		case !g.variesWithin(c):
			x.describe(count, c, formShape)
			for _, at := range g.shapes {
				x.dir = binary.AppendUvarint(x.dir, x.value(c, int(at)))
			}
		default:
			x.column(count, g, c)
		}
	}
	for _, slot := range [...]uint8{slotTime, slotSeq} {
		switch c := (column{slot, 0, 64}); {
		case slot == slotSeq && !sparse:
		case g.varies(c):
			x.column(count, g, c)
		default:
			x.constant(count, c, x.value(c, g.start))
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
	if c.slot < numSlots && v == absent[c.slot] || c.slot >= numSlots && v == 0 {
		return
	}
	x.describe(count, c, formConst)
	x.dir = binary.AppendUvarint(x.dir, v)
}

// column adds a column with a value for each event.
func (x *blockEncoder) column(count int, g *encGroup, c column) {
	p := predictZero
	if c.slot < numSlots {
		p = x.predict(&x.lanes, g, c)
	}
	x.values = resize(x.values, g.end-g.start)
	x.differences(x.values, g.start, c, p)
	base := uint64(0)
	if p == predictKind && len(x.values) > 1 { // a first step like the second
		base = x.values[0] - x.values[1]
		x.values[0] = x.values[1]
	}
	some, differ := bitsOf(x.values)
	if differ == 0 {
		x.describe(count, c, formSteps.with(p))
		x.dir = binary.AppendUvarint(x.dir, x.values[0])
	} else {
		enc := codedAs(x.values, some).with(p)
		x.describe(count, c, enc)
		at := len(x.coded)
		x.coded = appendUvarints(x.coded, x.values, 8*uint(enc.low()))
		x.dir = binary.AppendUvarint(x.dir, uint64(len(x.coded)-at))
		x.low = appendLow(x.low, x.values, enc.low())
	}
	if p == predictKind {
		x.dir = binary.AppendUvarint(x.dir, base)
	}
}

// resize returns s with length n, reusing its memory where it is large enough.
// What s did not hold before is undefined.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return append(make([]T, 0, n+cap(s)), s[:cap(s)]...)[:n]
	}
	return s[:n]
}
