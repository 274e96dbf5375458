package format

import "encoding/binary"

// A blockEncoder turns the events of one block into its payload (FORMAT.md,
// "Payload"). Its buffers are reused from block to block.
type blockEncoder struct {
	index   []uint16 // positions of the events, grouped by kind
	values  []uint64 // of the column at hand
	dir     []byte   // directory of the columns
	data    []byte   // the columns themselves
	payload []byte
}

// encode returns the payload of events, valid until the next call. base is the
// earliest time.
func (x *blockEncoder) encode(events []Event, base uint64) []byte {
	x.dir, x.data, x.payload = x.dir[:0], x.data[:0], x.payload[:0]
	ends := x.group(events)

	start := 0
	for k, end := range ends {
		if end > start {
			x.section(Kind(k), events, x.index[start:end])
		}
		start = end
	}

	for i := range events {
		x.payload = append(x.payload, byte(events[i].Kind))
	}
	x.values = x.values[:0]
	for i := range events {
		x.values = append(x.values, events[i].Time)
	}
	at := len(x.payload)
	x.payload = appendDeltas(le.AppendUint32(x.payload, 0), base, x.values)
	le.PutUint32(x.payload[at:], uint32(len(x.payload)-at-sizeBytes))
	x.payload = le.AppendUint32(x.payload, uint32(len(x.dir)))
	x.payload = append(x.payload, x.dir...)
	return append(x.payload, x.data...)
}

// group fills x.index with the positions of events by kind, each kind in
// order, and returns where each kind ends.
func (x *blockEncoder) group(events []Event) (ends [256]int) {
	x.index = resize(x.index, len(events))
	for i := range events {
		ends[events[i].Kind]++
	}
	sum := 0
	for k, n := range ends {
		ends[k] = sum
		sum += n
	}
	for i := range events {
		k := events[i].Kind
		x.index[ends[k]] = uint16(i)
		ends[k]++
	}
	return ends
}

// section writes the columns of kind k, whose events index names.
func (x *blockEncoder) section(k Kind, events []Event, index []uint16) {
	cols := columnsOf(k)
	if cols == nil || !allFit(cols, events, index) {
		cols = &rawColumns
	}
	x.dir = append(x.dir, byte(k), byte(len(cols.list)))
	for _, c := range cols.list {
		x.values = gather(x.values[:0], c, events, index)
		enc, at := encDelta, len(x.data)
		if isConst(x.values) {
			enc = encConst
			x.data = binary.AppendUvarint(x.data, x.values[0])
		} else {
			x.data = appendDeltas(x.data, 0, x.values)
		}
		x.dir = append(x.dir, c.slot, c.shift, c.bits, byte(enc))
		x.dir = binary.AppendUvarint(x.dir, uint64(len(x.data)-at))
	}
}

func allFit(cols *columns, events []Event, index []uint16) bool {
	for _, i := range index {
		if !cols.fits(&events[i]) {
			return false
		}
	}
	return true
}

// gather appends the values of column c to dst.
func gather(dst []uint64, c column, events []Event, index []uint16) []uint64 {
	if c.slot < NumWords {
		slot, shift, mask := c.slot, c.shift, c.mask()
		for _, i := range index {
			dst = append(dst, events[i].W[slot]>>shift&mask)
		}
		return dst
	}
	for _, i := range index {
		dst = append(dst, c.get(&events[i]))
	}
	return dst
}

// resize returns s with length n, reusing its memory where it is large enough.
// Its content is undefined.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
