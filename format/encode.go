package format

import "encoding/binary"

// keepKeys is after how many events the keys of shapes are chosen anew. Those kept
// for eight times as long cost 2 % of space in a generated trace of 23 domains.
const keepKeys = 1 << 17

// A blockEncoder turns the events of one block into its payload (FORMAT.md,
// "Payload"). Its buffers are reused from block to block.
//
// It sorts the events into shapes, which finds what differs among events of one
// shape; only that is gathered then, kind by kind, into columns.
type blockEncoder struct {
	unit uint64 // of times, in ns, where all times of a block are multiples; 0 is 1

	sorter
	groups  []encGroup
	pairing pairTable
	marks   [maxShapes]mark // of the shapes in list
	paces   [maxShapes]pace
	order   [maxBlockEvents]uint16 // the events, by groups
	alike   [maxBlockEvents]uint16 // for each, the last of the same shape, its place in order
	paired  [maxBlockEvents]uint16 // and the event that is its pair
	raw     [maxBlockEvents]uint64 // values of the column at hand
	values  [maxBlockEvents]uint64 // then their differences
	late    [maxBlockEvents]uint16 // which of values or steps are escapes
	sample  [sampleEvents]uint64
	kept    int // events since keys were chosen

	dir       []byte // directory
	codes     []byte // of columns
	escapes   []byte // of columns
	lateTimes []byte // escapes of times
	times     []byte
	payload   []byte
}

// encode returns the payload of events, valid until the next call, and where in it
// the times begin. The header says which numbers the events have; h.flags, whether
// those are written.
func (x *blockEncoder) encode(events []Event, h *blockHeader) (payload []byte, times int) {
	x.sortAll(events, h.firstTime)
	x.group()
	unit := x.stride(events, h.firstTime)
	x.arrange(len(events))

	x.dir, x.codes, x.lateTimes, x.escapes = x.dir[:0], x.codes[:0], x.lateTimes[:0], x.escapes[:0]
	for i := range x.groups {
		x.section(&x.groups[i], events)
	}
	x.packTimes(len(events))
	return x.join(events, h, unit)
}

// sortAll sorts the events into shapes, with new keys if the old ones have
// served for long, or if the block is small.
func (x *blockEncoder) sortAll(events []Event, firstTime uint64) {
	if x.kept += len(events); x.kept >= keepKeys || len(events) < maxBlockEvents/8 {
		for i := range x.kinds {
			x.kinds[i].ready = false
		}
		x.kept = 0
	}
	x.sort(events, firstTime)
}

// stride returns the unit of this block's times, and counts the steps in it.
func (x *blockEncoder) stride(events []Event, firstTime uint64) uint64 {
	if x.unit < 2 {
		return 1
	}
	for i := range events {
		if events[i].Time%x.unit != 0 {
			return 1
		}
	}
	time := firstTime / x.unit
	for i := range events {
		t := events[i].Time / x.unit
		x.steps[i], time = t-time, t
	}
	return x.unit
}

// join puts the payload together.
func (x *blockEncoder) join(events []Event, h *blockHeader, unit uint64) (payload []byte, times int) {
	b := resize(x.payload, len(events))
	var number [maxShapes]byte // in the payload
	for i := range x.list {
		number[i] = x.list[i].number
	}
	for i, n := range x.numbers[:len(b)] {
		b[i] = number[n]
	}
	b = append(b, 0, 0, 0, 0)
	b = binary.AppendUvarint(b, unit)
	b = binary.AppendUvarint(b, uint64(len(x.lateTimes)))
	b = append(b, x.dir...)
	le.PutUint32(b[len(events):], uint32(len(b)-len(events)-sizeBytes))
	b = append(append(append(b, x.codes...), x.lateTimes...), x.escapes...)
	if h.flags&blockSparse != 0 {
		seq := h.firstSeq
		for i := range events {
			b = appendZigzag(b, events[i].Seq-seq)
			seq = events[i].Seq + 1
		}
	}
	x.payload = append(b, x.times...)
	return x.payload, len(b)
}

// resize returns s with length n, reusing its memory where it is large enough.
// What s did not hold before is undefined.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return append(make([]T, 0, n+cap(s)), s[:cap(s)]...)[:n]
	}
	return s[:n]
}
