package format

import "fmt"

// maxColumns is how many coded columns a block can have: more than 255 kinds
// written as whole words need.
const maxColumns = 4096

// A directory is what a payload says about its parts.
type directory struct {
	unit      uint64 // of differences of times, in ns
	groups    []kindGroup
	shapes    [maxShapes]Event // what events of a shape have in common
	paces     [maxShapes]pace
	numShapes int
	columns   []codedColumn
	lasts     []uint64 // the columns' lasts
	marks     [maxShapes]mark
	pairing   pairTable
	late      int // bytes of the times' escapes

	varints // what has not been parsed yet
}

// A kindGroup is the events of one kind.
type kindGroup struct {
	kind       Kind
	count      int
	width      uint8            // of the codes of times
	start, end uint16           // of its columns with codes
	pairs      bool             // some of them look at the section before
	copies     bool             // and have what stands there
	copied     [NumWords]uint64 // in these bits, but for escapes
	owns       uint16           // the lowest number that ids of its shapes have
}

// A pace says what codes of times mean.
type pace struct {
	base         uint64
	mask, escape uint64
	width        uint
}

// A mark says of a shape what is noted of each of its events.
type mark struct {
	pair  uint16 // number of the ids of its pair
	own   uint8  // and of its own
	group uint8
	noted bool // somebody wants to know where they are
}

// A codedColumn has a code for each event of its group.
type codedColumn struct {
	column
	enc     encoding
	group   uint8
	first   uint8    // of the shapes
	base    uint64   // that codes are added to
	late    int      // bytes of its escapes
	codes   []byte   // not read yet, laneSlack bytes of anything behind them
	escapes varints  // not read yet
	until   uint64   // events before that of the next escape, for formRare
	last    uint64   // value, for predictKind
	lasts   []uint64 // by shape, for predictShape
}

// parse reads the directory at the front of b, of a block of n events, and cuts
// what follows it into lanes.
func (d *directory) parse(b []byte, n int) error {
	d.groups, d.numShapes, d.columns, d.lasts = d.groups[:0], 0, d.columns[:0], d.lasts[:0]
	d.pairing.reset()
	d.varints = varints{b: b}
	if d.unit = d.uvarint(); d.unit == 0 {
		return malformed("times without a unit")
	}
	d.late = d.int(maxPayload)
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
	d.markNoted()
	return nil
}

// markNoted finds out of which shapes the places of events are wanted.
func (d *directory) markNoted() {
	for i := range d.numShapes {
		m := &d.marks[i]
		g := int(m.group)
		m.noted = d.groups[g].start < d.groups[g].end || g+1 < len(d.groups) && d.groups[g+1].pairs
	}
}

// section reads what the directory says about the next kind.
func (d *directory) section(n int) error {
	i := len(d.groups)
	g := kindGroup{kind: Kind(d.byte()), count: d.int(n)}
	if g.count == 0 || g.kind == KindInvalid || i > 0 && g.kind <= d.groups[i-1].kind {
		return malformed("directory: %v, %d events", g.kind, g.count)
	}
	first := d.numShapes
	shapes := d.shapes[first:][:d.int(maxShapes-first)]
	d.numShapes += len(shapes)
	if len(shapes) == 0 {
		return malformed("directory: no shapes of %v", g.kind)
	}
	base := d.zigzag()
	if g.width = d.byte(); g.width > maxWidth {
		return malformed("directory: times of %d bits", g.width)
	}
	for n := range shapes {
		shapes[n] = blank(g.kind, 0)
		d.paces[first+n] = coder{base: base, width: g.width}.pace()
	}
	g.start, g.end = uint16(len(d.columns)), uint16(len(d.columns))
	d.groups = append(d.groups, g)
	var taken [numSlots]uint64
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
	d.groups[i].owns = d.pairing.count
	for n := range shapes {
		ids := shapes[n].ids()
		d.marks[first+n] = mark{own: uint8(d.pairing.add(i, ids)), pair: d.pairing.before(i, ids), group: uint8(i)}
	}
	return nil
}

// column reads what follows the description of column c of these shapes.
func (d *directory) column(c *codedColumn, shapes []Event) error {
	if !c.enc.valid() {
		return fmt.Errorf("column encoding %d: %w", c.enc, ErrVersion)
	}
	switch {
	case c.enc == formShape:
		return d.byShape(c, shapes)
	case c.enc == formConst:
		v := d.uvarint()
		if v&^c.mask() != 0 {
			return errExceeds
		}
		for i := range shapes {
			c.set(&shapes[i], v)
		}
		return nil
	case c.slot >= NumWords:
		for i := range shapes {
			c.set(&shapes[i], 0) // not absent
		}
	}
	return d.coded(c, shapes)
}

// byShape reads a value for each shape: a block has thousands, most of one byte.
func (d *directory) byShape(c *codedColumn, shapes []Event) error {
	some, b := uint64(0), d.b
	for i := range shapes {
		var v uint64
		if len(b) > 0 && b[0] < 1<<7 {
			v, b = uint64(b[0]), b[1:]
		} else {
			d.b = b
			v, b = d.long(), d.b
		}
		some |= v
		c.set(&shapes[i], v)
	}
	d.b = b
	if some&^c.mask() != 0 {
		return errExceeds
	}
	return nil
}

// errExceeds refuses a value that its column has no bits for.
var errExceeds = malformed("directory: a value exceeds its column")

// coded reads what follows the description of a column with codes.
func (d *directory) coded(c *codedColumn, shapes []Event) error {
	if len(d.columns) == maxColumns {
		return malformed("directory: more than %d columns", maxColumns)
	}
	c.base = d.zigzag()
	if c.enc.escapes() {
		c.late = d.int(maxPayload)
	}
	switch c.enc.predictor() {
	case predictKind:
		c.last = d.uvarint()
	case predictShape:
		d.lasts = append(d.lasts, make([]uint64, len(shapes))...)
		c.lasts, c.first = d.lasts[len(d.lasts)-len(shapes):], uint8(d.numShapes-len(shapes))
	}
	d.columns = append(d.columns, *c)
	g := &d.groups[c.group]
	g.end = uint16(len(d.columns))
	g.pairs = g.pairs || c.enc.predictor() == predictPair
	if c.copies() {
		g.copies = true
		g.copied[c.slot] |= c.mask() << c.shift
	}
	return nil
}

// copies says whether the column's values are those of the pairs, but for escapes
// that have places.
func (c *codedColumn) copies() bool {
	return c.enc.predictor() == predictPair && c.enc.size() == 0 && c.base == 0 && c.slot < NumWords
}
