package xen

// BufSlots is the number of 8-byte slots in the buffered page, behind its two
// 4-byte pointers.
const (
	BufSlots    = 511
	BufSlotSize = 8
	bufSlotsOff = 8
)

// BufIOReq is struct buf_ioreq: one slot of the buffered ring. A request of 8
// bytes takes two slots that differ only in Data, low half first.
type BufIOReq struct {
	Type IOReqType
	Dir  Dir
	Size uint32 // 1, 2, 4 or 8 bytes
	Addr uint32 // 20 bits
	Data uint32
}

// DecodeBufIOReq decodes one slot.
func DecodeBufIOReq(b []byte) (BufIOReq, error) {
	if err := checkSize("buf_ioreq", b, BufSlotSize); err != nil {
		return BufIOReq{}, err
	}
	w := le.Uint32(b)
	r := BufIOReq{
		Type: IOReqType(w), Size: 1 << (w >> 10 & 3), Addr: w >> 12,
		Data: le.Uint32(b[4:]),
	}
	if w>>9&1 != 0 {
		r.Dir = DirRead
	}
	return r, nil
}

// Append appends the slot's 8 bytes to b. A size that is none of 1, 2, 4, 8 is
// written as 1; bits of Addr above 20 are cut off.
func (r BufIOReq) Append(b []byte) []byte {
	w := uint32(r.Type) | sizeCode(r.Size)<<10 | r.Addr<<12
	if r.Dir == DirRead {
		w |= 1 << 9
	}
	b = le.AppendUint32(b, w)
	return le.AppendUint32(b, r.Data)
}

func sizeCode(size uint32) uint32 {
	switch size {
	case 2:
		return 1
	case 4:
		return 2
	case 8:
		return 3
	}
	return 0
}

// BufPage is the buffered page: PageSize bytes.
type BufPage []byte

// Slot decodes the slot that counter value ptr names (ptr mod 511).
func (p BufPage) Slot(ptr uint32) BufIOReq {
	off := bufSlotsOff + BufSlotSize*int(ptr%BufSlots)
	r, _ := DecodeBufIOReq(p[off : off+BufSlotSize])
	return r
}
