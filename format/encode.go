package format

import "encoding/binary"

// A blockEncoder turns the events of one block into its payload (FORMAT.md,
// "Payload"). Its buffers are reused from block to block.
type blockEncoder struct {
	unit    uint64   // of times, in ns
	index   []uint16 // positions of the events, grouped by kind
	values  []uint64 // of the column at hand
	dir     []byte   // directory of the columns
	data    []byte   // the columns themselves
	payload []byte
}

// encode returns the payload of events, valid until the next call.
func (x *blockEncoder) encode(events []Event, h *blockHeader) []byte {
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
	x.sized(h.firstTime)
	if h.flags&blockSparse != 0 {
		x.values = x.values[:0]
		for i := range events {
			x.values = append(x.values, events[i].Seq)
		}
		x.sized(h.firstSeq)
	}
	x.payload = le.AppendUint32(x.payload, uint32(len(x.dir)))
	x.payload = append(x.payload, x.dir...)
	x.payload = append(x.payload, x.data...)
	return x.payload
}

// sized appends x.values to the payload, behind their size.
func (x *blockEncoder) sized(base uint64) {
	at := len(x.payload)
	x.payload = appendDeltas(le.AppendUint32(x.payload, 0), base, x.values)
	le.PutUint32(x.payload[at:], uint32(len(x.payload)-at-sizeBytes))
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
	bits := measure(events, index)
	cols := columnsOf(k)
	if cols == nil || !cols.hold(&bits) {
		cols = &rawColumns
	}
	x.dir = append(x.dir, byte(k), byte(len(cols.list)))
	for _, c := range cols.list {
		enc, at := encConst, len(x.data)
		if v, ok := bits.constant(c); ok {
			x.data = binary.AppendUvarint(x.data, v)
		} else {
			enc = encDelta
			x.values = gather(x.values[:0], c, events, index)
			x.data = appendDeltas(x.data, 0, x.values)
		}
		x.dir = append(x.dir, c.slot, c.shift, c.bits, byte(enc))
		x.dir = binary.AppendUvarint(x.dir, uint64(len(x.data)-at))
	}
}

// usedBits says which bits of each slot are set in some and in all events.
type usedBits struct{ some, all [numSlots]uint64 }

func measure(events []Event, index []uint16) (u usedBits) {
	for s := range u.all {
		u.all[s] = 1<<64 - 1
	}
	for _, i := range index {
		e := &events[i]
		for w, v := range e.W {
			u.some[w] |= v
			u.all[w] &= v
		}
		for s, v := range [...]uint64{uint64(e.Dom), uint64(e.Server), uint64(e.VCPU)} {
			u.some[NumWords+s] |= v
			u.all[NumWords+s] &= v
		}
	}
	return u
}

// constant returns the value of column c if all events have the same.
func (u *usedBits) constant(c column) (v uint64, ok bool) {
	differ := u.some[c.slot] ^ u.all[c.slot]
	return u.all[c.slot] >> c.shift & c.mask(), differ>>c.shift&c.mask() == 0
}

// hold says whether these columns hold all that the events have.
func (cs *columns) hold(u *usedBits) bool {
	for w, known := range cs.known {
		if u.some[w]&^known != 0 {
			return false
		}
	}
	for s := NumWords; s < numSlots; s++ {
		if !cs.has[s] && (u.some[s] != absent[s] || u.all[s] != absent[s]) {
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
