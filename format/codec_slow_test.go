package format

import (
	"encoding/binary"
	"errors"
)

// The codec of FORMAT.md, "Payload", once more: written to be compared with the
// text, not to be fast. It checks only what would make it panic.

var errSlow = errors.New("slow codec: malformed")

// A slowReader takes what it reads from the front.
type slowReader struct{ b []byte }

func (r *slowReader) byte() byte {
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *slowReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.b = r.b[max(n, 1):] // panics at the end
	return v
}

// A slowColumn is a column and where its values are.
type slowColumn struct {
	kind       Kind
	column     column
	enc        byte
	shapes     []uint64 // form 1, by shape
	one        uint64   // forms 0 and 2
	size       uint64
	base       uint64
	coded, low slowReader
}

// slowDecode returns the n events of a payload.
func slowDecode(b []byte, h *blockHeader, n int) (events []Event, err error) {
	defer func() {
		if recover() != nil {
			err = errSlow
		}
	}()
	shapes, dir := b[:n], slowReader{b[n+4:][:le.Uint32(b[n:])]}
	data := slowReader{b[n+4+len(dir.b):]}
	unit := dir.uvarint()
	var kinds []Kind // by shape
	var before [256]Kind
	var columns []slowColumn
	counts := map[Kind]uint64{}
	for last := KindInvalid; len(dir.b) > 0; {
		k := Kind(dir.byte())
		before[k], last = last, k
		counts[k] = dir.uvarint()
		of := dir.uvarint()
		for range of {
			kinds = append(kinds, k)
		}
		for range dir.byte() {
			columns = append(columns, slowDescription(&dir, k, int(of), len(kinds)))
		}
	}
	for i := range columns {
		c := &columns[i]
		c.coded.b, data.b = data.b[:c.size], data.b[c.size:]
	}
	for i := range columns {
		c := &columns[i]
		if size := uint64(c.enc>>5) * counts[c.kind]; c.enc&3 == 3 {
			c.low.b, data.b = data.b[:size], data.b[size:]
		}
	}
	time, seq := h.firstTime, h.firstSeq-1
	for i, s := range shapes {
		e := blank(kinds[s], 0)
		if h.flags&blockSparse == 0 {
			e.Seq = 1
		}
		for j := range columns {
			if c := &columns[j]; c.kind == e.Kind {
				c.column.put(&e, c.next(events, shapes, i, before[e.Kind]))
			}
		}
		time, seq = time+e.Time*unit, seq+e.Seq
		e.Time, e.Seq = time, seq
		events = append(events, e)
	}
	return events, nil
}

// slowDescription reads a column of the last of the shapes so far.
func slowDescription(dir *slowReader, k Kind, of, shapes int) slowColumn {
	c := slowColumn{kind: k, column: column{dir.byte(), dir.byte(), dir.byte()}, enc: dir.byte()}
	switch c.enc & 3 {
	case 0:
		c.one = dir.uvarint()
	case 1:
		c.shapes = make([]uint64, shapes)
		for i := range of {
			c.shapes[shapes-of+i] = dir.uvarint()
		}
	case 2:
		c.one = dir.uvarint()
	case 3:
		c.size = dir.uvarint()
	}
	if c.enc&3 >= 2 && c.enc>>2&3 == 1 {
		c.base = dir.uvarint()
	}
	return c
}

// next returns the column's value in event i, which is of its kind.
func (c *slowColumn) next(events []Event, shapes []byte, i int, before Kind) uint64 {
	if c.enc&3 == 0 {
		return c.one
	}
	if c.enc&3 == 1 {
		return c.shapes[shapes[i]]
	}
	d := c.one
	if c.enc&3 == 3 {
		d = c.coded.uvarint()
		low := uint64(0)
		for n := range c.enc >> 5 {
			low |= uint64(c.low.byte()) << (8 * n)
		}
		d = d<<(8*(c.enc>>5)) | low
		if c.enc>>4&1 != 0 {
			d = unzigzag(d)
		}
	}
	if c.column.slot >= numSlots {
		return d
	}
	for j := i - 1; j >= 0; j-- {
		switch e := &events[j]; {
		case c.enc>>2&3 == 1 && e.Kind == c.kind,
			c.enc>>2&3 == 2 && e.Kind == before,
			c.enc>>2&3 == 3 && shapes[j] == shapes[i]:
			return d + c.column.get(e)
		}
	}
	return d + c.base
}

// slowEncode returns a payload in which nothing is chosen well: one shape a
// kind, whole words, no predictors.
func slowEncode(events []Event, h *blockHeader) []byte {
	var shapes, data []byte
	dir := []byte{1}
	number := [256]byte{}
	kinds := byte(0)
	for k := range 256 {
		var count, seqs, times []byte
		var words [numSlots][]byte
		n := uint64(0)
		time, seq := h.firstTime, h.firstSeq-1
		for i := range events {
			e := &events[i]
			if int(e.Kind) == k {
				n++
				times = binary.AppendUvarint(times, zigzag(e.Time-time))
				seqs = binary.AppendUvarint(seqs, zigzag(e.Seq-seq))
				for s := range words {
					words[s] = binary.AppendUvarint(words[s], rawColumns.list[s].get(e))
				}
			}
			time, seq = e.Time, e.Seq
		}
		if n == 0 {
			continue
		}
		number[k] = kinds
		kinds++
		count = binary.AppendUvarint(count, n)
		dir = append(append(append(dir, byte(k)), count...), 1, numSlots+1)
		if h.flags&blockSparse != 0 {
			dir[len(dir)-1]++
			dir = binary.AppendUvarint(append(dir, slotSeq, 0, 64, 3|1<<4), uint64(len(seqs)))
			data = append(data, seqs...)
		}
		dir = binary.AppendUvarint(append(dir, slotTime, 0, 64, 3|1<<4), uint64(len(times)))
		data = append(data, times...)
		for s, b := range words {
			c := rawColumns.list[s]
			dir = binary.AppendUvarint(append(dir, c.slot, c.shift, c.bits, 3), uint64(len(b)))
			data = append(data, b...)
		}
	}
	for i := range events {
		shapes = append(shapes, number[events[i].Kind])
	}
	b := le.AppendUint32(shapes, uint32(len(dir)))
	return append(append(b, dir...), data...)
}
