package record

import "github.com/iotrace-xen/iotrace/xen"

// A look is one reading of a buffered ring: its pointers before the entries
// were copied and after, and how many slots Xen had filled, up to wp, since the
// first look.
type look struct {
	total    uint64
	rp, wp   uint32
	rp2, wp2 uint32
}

// A ringAccount works out from successive looks what Xen put into a ring and
// how much of it the looks have.
//
// Both pointers count slots and name slot pointer mod 511. In atomic mode Xen
// subtracts multiples of 511 from both whenever the read pointer has reached
// 511, so a difference of pointers means nothing but modulo 511, and a full
// ring often ends where the last one ended. What does hold is unread = wp - rp,
// and, as long as fewer than 511 slots were consumed between two looks,
//
//	consumed = (rp1 - rp0) mod 511
//	produced = consumed + unread1 - unread0
//
// Looks between the calls of a running device model make the condition true. It
// cannot be checked afterwards, but for one case: a negative result shows that
// the device model went around once more.
//
// In legacy mode the pointers go on to 2^32, which 511 does not divide: from there on
// entries go to other slots, over some that come before.
//
// The probes add these up, because only they have every look: one for which the
// kernel had no room is missing here, and its slots are in the next one's total.
type ringAccount struct {
	total          uint64 // of the last look
	captured, lost uint64 // slots
	wp             uint32 // of the last look
	wrapped        bool   // there may be slots below it that were filled before it wrapped
}

// produced returns how many slots Xen filled while the pointers went from
// (rp0, wp0) to (rp1, wp1).
func produced(rp0, wp0, rp1, wp1 uint32) uint32 {
	const many = xen.BufSlots << 23 // above 2^31, so that there is no remainder of less than nothing
	consumed := uint64(int64(int32(rp1-rp0))+many) % xen.BufSlots
	n := int64(consumed) + int64(wp1-rp1) - int64(wp0-rp0)
	if n < 0 {
		n += xen.BufSlots
	}
	return uint32(n)
}

// sane reports whether a pair of pointers can be the ring's: a pair that was
// read across a renormalisation shows more unread slots than there are.
func sane(rp, wp uint32) bool { return wp-rp <= xen.BufSlots }

// add takes a look of which the carried slots below wp were copied. The last n
// of them are new and intact; lost slots before those are gone. It is false for
// a look that adds nothing: an older one than the last, or with torn pointers.
func (a *ringAccount) add(l look, carried uint32) (n uint32, lost uint64, ok bool) {
	if !sane(l.rp, l.wp) || !sane(l.rp2, l.wp2) || l.total < a.total {
		return 0, 0, false
	}
	a.wrapped = wraps(a.wp, l.wp) || l.rp > l.wp || a.wrapped && l.wp < xen.BufSlots
	a.wp = l.wp
	if l.total == a.total {
		return 0, 0, false
	}
	fresh := l.total - a.total
	a.total = l.total
	if a.wrapped || wraps(l.wp, l.wp2+l.refilling()) {
		carried = min(carried, l.kept())
	}
	if a.wrapped && carried <= rawFew {
		carried = min(carried, l.wp) // a few are copied as if they lay side by side
	}
	lost = min(overrun(fresh, l, carried), fresh)
	a.captured += fresh - lost
	a.lost += lost
	return uint32(fresh - lost), lost, true
}

// overrun returns how many of the n slots below l.wp the copy cannot have. Xen
// may have filled slots again during the copy, and be filling one or two more
// that no pointer shows yet, but never one that is still unread.
func overrun(n uint64, l look, carried uint32) (lost uint64) {
	refilled := produced(l.rp, l.wp, l.rp2, l.wp2)
	if all := n + uint64(refilled+l.refilling()); all > xen.BufSlots {
		lost = all - xen.BufSlots
	}
	if n > uint64(carried) {
		lost = max(lost, n-uint64(carried))
	}
	return lost
}

func (l *look) refilling() uint32 { return min(2, xen.BufSlots-(l.wp2-l.rp2)) }

// wraps says whether a pointer went beyond 2^32, and not down with the other.
func wraps(before, now uint32) bool { return now < before && int32(now-before) > 0 }

// kept returns how many of the slots below l.wp are not filled with what came behind the
// wrapping of the pointer, which gives the first slots of the page to the last entries
// before it and to the first behind it.
func (l *look) kept() uint32 {
	const shared = 1 << 32 % xen.BufSlots
	behind := int64(int32(l.wp2)) + int64(l.refilling())
	if behind <= 0 {
		return xen.BufSlots
	}
	oldest := min(behind-shared, 0)
	return uint32(max(int64(int32(l.wp))-oldest, 0))
}

// slotIndex returns the place in the page of the slot that is back below the write
// pointer. back is at most 511.
func (a *ringAccount) slotIndex(back uint32) uint32 {
	if a.wrapped {
		return (a.wp - back) % xen.BufSlots
	}
	return (a.wp%xen.BufSlots + xen.BufSlots - back) % xen.BufSlots
}

// A bufRequest is one request of a ring: one slot, or two for 8 bytes.
type bufRequest struct {
	xen.BufIOReq
	data uint64
}

// requests joins the two slots of 8-byte requests. afterLoss says that slots
// before these are gone, so that the first may be the second half of one;
// halves counts the slots whose other half is not there.
func requests(slots []xen.BufIOReq, afterLoss bool) (reqs []bufRequest, halves int) {
	for i := 0; i < len(slots); {
		if slots[i].Size != 8 {
			reqs = append(reqs, bufRequest{slots[i], uint64(slots[i].Data)})
			i++
			continue
		}
		run := i
		for run < len(slots) && slots[run].Size == 8 {
			run++
		}
		pairs := slots[i:run]
		if len(pairs)%2 != 0 {
			halves++
			if i == 0 && afterLoss {
				pairs = pairs[1:]
			}
		}
		for ; len(pairs) >= 2; pairs = pairs[2:] {
			reqs = append(reqs, bufRequest{pairs[0], uint64(pairs[0].Data) | uint64(pairs[1].Data)<<32})
		}
		i = run
	}
	return reqs, halves
}
