package record

import (
	"maps"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// late is what is known about servers and mappings older than the capture, and
// decides which server such a mapping is of. It never guesses: as long as more
// than one could be meant, the mapping has none.
type late struct {
	found    map[xen.DomID][]format.ServerFound
	pages    map[uint32]candidates // mappings that the probes were told of, by pid
	evidence map[pidDom]xen.ServerID
	contrary map[pidDom]bool // evidence for more than one
	owner    map[mapping]xen.ServerID
	eports   map[serverSlot]xen.Port // of slots whose server is known
	renewed  map[serverSlot]bool     // servers, of no vCPU, whose id a younger one has
	reported map[mapping]bool        // as unlearned
	changes  int                     // how often any of that was changed
}

// serverSlot is the slot of one vCPU in a server's synchronous page. Xen gives
// each a port of its own.
type serverSlot struct {
	dom  xen.DomID
	id   xen.ServerID
	vcpu xen.VCPU
}

// candidates counts the mappings of a process that may be a server's. Those with
// a ring and slots side by side stand first in the probes' table.
type candidates struct{ all, pairs int }

type pidDom struct {
	pid uint32
	dom xen.DomID
}

func newLate() late {
	return late{
		found: map[xen.DomID][]format.ServerFound{}, pages: map[uint32]candidates{}, owner: map[mapping]xen.ServerID{},
		evidence: map[pidDom]xen.ServerID{}, contrary: map[pidDom]bool{}, reported: map[mapping]bool{},
		eports: map[serverSlot]xen.Port{}, renewed: map[serverSlot]bool{},
	}
}

// readPort notes that pid read the port whose end in dom is remote: if that is
// a server's buffered port, pid is that server's device model.
func (l *late) readPort(pid uint32, dom xen.DomID, remote xen.Port) {
	for _, s := range l.found[dom] {
		if s.BufPort != 0 && s.BufPort == remote {
			l.named(pid, dom, s.Server)
		}
	}
}

// named notes that pid acted for server id of dom. A server that was not found at
// the start, or has taken the id of one, is younger than the mappings in question.
func (l *late) named(pid uint32, dom xen.DomID, id xen.ServerID) {
	if l.pages[pid].all == 0 || l.server(dom, id) == nil || l.isRenewed(dom, id) {
		return
	}
	k := pidDom{pid, dom}
	old, ok := l.evidence[k]
	if ok && old == id {
		return
	}
	if ok {
		l.contrary[k] = true
	}
	l.evidence[k] = id
	l.changes++
}

// resolve returns the server that m is of, NoServer while that is not certain.
// slot and eport are what was seen in m, if eport is not 0.
func (l *late) resolve(m mapping, slot serverSlot, eport xen.Port) xen.ServerID {
	if id, ok := l.owner[m]; ok {
		return id
	}
	k := pidDom{m.pid, slot.dom}
	id, certain := l.onlyLeft(slot, eport)
	if e, ok := l.evidence[k]; ok && !certain {
		id, certain = e, !l.contrary[k] && l.onlyFor(m, slot.dom, e)
	}
	if !certain {
		return xen.NoServer
	}
	l.owner[m] = id
	l.changes++
	return id
}

// onlyFor says whether m is the only mapping that can be server id's: the only
// candidate, or the only pair if the server has a ring. (A device model that maps
// ring and slots apart, by frame number, maps all its servers so.)
func (l *late) onlyFor(m mapping, dom xen.DomID, id xen.ServerID) bool {
	c := l.pages[m.pid]
	if c.all == 1 {
		return true
	}
	if c.pairs != 1 || m.entry != 0 {
		return false
	}
	s := l.server(dom, id)
	return s != nil && s.BufPort != 0
}

// ringElsewhere says whether server id has a ring that m cannot have: pages that were
// mapped by frame number lie apart, and of those a port only tells which has the slots.
func (l *late) ringElsewhere(m mapping, dom xen.DomID, id xen.ServerID) bool {
	s := l.server(dom, id)
	return s != nil && s.BufPort != 0 && int(m.entry) >= l.pages[m.pid].pairs
}

// server returns what was found of a server, nil if it was not there.
func (l *late) server(dom xen.DomID, id xen.ServerID) *format.ServerFound {
	for i := range l.found[dom] {
		if l.found[dom][i].Server == id {
			return &l.found[dom][i]
		}
	}
	return nil
}

// onlyLeft returns the only server found that the slot can be of: a server
// whose slot for that vCPU has another port is another server.
func (l *late) onlyLeft(slot serverSlot, eport xen.Port) (left xen.ServerID, certain bool) {
	n := 0
	for _, s := range l.found[slot.dom] {
		slot.id = s.Server
		if p, ok := l.eports[slot]; ok && eport != 0 && p != eport && !l.isRenewed(slot.dom, s.Server) {
			continue
		}
		left = s.Server
		n++
	}
	return left, n == 1
}

// renew notes that a server was created or destroyed.
func (l *late) renew(dom xen.DomID, id xen.ServerID) {
	if l.server(dom, id) != nil {
		l.renewed[serverSlot{dom, id, xen.NoVCPU}] = true
		l.changes++
	}
}

func (l *late) isRenewed(dom xen.DomID, id xen.ServerID) bool {
	return l.renewed[serverSlot{dom, id, xen.NoVCPU}]
}

// forget drops what is known about a process.
func (l *late) forget(pid uint32) {
	l.changes++
	delete(l.pages, pid)
	maps.DeleteFunc(l.evidence, func(k pidDom, _ xen.ServerID) bool { return k.pid == pid })
	maps.DeleteFunc(l.contrary, func(k pidDom, _ bool) bool { return k.pid == pid })
	maps.DeleteFunc(l.owner, func(m mapping, _ xen.ServerID) bool { return m.pid == pid })
	maps.DeleteFunc(l.reported, func(m mapping, _ bool) bool { return m.pid == pid })
}

// forgetDomain drops what was found of a domain that is no more.
func (l *late) forgetDomain(dom xen.DomID) {
	l.changes++
	delete(l.found, dom)
	maps.DeleteFunc(l.evidence, func(k pidDom, _ xen.ServerID) bool { return k.dom == dom })
	maps.DeleteFunc(l.contrary, func(k pidDom, _ bool) bool { return k.dom == dom })
	maps.DeleteFunc(l.eports, func(k serverSlot, _ xen.Port) bool { return k.dom == dom })
	maps.DeleteFunc(l.renewed, func(k serverSlot, _ bool) bool { return k.dom == dom })
}

// learnPort notes the port of a slot whose server is known.
func (l *late) learnPort(slot serverSlot, eport xen.Port) {
	if len(l.found[slot.dom]) == 0 || slot.id == xen.NoServer || eport == 0 || l.eports[slot] == eport {
		return
	}
	l.eports[slot] = eport
	l.changes++
}

// serverOf returns the server of a mapping: slot.id, if the probe saw it being
// mapped, or, for an older mapping, the one that is certain.
func (d *decoder) serverOf(t uint64, m mapping, slot serverSlot, eport xen.Port) xen.ServerID {
	dom, id := slot.dom, slot.id
	if id == xen.NoServer {
		_, known := d.late.owner[m]
		id = d.late.resolve(m, slot, eport)
		if !known && id != xen.NoServer && d.late.ringElsewhere(m, dom, id) {
			d.emit(format.Unlearned{Dom: dom, Server: id, What: format.WhatRing}.Event(t))
		}
	}
	slot.id = id
	d.late.learnPort(slot, eport)
	if id == xen.NoServer && !d.late.reported[m] {
		d.late.reported[m] = true
		d.emit(format.Unlearned{Dom: dom, Server: xen.NoServer, What: format.WhatServerOfPage}.Event(t))
	}
	return id
}
