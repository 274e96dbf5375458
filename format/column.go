package format

import "github.com/iotrace-xen/iotrace/xen"

// A slot is a place of an event that a column can fill: one of its words, or
// one of the three ids that every event has.
const (
	slotDom    = NumWords
	slotServer = NumWords + 1
	slotVCPU   = NumWords + 2
	numSlots   = NumWords + 3
	idBits     = 16
)

// absent is what each slot holds in an event that says nothing about it.
var absent = [numSlots]uint64{
	slotDom: uint64(xen.DomInvalid), slotServer: uint64(xen.NoServer), slotVCPU: uint64(xen.NoVCPU),
}

// A column is bits [shift, shift+bits) of one slot, over all events of one kind
// in a block. Blocks carry these three numbers, so decoding needs no table: an
// old reader takes the events of a newer writer as they are.
type column struct{ slot, shift, bits uint8 }

// mask has the low bits set that the column's values may use.
func (c column) mask() uint64 { return 1<<c.bits - 1 }

// columns are the columns of a kind, from the specs table.
type columns struct {
	list  []column
	known [numLanes]uint64 // bits of each lane that belong to a field
	short bool             // these are in none but the first two words
}

var (
	kindColumns = buildColumns()
	// rawColumns are for kinds that the table does not know, and for blocks in
	// which a known kind has bits outside its fields.
	rawColumns = buildRawColumns()
)

func buildColumns() (all [256]columns) {
	for k := range all {
		for _, f := range specs[k].fields {
			c := f.column()
			n, shift := c.lane()
			all[k].list = append(all[k].list, c)
			all[k].known[n] |= c.mask() << shift
		}
		known := &all[k].known
		all[k].short = known[2]|known[3]|known[4]|known[5]|known[6]|known[7] == 0
	}
	return all
}

func buildRawColumns() columns {
	var raw columns
	for s := range uint8(numSlots) {
		c := column{slot: s, bits: 64}
		if s >= NumWords {
			c.bits = idBits
		}
		n, shift := c.lane()
		raw.list = append(raw.list, c)
		raw.known[n] |= c.mask() << shift
	}
	return raw
}

// columnsFor returns the columns of kind k, whole words if it is unknown.
func columnsFor(k Kind) *columns {
	if specs[k].name != "" {
		return &kindColumns[k]
	}
	return &rawColumns
}

// column returns where the field lives.
func (f field) column() column {
	switch f.typ {
	case typeDom:
		return column{slotDom, 0, idBits}
	case typeServer:
		return column{slotServer, 0, idBits}
	case typeVCPU:
		return column{slotVCPU, 0, idBits}
	}
	return column{f.word, f.shift, f.bits}
}

// valid says whether an event has such bits.
func (c column) valid() bool {
	switch {
	case c.slot < NumWords:
		return c.bits > 0 && int(c.shift)+int(c.bits) <= 64
	case c.slot < numSlots:
		return c.bits > 0 && c.shift == 0 && c.bits <= idBits
	}
	return false
}

// get returns the column's value in e.
func (c column) get(e *Event) uint64 {
	switch c.slot {
	case slotDom:
		return uint64(e.Dom)
	case slotServer:
		return uint64(e.Server)
	case slotVCPU:
		return uint64(e.VCPU)
	}
	return e.W[c.slot] >> c.shift & c.mask()
}

// set puts v, which must fit the mask, into bits of e that are zero.
func (c column) set(e *Event, v uint64) {
	switch c.slot {
	case slotDom:
		e.Dom = xen.DomID(v)
	case slotServer:
		e.Server = xen.ServerID(v)
	case slotVCPU:
		e.VCPU = xen.VCPU(v)
	default:
		e.W[c.slot] |= v << c.shift
	}
}
