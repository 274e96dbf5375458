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
	unit    uint64 // of differences of times, in ns
	groups  []kindGroup
	shapes  []shape
	columns []codedColumn
	sizes   int // of all columns' varints so far

	b   []byte // what has not been parsed yet
	bad bool   // it ended early
}

// A kindGroup is the events of one kind. Its fields below count says change as the
// block is decoded.
type kindGroup struct {
	kind    Kind
	count   int
	other   int // the group before in the directory, or itself
	seen    int // in the chunks before
	inChunk int
	last    uint16
}

// A shape is what events of one kind have in common: an event to start from.
type shape struct {
	event Event
	group uint8
	last  uint16 // position of the last such event
}

// A codedColumn has a value for each event of its group.
type codedColumn struct {
	column
	enc        encoding
	group      int
	size       int    // of its varints
	coded, low []byte // not read yet
	last       uint64 // value, for predictKind
}

// parse reads directory b of a block of n events, and cuts data into columns.
func (d *directory) parse(b, data []byte, n int, sparse bool) error {
	d.groups, d.shapes, d.columns = d.groups[:0], d.shapes[:0], d.columns[:0]
	d.b, d.bad, d.sizes = b, false, 0
	if d.unit = d.uvarint(); d.unit == 0 {
		return malformed("times without a unit")
	}
	sum := 0
	for len(d.b) > 0 && !d.bad {
		if err := d.section(n, sparse); err != nil {
			return err
		}
		sum += d.groups[len(d.groups)-1].count
	}
	if d.bad || sum != n {
		return malformed("directory of %d events", sum)
	}
	return d.cut(data)
}

// section reads what the directory says about the next kind.
func (d *directory) section(n int, sparse bool) error {
	g := kindGroup{kind: Kind(d.byte()), count: d.int(n), last: nowhere, other: max(len(d.groups)-1, 0)}
	if g.count == 0 || len(d.groups) == 0 && g.kind == KindInvalid || len(d.groups) > 0 && g.kind <= d.groups[len(d.groups)-1].kind {
		return malformed("directory: %v, %d events", g.kind, g.count)
	}
	shapes := d.int(maxShapes - len(d.shapes))
	if shapes == 0 {
		return malformed("directory: shapes of %v", g.kind)
	}
	s := shape{event: blank(g.kind, 0), group: uint8(len(d.groups)), last: nowhere}
	if !sparse {
		s.event.Seq = 1
	}
	for range shapes {
		d.shapes = append(d.shapes, s)
	}
	d.groups = append(d.groups, g)
	var taken [numColumnSlots]uint64
	if !sparse {
		taken[slotSeq] = 1<<64 - 1
	}
	for range d.byte() {
		c := codedColumn{column: column{d.byte(), d.byte(), d.byte()}, enc: encoding(d.byte()), group: len(d.groups) - 1}
		if !c.valid() || taken[c.slot]&(c.mask()<<c.shift) != 0 {
			return malformed("directory: bits [%d,+%d) of slot %d of %v", c.shift, c.bits, c.slot, g.kind)
		}
		taken[c.slot] |= c.mask() << c.shift
		if err := d.column(&c, d.shapes[len(d.shapes)-shapes:]); err != nil {
			return err
		}
	}
	return nil
}

// column reads what follows the description of column c of these shapes.
func (d *directory) column(c *codedColumn, shapes []shape) error {
	switch c.enc {
	case formConst:
		v := d.uvarint()
		for i := range shapes {
			c.put(&shapes[i].event, v&c.mask())
		}
		d.bad = d.bad || v&^c.mask() != 0
		return nil
	case formShape:
		for i := range shapes {
			v := d.uvarint()
			c.put(&shapes[i].event, v&c.mask())
			d.bad = d.bad || v&^c.mask() != 0
		}
		return nil
	}
	if c.enc.form() != formCoded {
		return fmt.Errorf("column encoding %d: %w", c.enc, ErrVersion)
	}
	if c.slot >= numSlots && c.enc.predictor() != predictZero || len(d.columns) == maxColumns {
		return malformed("directory: column encoding %d, %d columns", c.enc, len(d.columns))
	}
	if c.size = d.int(maxPayload); c.slot < numSlots {
		for i := range shapes {
			c.put(&shapes[i].event, 0) // not absent
		}
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
