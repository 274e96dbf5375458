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

func (r *slowReader) byte() byte { return r.bytes(1)[0] }

func (r *slowReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.b = r.b[max(n, 1):] // panics at the end
	return v
}

func (r *slowReader) zigzag() uint64 { return unzigzag(r.uvarint()) }

func (r *slowReader) bytes(n int) []byte {
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// A slowBits takes codes out of bits one by one.
type slowBits struct {
	b   []byte
	bit int
}

func (r *slowBits) code(width byte) (v uint64) {
	for i := range width {
		v |= uint64(r.b[r.bit/8]>>(r.bit%8)&1) << i
		r.bit++
	}
	return v
}

// A slowCoder is what the directory says about codes.
type slowCoder struct {
	base  uint64
	width byte
	late  *slowReader
}

// next returns the difference that a code stands for.
func (c *slowCoder) next(code uint64) uint64 {
	if c.width > 0 && code == 1<<c.width-1 {
		return c.late.zigzag()
	}
	return c.base + code
}

// A slowColumn is a column and where its values are.
type slowColumn struct {
	slowCoder
	kind   Kind
	column column
	enc    byte
	shapes []uint64 // forms 0 and 1, by shape of the payload
	size   uint64   // of escapes
	first  uint64
	codes  slowReader
	rare   map[int]uint64 // differences of form 3, by how many events of the kind are before
	read   int            // differences read so far
}

// slowRare reads the escapes of a column of form 3.
func slowRare(late *slowReader) map[int]uint64 {
	rare := map[int]uint64{}
	for at := 0; len(late.b) > 0; at++ {
		at += int(late.uvarint())
		rare[at] = late.zigzag()
	}
	return rare
}

// A slowPayload is a payload taken apart.
type slowPayload struct {
	unit    uint64
	shapes  []byte
	kinds   []Kind // by shape
	before  [256]Kind
	counts  [256]int
	coders  [256]slowCoder // of times
	columns []slowColumn
	late    slowReader
	numbers slowReader
	times   slowBits
}

func (p *slowPayload) parse(b []byte, sparse bool, n int) {
	p.shapes = b[:n]
	dir := slowReader{b[n+4:][:le.Uint32(b[n:])]}
	data := slowReader{b[n+4+len(dir.b):]}
	p.unit = dir.uvarint()
	late := dir.uvarint()
	for last := KindInvalid; len(dir.b) > 0; {
		k := Kind(dir.byte())
		p.before[k], last = last, k
		p.section(&dir, k)
	}
	times := 0
	for k, n := range p.counts {
		times += n * int(p.coders[k].width)
	}
	for i := range p.columns {
		c := &p.columns[i]
		c.codes.b = data.bytes(p.counts[c.kind] * int(c.width/8))
	}
	p.late.b = data.bytes(int(late))
	for i := range p.columns {
		c := &p.columns[i]
		c.late = &slowReader{data.bytes(int(c.size))}
		if c.enc&3 == 3 {
			c.rare = slowRare(c.late)
		}
	}
	p.numbers.b = data.bytes(len(data.b) - (times+7)/8)
	p.times.b = data.b
}

// section reads the directory's section of kind k.
func (p *slowPayload) section(dir *slowReader, k Kind) {
	p.counts[k] = int(dir.uvarint())
	of := int(dir.uvarint())
	for range of {
		p.kinds = append(p.kinds, k)
	}
	p.coders[k] = slowCoder{dir.zigzag(), dir.byte(), &p.late}
	for range dir.byte() {
		p.columns = append(p.columns, slowDescription(dir, k, of, len(p.kinds)))
	}
}

// slowDescription reads a column of the last of the shapes so far.
func slowDescription(dir *slowReader, k Kind, of, shapes int) slowColumn {
	c := slowColumn{kind: k, column: column{dir.byte(), dir.byte(), dir.byte()}, enc: dir.byte()}
	c.shapes = make([]uint64, shapes)
	for i := range of {
		switch {
		case c.enc == 0 && i > 0:
			c.shapes[shapes-of+i] = c.shapes[shapes-of]
		case c.enc < 2:
			c.shapes[shapes-of+i] = dir.uvarint()
		}
	}
	if c.enc < 2 {
		return c
	}
	c.base, c.width = dir.zigzag(), c.enc>>4*8
	if c.width > 0 || c.enc&3 == 3 {
		c.size = dir.uvarint()
	}
	if c.enc>>2&3 == 1 {
		c.first = dir.uvarint()
	}
	return c
}

// slowDecode returns the n events of a payload.
func slowDecode(b []byte, h *blockHeader, n int) (events []Event, err error) {
	defer func() {
		if recover() != nil {
			err = errSlow
		}
	}()
	var p slowPayload
	sparse := h.flags&blockSparse != 0
	p.parse(b, sparse, n)
	time, seq := h.firstTime, h.firstSeq
	for i, s := range p.shapes {
		e := blank(p.kinds[s], 0)
		t := &p.coders[e.Kind]
		time += t.next(p.times.code(t.width)) * p.unit
		if sparse {
			seq += p.numbers.zigzag()
		}
		e.Time, e.Seq = time, seq
		seq++
		for j := range p.columns {
			if c := &p.columns[j]; c.kind == e.Kind {
				c.column.set(&e, c.value(&p, events, i))
			}
		}
		events = append(events, e)
	}
	return events, nil
}

// ids returns what the directory says about the ids of a shape.
func (p *slowPayload) ids(s byte) uint64 {
	e := blank(p.kinds[s], 0)
	for _, c := range p.columns {
		if c.kind == e.Kind && c.column.slot >= NumWords {
			c.column.set(&e, c.shapes[s])
		}
	}
	return e.ids()
}

// value returns the column's value in event i, which is of its kind.
func (c *slowColumn) value(p *slowPayload, events []Event, i int) uint64 {
	s := p.shapes[i]
	if c.enc < 2 {
		return c.shapes[s]
	}
	code := uint64(0)
	for i, b := range c.codes.bytes(int(c.width / 8)) {
		code |= uint64(b) << (8 * i)
	}
	d := c.next(code)
	if v, ok := c.rare[c.read]; ok {
		d = v
	}
	c.read++
	for j := i - 1; j >= 0; j-- {
		switch e := &events[j]; {
		case c.enc>>2&3 == 1 && e.Kind == c.kind,
			c.enc>>2&3 == 2 && e.Kind == p.before[c.kind] && p.ids(p.shapes[j]) == p.ids(s),
			c.enc>>2&3 == 3 && p.shapes[j] == s:
			return d + c.column.get(e)
		}
	}
	return d + c.first
}

// slowEncode returns a payload in which nothing is chosen well: one shape a
// kind, whole words as escapes, no predictors.
func slowEncode(events []Event, h *blockHeader) []byte {
	var sections, codes, late, escapes, numbers []byte
	number := [256]byte{}
	kinds := byte(0)
	for k := range 256 {
		n := 0
		var words [numSlots][]byte
		for i := range events {
			if e := &events[i]; int(e.Kind) == k {
				n++
				for s := range words {
					words[s] = binary.AppendUvarint(words[s], zigzag(rawColumns.list[s].get(e)))
				}
			}
		}
		if n == 0 {
			continue
		}
		number[k] = kinds
		kinds++
		sections = binary.AppendUvarint(append(sections, byte(k)), uint64(n))
		sections = append(sections, 1, 0, 1, numSlots) // one shape; times from 0, of a bit
		for s, b := range words {
			c := rawColumns.list[s]
			sections = append(sections, c.slot, c.shift, c.bits, 2|1<<4, 0) // codes of a byte, from 0
			sections = binary.AppendUvarint(sections, uint64(len(b)))
			codes, escapes = append(codes, ones(8*n)...), append(escapes, b...)
		}
	}
	shapes := make([]byte, len(events))
	time, seq := h.firstTime, h.firstSeq
	for i := range events {
		e := &events[i]
		shapes[i] = number[e.Kind]
		late = binary.AppendUvarint(late, zigzag(e.Time-time))
		if h.flags&blockSparse != 0 {
			numbers = binary.AppendUvarint(numbers, zigzag(e.Seq-seq))
		}
		time, seq = e.Time, e.Seq+1
	}
	dir := append(binary.AppendUvarint([]byte{1}, uint64(len(late))), sections...)
	b := append(le.AppendUint32(shapes, uint32(len(dir))), dir...)
	for _, part := range [][]byte{codes, late, escapes, numbers, ones(len(events))} {
		b = append(b, part...)
	}
	return b
}

// ones returns n bits that are set, in whole bytes.
func ones(n int) []byte {
	b := make([]byte, (n+7)/8)
	for i := range n {
		b[i/8] |= 1 << (i % 8)
	}
	return b
}
