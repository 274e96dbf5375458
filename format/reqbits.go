package format

import "github.com/iotrace-xen/iotrace/xen"

// ReqBits are the small fields of a request in one word, as IOReq, IOResp and
// BufIOReq events have them; a ring's request has no more than Type, Dir and
// DataKnown. They are for those who look at every event of a long trace and need
// little of it: nothing is unpacked before it is asked for.
type ReqBits uint32

// Type is what is asked for.
func (b ReqBits) Type() xen.IOReqType { return xen.IOReqType(b) }

// Dir is read or write.
func (b ReqBits) Dir() xen.Dir { return xen.Dir(b >> 8 & 1) }

// State is the state of the slot.
func (b ReqBits) State() xen.State { return xen.State(b >> 16 & 15) }

func (b ReqBits) df() bool         { return b>>9&1 != 0 }
func (b ReqBits) dataIsPtr() bool  { return b>>10&1 != 0 }
func (b ReqBits) dataKnown() bool  { return b>>11&1 != 0 }
func (b ReqBits) fromAnswer() bool { return b>>12&1 != 0 }

// Slot returns of an IOReq or IOResp event what SetSlot takes. The last word holds
// size and count.
func (e *Event) Slot() (b ReqBits, addr, data, reps uint64) {
	return ReqBits(e.W[3]), e.W[4], e.W[5], e.W[6]
}

// SetSlot makes r.Req what Slot returned, but for the port, and sets r's marks.
func (r *IOReq) SetSlot(b ReqBits, addr, data, reps uint64) {
	q := &r.Req
	q.Addr, q.Data, q.Size, q.Count = addr, data, uint32(reps), uint32(reps>>32)
	q.Type, q.Dir, q.State, q.DF, q.DataIsPtr = b.Type(), b.Dir(), b.State(), b.df(), b.dataIsPtr()
	r.DataKnown, r.FromAnswer = b.dataKnown(), b.fromAnswer()
}

// Ring returns of a BufIOReq event what SetRing takes.
func (e *Event) Ring() (b ReqBits, addr, size uint32, data uint64) {
	return ReqBits(e.W[2]), uint32(e.W[2] >> 32), uint32(e.W[3]), e.W[4]
}

// SetRing makes b the request that Ring returned.
func (b *BufIOReq) SetRing(bits ReqBits, addr, size uint32, data uint64) {
	b.Type, b.Dir, b.DataKnown, b.Addr, b.Size, b.Data = bits.Type(), bits.Dir(), bits.dataKnown(), addr, size, data
}
