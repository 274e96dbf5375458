package engine

import "github.com/iotrace-xen/iotrace/xen"

// Most requests of a recorded session came by a plain way: in one piece, by one
// stored range or by the claim, to a server of which all that matters is known. Sent,
// Buffered and Answered are Access and Answer for those, without an Effect, in a
// fraction of the time; Unplaced is Access for those of which nothing can be said. They
// step the domain and add to a cost if they return true. If they return false they have
// changed nothing, and nothing is said: it takes Access or Answer to tell.

// Sent says whether a request that server to got in a slot is sure to be what the
// model has Xen send there. Of the request it looks at type, direction, address, size
// and count.
func (d *Domain) Sent(v xen.VCPU, q *xen.IOReq, to xen.ServerID, c *Cost) bool {
	if d.trail != nil || d.layout != nil || malformed(q.Size, q.Count) {
		return false
	}
	at, nodes, byClaim := noPlace, uint32(0), false
	switch space, traps := d.plainTrap(q); traps {
	case setMMIODM:
		if seg := d.routes.spaces[space].hit(q.Addr, q.Addr+uint64(q.Size)-1); seg != nil {
			at, nodes = seg.to, seg.nodes
		}
	case setIOReqServer:
		if d.claim.held == Yes {
			at, byClaim = d.place(d.claim.holder), true
		}
	}
	if at == noPlace || d.idAt(at) != to || !d.reachable(at) {
		return false
	}
	d.send(at, v)
	d.settleLatch()
	d.last.plain()
	c.RN += uint64(nodes)
	c.sent(byClaim)
	return true
}

// Unplaced says whether the model does not know which server stores a range around a
// request: any may have got it in a slot, and the request changes nothing but the cost.
func (d *Domain) Unplaced(q *xen.IOReq, c *Cost) bool {
	end := q.Addr + uint64(q.Size) - 1
	if d.trail != nil || d.layout != nil || malformed(q.Size, q.Count) || end < q.Addr {
		return false
	}
	space, traps := d.plainTrap(q)
	if traps != setMMIODM {
		return false
	}
	var r Route
	if _, ok := d.choose(&r, space, q.Addr, end); ok != Maybe {
		return false
	}
	d.settleLatch()
	d.last = last{undecided: true, created: xen.NoServer}
	c.RN += uint64(r.Nodes)
	return true
}

// plainTrap returns what decides the way of a request, and the space of the ranges
// if it is one: setMMIODM. What is neither that nor setIOReqServer is not plain: what
// may touch the CF8 latch or the VGA window, and strings in memory.
func (d *Domain) plainTrap(q *xen.IOReq) (xen.Space, P2MTypes) {
	switch {
	case q.Type == xen.TypePIO && q.Addr&^7 != portCF8:
		return xen.SpacePort, setMMIODM
	case q.Type == xen.TypeCopy && q.Count == 1 && q.Addr-vgaFirst > vgaLast-vgaFirst:
		return xen.SpaceMemory, d.traps(q.Dir, d.pages.at(xen.GFNOf(q.Addr)))
	}
	return 0, 0
}

// Buffered says whether a write of size bytes to memory at addr that was in the ring
// of server to is sure to be one that the model has Xen buffer there.
func (d *Domain) Buffered(addr uint64, size uint32, to xen.ServerID, c *Cost) bool {
	end := addr + uint64(size) - 1
	if d.trail != nil || d.layout != nil || malformed(size, 1) || addr < vgaFirst || end > vgaLast {
		return false
	}
	seg := d.routes.spaces[xen.SpaceMemory].hit(addr, end)
	if seg == nil || d.idAt(seg.to) != to {
		return false
	}
	if s := &d.servers[seg.to]; s.ring != Yes || !s.pages.there() || s.pointers.known {
		return false
	}
	d.settleLatch()
	d.last.plain()
	c.RN += uint64(seg.nodes)
	c.buffered()
	return true
}

// Answered says whether RESP_READY in the slot of a vCPU is an answer that Xen waits
// for.
func (d *Domain) Answered(v xen.VCPU, from xen.ServerID, c *Cost) bool {
	p := d.place(from)
	if p == noPlace || v >= xen.SlotsPerPage || d.slots[p][v] == slotUnseen {
		return false
	}
	d.slots[p][v] = slotUnseen
	d.settleLatch()
	d.last.plain()
	c.answered()
	return true
}

// plain makes l that of a plain step.
func (l *last) plain() { *l = last{created: xen.NoServer} }
