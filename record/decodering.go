package record

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// ring decodes one look at a buffered ring. body has the last slots below the
// write pointer, or the whole page.
func (d *decoder) ring(h rawHead, r rawRingRec, body []byte) {
	if h.fault() {
		return // nothing was taken: the next look sees the same
	}
	d.see(h)
	m := mapping{h.PID, r.Entry, r.Born}
	rg := d.rings[m]
	if rg == nil {
		rg = &ring{mapping: m, dom: xen.DomID(r.Dom)}
		d.rings[m] = rg
		d.order = append(d.order, rg)
		d.mapped(h.PID) // the mapping's own record may have been lost
	}
	rg.server = d.serverOf(h.Time, m, serverSlot{rg.dom, xen.ServerID(r.Server), xen.NoVCPU}, 0)
	carried := uint32(xen.BufSlots)
	if h.Kind == rawRing {
		carried = min(uint32(r.Carried), rawFew)
	}
	n, lost, ok := rg.add(look{r.Total, r.RP, r.WP, r.RP2, r.WP2}, carried)
	if !ok {
		return
	}
	slots := slotsOf(h.Kind, body, r.WP, n, carried)
	reqs, halves := requests(slots, lost > 0)
	rg.captured -= uint64(halves)
	rg.lost += uint64(halves)
	if lost > 0 {
		d.loseSlots(h.Time, int64(h.CPU), rg, format.ReasonOverrun, lost)
	}
	if halves > 0 {
		d.loseSlots(h.Time, int64(h.CPU), rg, format.ReasonMalformed, uint64(halves))
	}
	for _, q := range reqs {
		d.emit(d.bufIOReq(h, rg, q))
	}
}

// slotsOf returns the last n slots below wp, oldest first.
func slotsOf(k rawKind, body []byte, wp, n, carried uint32) []xen.BufIOReq {
	slots := make([]xen.BufIOReq, 0, n)
	for back := n; back > 0; back-- {
		off := xen.BufSlotSize * (carried - back)
		if k == rawPage {
			off = xen.BufSlotSize * (1 + slotIndex(wp, back))
		}
		s, err := xen.DecodeBufIOReq(body[min(int(off), len(body)):])
		if err != nil {
			break
		}
		slots = append(slots, s)
	}
	return slots
}

func (d *decoder) bufIOReq(h rawHead, rg *ring, q bufRequest) format.Event {
	b := format.BufIOReq{
		Dom: rg.dom, Server: rg.server, ID: d.newID(), Caller: h.caller(),
		Type: q.Type, Dir: q.Dir, Addr: q.Addr, Size: q.Size,
	}
	if d.full {
		b.Data, b.DataKnown = q.data, true
	} else {
		b.Data, b.DataKnown = d.instead(q.data, q.Size)
	}
	return b.Event(h.Time)
}

func (d *decoder) loseSlots(t uint64, cpu int64, rg *ring, r format.Reason, n uint64) {
	d.emit(format.Lost{Dom: rg.dom, Server: rg.server, Probe: format.ProbeRing, Reason: r, CPU: cpu, Count: n}.Event(t))
}

// untold counts as lost the slots that the probes know of, by mapping, and could
// make no record of any more.
func (d *decoder) untold(t uint64, totals map[mapping]uint64) {
	for _, rg := range d.order {
		if total := totals[rg.mapping]; total > rg.total {
			rg.lost += total - rg.total
			d.loseSlots(t, noCPU, rg, format.ReasonNoSpace, total-rg.total)
			rg.total = total
		}
	}
}

// ringCounts closes at time t the account of every ring whose process lives.
func (d *decoder) ringCounts(t uint64) {
	for _, rg := range d.order {
		d.ringCount(t, rg)
	}
}

func (d *decoder) ringCount(t uint64, rg *ring) {
	if id, ok := d.late.owner[rg.mapping]; ok {
		rg.server = id // learned after the last look
	}
	d.emit(format.RingCount{Dom: rg.dom, Server: rg.server, Captured: rg.captured, Lost: rg.lost}.Event(t))
}
