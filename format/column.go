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

	// Two more hold differences to the event before in the block, of any kind.
	slotTime       = NumWords + 3 // in the payload's unit
	slotSeq        = NumWords + 4 // in sparse blocks only
	numColumnSlots = NumWords + 5
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
	known [NumWords]uint64 // bits of each word that belong to a field
	has   [numSlots]bool   // ids that are fields
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
			all[k].list = append(all[k].list, c)
			all[k].has[c.slot] = true
			if c.slot < NumWords {
				all[k].known[c.slot] |= c.mask() << c.shift
			}
		}
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
		raw.list = append(raw.list, c)
		raw.has[s] = true
	}
	return raw
}

// columnsOf returns the columns of kind k, nil if it is unknown.
func columnsOf(k Kind) *columns {
	if specs[k].name != "" {
		return &kindColumns[k]
	}
	return nil
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
	return c.slot < numColumnSlots && c.shift == 0 && c.bits == 64
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

// put is set for all slots: those of differences, too.
func (c column) put(e *Event, v uint64) {
	switch c.slot {
	case slotTime:
		e.Time = v
	case slotSeq:
		e.Seq = v
	default:
		c.set(e, v)
	}
}
