package record

import (
	"cmp"
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// ringName names a buffered ring for good: by its server or, while that is not
// known, by the one mapping in which it is seen. born tells it from a later one.
type ringName struct {
	dom    xen.DomID
	server xen.ServerID
	in     mapping // of a named ring only born
}

func nameOfRing(pid uint32, r rawRingRec) ringName {
	if id := xen.ServerID(r.Server); id != xen.NoServer {
		return ringName{xen.DomID(r.Dom), id, mapping{born: r.Born}}
	}
	return ringName{server: xen.NoServer, in: mapping{r.Born, pid, r.Entry}}
}

func compareRings(a, b ringName) int {
	return cmp.Or(cmp.Compare(a.in.born, b.in.born), cmp.Compare(a.dom, b.dom), cmp.Compare(a.server, b.server),
		cmp.Compare(a.in.pid, b.in.pid), cmp.Compare(a.in.entry, b.in.entry))
}

// ring is one buffered ring with its account.
type ring struct {
	ringAccount
	name   ringName
	dom    xen.DomID
	server xen.ServerID
}

// ring decodes one look at a buffered ring. body has the last slots below the
// write pointer, or the whole page.
func (d *decoder) ring(h rawHead, r rawRingRec, body []byte) {
	if h.fault() {
		return // nothing was taken: the next look sees the same
	}
	name := nameOfRing(h.PID, r)
	rg := d.rings[name]
	if rg == nil {
		rg = d.newRing(name, xen.DomID(r.Dom))
	}
	if r.Total > 0 {
		d.see(&h)
		d.lookAt(rg, h, r, body)
	} else {
		rg.wp = r.WP // from where the next look goes on
	}
	if h.ended() {
		d.endRing(h.Time, rg)
	} else if !d.followed[h.PID] {
		d.follow(h.PID) // the mapping's own record was lost
	}
}

func (d *decoder) newRing(name ringName, dom xen.DomID) *ring {
	rg := &ring{name: name, dom: dom, server: name.server}
	d.rings[name] = rg
	d.order = append(d.order, rg)
	return rg
}

// follow tells of a process that has mapped a ring.
func (d *decoder) follow(pid uint32) {
	d.followed[pid] = true
	d.mapped(pid)
}

// endRing closes the account of a ring that is gone.
func (d *decoder) endRing(t uint64, rg *ring) {
	d.ringCount(t, rg)
	delete(d.rings, rg.name)
	d.order = slices.DeleteFunc(d.order, func(other *ring) bool { return other == rg })
}

func (d *decoder) lookAt(rg *ring, h rawHead, r rawRingRec, body []byte) {
	rg.server = d.serverOf(h.Time, rg.name.in, serverSlot{rg.dom, xen.ServerID(r.Server), xen.NoVCPU}, 0)
	n, lost, ok := rg.add(look{r.Total, r.RP, r.WP, r.RP2, r.WP2}, min(uint32(r.Carried), copied(h.Kind)))
	if !ok {
		return
	}
	slots := rg.slotsOf(h.Kind, body, n)
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

// copied returns how many slots below the write pointer a look copies.
func copied(k rawKind) uint32 {
	if k == rawRing {
		return rawFew
	}
	return xen.BufSlots
}

// slotsOf returns the last n slots below the write pointer, oldest first.
func (a *ringAccount) slotsOf(k rawKind, body []byte, n uint32) []xen.BufIOReq {
	slots := make([]xen.BufIOReq, 0, n)
	for back := n; back > 0; back-- {
		off := xen.BufSlotSize * (rawFew - back)
		if k == rawPage {
			off = xen.BufSlotSize * (1 + a.slotIndex(back))
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

// untold counts as lost the slots that the probes know of, by ring, and could
// make no record of any more.
func (d *decoder) untold(t uint64, totals map[ringName]uint64) {
	for _, name := range slices.SortedFunc(maps.Keys(totals), compareRings) {
		if d.rings[name] != nil || totals[name] == 0 {
			continue
		}
		dom := name.dom
		if name.server == xen.NoServer {
			dom = xen.DomInvalid
		}
		d.newRing(name, dom)
	}
	for _, rg := range d.order {
		if total := totals[rg.name]; total > rg.total {
			rg.lost += total - rg.total
			d.loseSlots(t, noCPU, rg, format.ReasonNoSpace, total-rg.total)
			rg.total = total
		}
	}
}

// ringCounts closes at time t the account of every ring that there still is.
func (d *decoder) ringCounts(t uint64) {
	for _, rg := range d.order {
		d.ringCount(t, rg)
	}
}

// ringCount tells the account of a ring that has had entries.
func (d *decoder) ringCount(t uint64, rg *ring) {
	if rg.total == 0 {
		return
	}
	if id, ok := d.late.owner[rg.name.in]; ok {
		rg.server = id // learned after the last look
	}
	d.emit(format.RingCount{Dom: rg.dom, Server: rg.server, Captured: rg.captured, Lost: rg.lost}.Event(t))
}
