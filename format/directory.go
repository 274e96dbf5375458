package format

import (
	"encoding/binary"
	"fmt"
)

// maxColumns is how many coded columns a block can have: more than 255 kinds
// written as whole words need.
const maxColumns = 4096

// A directory is what the first part of a payload says about the rest.
type directory struct {
	sparse    bool   // sequence numbers are in the payload
	unit      uint64 // of differences of times, in ns
	groups    []kindGroup
	shapes    [maxShapes]shape
	numShapes int
	columns   []codedColumn
	lasts     []uint64    // the columns' lasts
	next      [256]uint32 // place of the next event of each group
	last      [256]uint16 // position of the last event of each group, from 1

	b   []byte // what has not been parsed yet
	bad bool   // it ended early
}

// A kindGroup is the events of one kind.
type kindGroup struct {
	kind  Kind
	count int
	seen  int // in the chunks before
}

// A shape is what events of one kind have in common: an event to start from.
type shape struct {
	event Event // Time and Seq are differences to the event before
	group uint8 // of its kind
	seen  bool  // there is such an event
}

// A codedColumn has a value for each event of its group.
type codedColumn struct {
	column
	enc        encoding
	group      uint8
	size       int      // of its varints
	coded, low []byte   // not read yet
	last       uint64   // value, for predictKind
	lasts      []uint64 // by shape, for predictShape
	first      uint8    // of the shapes
	step       uint64   // the only difference, for formSteps
}

// parse reads directory b of a block of n events, and cuts data into columns.
func (d *directory) parse(b, data []byte, n int) error {
	d.groups, d.numShapes, d.columns, d.lasts = d.groups[:0], 0, d.columns[:0], d.lasts[:0]
	d.b, d.bad = b, false
	if d.unit = d.uvarint(); d.unit == 0 {
		return malformed("times without a unit")
	}
	sum := 0
	for len(d.b) > 0 && !d.bad {
		if err := d.section(n); err != nil {
			return err
		}
		sum += d.groups[len(d.groups)-1].count
	}
	if d.bad || sum != n {
		return malformed("directory of %d events", sum)
	}
	for i := d.numShapes; i < maxShapes; i++ {
		d.shapes[i].group = uint8(len(d.groups)) // at most 255
	}
	d.next[len(d.groups)] = 1<<32 - 1
	return d.cut(data)
}

// section reads what the directory says about the next kind.
func (d *directory) section(n int) error {
	i := len(d.groups)
	g := kindGroup{kind: Kind(d.byte()), count: d.int(n)}
	if g.count == 0 || g.kind == KindInvalid || i > 0 && g.kind <= d.groups[i-1].kind {
		return malformed("directory: %v, %d events", g.kind, g.count)
	}
	d.groups = append(d.groups, g)
	d.next[i], d.last[i] = uint32(i*decodeChunk), nowhere
	s := shape{event: blank(g.kind, 0), group: uint8(i)}
	var taken [numColumnSlots]uint64
	if !d.sparse {
		taken[slotSeq] = 1<<64 - 1
	}
	shapes := d.shapes[d.numShapes:][:d.int(maxShapes-d.numShapes)]
	d.numShapes += len(shapes)
	if len(shapes) == 0 {
		return malformed("directory: no shapes of %v", g.kind)
	}
	for i := range shapes {
		shapes[i] = s
	}
	for range d.byte() {
		c := codedColumn{column: column{d.byte(), d.byte(), d.byte()}, enc: encoding(d.byte()), group: uint8(i)}
		if !c.valid() || taken[c.slot]&(c.mask()<<c.shift) != 0 {
			return malformed("directory: bits [%d,+%d) of slot %d of %v", c.shift, c.bits, c.slot, g.kind)
		}
		taken[c.slot] |= c.mask() << c.shift
		if err := d.column(&c, shapes); err != nil {
			return err
		}
	}
	return nil
}

// column reads what follows the description of column c of these shapes.
func (d *directory) column(c *codedColumn, shapes []shape) error {
	v := uint64(0)
	for i := range shapes {
		if i == 0 && c.enc == formConst || c.enc == formShape {
			v = d.uvarint()
		}
		if v&^c.mask() != 0 {
			return malformed("directory: a value exceeds its column")
		}
		c.put(&shapes[i].event, v) // 0 for the other forms: not absent
	}
	if c.enc <= formShape {
		return nil
	}
	p := c.enc.predictor()
	switch c.enc.form() {
	case formCoded:
		c.size = d.int(maxPayload)
	case formSteps:
		c.step = d.uvarint()
	default:
		return fmt.Errorf("column encoding %d: %w", c.enc, ErrVersion)
	}
	if c.enc.form() == formSteps && c.enc != formSteps.with(p) {
		return fmt.Errorf("column encoding %d: %w", c.enc, ErrVersion)
	}
	if c.slot >= numSlots && p != predictZero || len(d.columns) == maxColumns {
		return malformed("directory: column encoding %d, %d columns", c.enc, len(d.columns))
	}
	switch p {
	case predictKind:
		c.last = d.uvarint()
	case predictShape:
		d.lasts = append(d.lasts, make([]uint64, len(shapes))...)
		c.lasts, c.first = d.lasts[len(d.lasts)-len(shapes):], uint8(d.numShapes-len(shapes))
	}
	d.columns = append(d.columns, *c)
	return nil
}

// cut gives each column its part of data, which they must fill.
func (d *directory) cut(data []byte) error {
	for i := range d.columns {
		c := &d.columns[i]
		if c.size > len(data) {
			return malformed("a column of %d bytes", c.size)
		}
		c.coded, data = data[:c.size:c.size], data[c.size:]
	}
	for i := range d.columns {
		c := &d.columns[i]
		size := c.enc.low() * d.groups[c.group].count
		if size > len(data) {
			return malformed("a column of %d low bytes", size)
		}
		c.low, data = data[:size:size], data[size:]
	}
	if len(data) != 0 {
		return malformed("%d bytes behind the columns", len(data))
	}
	return nil
}

// byte, uvarint and int read from the front. They set bad for good when the
// directory ends early, or when a number exceeds limit.
func (d *directory) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *directory) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.b, d.bad = nil, true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *directory) int(limit int) int {
	v := d.uvarint()
	if v > uint64(limit) {
		d.bad = true
		return 0
	}
	return int(v)
}
