package format

import (
	"encoding/binary"
	"fmt"

	"github.com/iotrace-xen/iotrace/xen"
)

// A blockDecoder turns a payload back into events. It trusts nothing in it: a
// payload with a right checksum may still come from a broken or hostile writer.
type blockDecoder struct {
	index  []uint16
	values []uint64
	counts [256]int // events of each kind; below zero once its columns were read
	starts [256]int // of each kind in index
}

// decode fills events from payload b, which must hold exactly that many.
func (x *blockDecoder) decode(b []byte, h *blockHeader, events []Event) error {
	n := len(events)
	if len(b) < n {
		return malformed("payload ends early")
	}
	x.group(b[:n], events)
	times, b, ok := cutSized(b[n:])
	if !ok {
		return malformed("payload ends early")
	}
	if err := x.times(times, h, events); err != nil {
		return err
	}
	b, err := x.numbers(b, h, events)
	if err != nil {
		return err
	}
	dir, data, ok := cutSized(b)
	if !ok {
		return malformed("payload ends early")
	}
	return x.sections(dir, data, events)
}

// cutSized splits b behind the part whose size its first bytes say.
func cutSized(b []byte) (part, rest []byte, ok bool) {
	if len(b) < sizeBytes || uint64(le.Uint32(b)) > uint64(len(b)-sizeBytes) {
		return nil, nil, false
	}
	end := sizeBytes + int(le.Uint32(b))
	return b[sizeBytes:end], b[end:], true
}

// group blanks the events, sets their kinds and fills x.index with the
// positions by kind.
func (x *blockDecoder) group(kinds []byte, events []Event) {
	x.counts, x.starts = [256]int{}, [256]int{}
	x.index = resize(x.index, len(events))
	x.values = resize(x.values, len(events))
	for i, k := range kinds {
		events[i] = Event{Kind: Kind(k), Dom: xen.DomInvalid, Server: xen.NoServer, VCPU: xen.NoVCPU}
		x.counts[k]++
	}
	sum := 0
	for k, n := range x.counts {
		x.starts[k] = sum
		sum += n
	}
	next := x.starts
	for i, k := range kinds {
		x.index[next[k]] = uint16(i)
		next[k]++
	}
}

// times reads the column of times.
func (x *blockDecoder) times(b []byte, h *blockHeader, events []Event) error {
	if err := readDeltas(b, h.firstTime, 1<<64-1, x.values); err != nil {
		return err
	}
	first, last := x.values[0], x.values[0]
	for i, t := range x.values {
		events[i].Time = t
		first, last = min(first, t), max(last, t)
	}
	if first != h.firstTime || last != h.lastTime {
		return malformed("times do not agree with the block header")
	}
	return nil
}

// numbers reads the sequence numbers, if the block has a column of them.
func (x *blockDecoder) numbers(b []byte, h *blockHeader, events []Event) (rest []byte, err error) {
	if h.flags&blockSparse == 0 {
		for i := range events {
			events[i].Seq = h.firstSeq + uint64(i)
		}
		return b, nil
	}
	seqs, rest, ok := cutSized(b)
	if !ok {
		return nil, malformed("payload ends early")
	}
	if err := readDeltas(seqs, h.firstSeq, 1<<64-1, x.values); err != nil {
		return nil, err
	}
	for i, v := range x.values {
		events[i].Seq = v
	}
	return rest, nil
}

// sections reads the columns in data as directory dir lists them.
func (x *blockDecoder) sections(dir, data []byte, events []Event) error {
	d := directory{b: dir}
	for len(d.b) > 0 && !d.bad {
		k, n := d.byte(), d.byte()
		if x.counts[k] <= 0 || Kind(k) == KindInvalid {
			return malformed("columns for %v, which has no events or has them twice", Kind(k))
		}
		index := x.index[x.starts[k]:][:x.counts[k]]
		x.counts[k] = -1
		var taken [numSlots]uint64
		for range n {
			c, enc, size := d.column()
			if d.bad || size > uint64(len(data)) {
				return malformed("directory of columns")
			}
			bits := c.mask() << c.shift
			if taken[c.slot]&bits != 0 {
				return malformed("two columns for the same bits of %v", Kind(k))
			}
			taken[c.slot] |= bits
			if err := x.column(c, enc, data[:size], events, index); err != nil {
				return err
			}
			data = data[size:]
		}
	}
	if d.bad || len(data) != 0 {
		return malformed("directory of columns")
	}
	for k, n := range x.counts {
		if n > 0 {
			return malformed("no columns for %v", Kind(k))
		}
	}
	return nil
}

// column reads one column from b, which it must fill, into events.
func (x *blockDecoder) column(c column, enc encoding, b []byte, events []Event, index []uint16) error {
	switch enc {
	case encConst:
		v, n := binary.Uvarint(b)
		if n != len(b) || n <= 0 || v&^c.mask() != 0 {
			return malformed("a constant column")
		}
		if v == 0 && c.slot < NumWords {
			return nil // as the event is already
		}
		for _, i := range index {
			c.set(&events[i], v)
		}
		return nil
	case encDelta:
		values := x.values[:len(index)]
		if err := readDeltas(b, 0, c.mask(), values); err != nil {
			return err
		}
		scatter(c, values, events, index)
		return nil
	}
	return fmt.Errorf("column encoding %d: %w", enc, ErrVersion)
}

// scatter is the inverse of gather.
func scatter(c column, values []uint64, events []Event, index []uint16) {
	if c.slot < NumWords {
		slot, shift := c.slot, c.shift
		for n, i := range index {
			events[i].W[slot] |= values[n] << shift
		}
		return
	}
	for n, i := range index {
		c.set(&events[i], values[n])
	}
}

// A directory is read from the front; bad is set for good when it ends early or
// describes a column that no event has.
type directory struct {
	b   []byte
	bad bool
}

func (d *directory) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *directory) column() (c column, enc encoding, size uint64) {
	c = column{d.byte(), d.byte(), d.byte()}
	enc = encoding(d.byte())
	size, n := binary.Uvarint(d.b)
	switch {
	case n <= 0, c.slot >= numSlots, c.bits == 0, int(c.shift)+int(c.bits) > 64:
		d.bad = true
	case c.slot >= NumWords && (c.shift != 0 || c.bits > idBits):
		d.bad = true
	default:
		d.b = d.b[n:]
	}
	return c, enc, size
}
