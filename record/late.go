package record

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// late is what is known about servers and mappings older than the capture, and
// decides which server such a mapping is of. It never guesses: as long as more
// than one could be meant, the mapping has none.
type late struct {
	found    map[xen.DomID][]format.ServerFound
	pages    map[uint32]int // mappings that the probes were told of, by pid
	evidence map[pidDom]xen.ServerID
	contrary map[pidDom]bool // evidence for more than one
	owner    map[mapping]xen.ServerID
	reported map[mapping]bool // as unlearned
}

type pidDom struct {
	pid uint32
	dom xen.DomID
}

func newLate() late {
	return late{
		found: map[xen.DomID][]format.ServerFound{}, pages: map[uint32]int{}, owner: map[mapping]xen.ServerID{},
		evidence: map[pidDom]xen.ServerID{}, contrary: map[pidDom]bool{}, reported: map[mapping]bool{},
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

// named notes that pid acted for server id of dom.
func (l *late) named(pid uint32, dom xen.DomID, id xen.ServerID) {
	if l.pages[pid] == 0 {
		return
	}
	k := pidDom{pid, dom}
	if old, ok := l.evidence[k]; ok && old != id {
		l.contrary[k] = true
	}
	l.evidence[k] = id
}

// resolve returns the server that m is of, NoServer while that is not certain.
func (l *late) resolve(m mapping, dom xen.DomID) xen.ServerID {
	if id, ok := l.owner[m]; ok {
		return id
	}
	id, certain := xen.NoServer, false
	k := pidDom{m.pid, dom}
	if s := l.found[dom]; len(s) == 1 {
		id, certain = s[0].Server, true
	} else if e, ok := l.evidence[k]; ok {
		id, certain = e, l.pages[m.pid] == 1 && !l.contrary[k]
	}
	if !certain {
		return xen.NoServer
	}
	l.owner[m] = id
	return id
}

// serverOf returns the server of a mapping: the one that the probe saw mapped,
// or, for an older mapping, the one that is certain.
func (d *decoder) serverOf(t uint64, m mapping, dom xen.DomID, seen xen.ServerID) xen.ServerID {
	if seen != xen.NoServer {
		return seen
	}
	id := d.late.resolve(m, dom)
	if id == xen.NoServer && !d.late.reported[m] {
		d.late.reported[m] = true
		d.emit(format.Unlearned{Dom: dom, Server: xen.NoServer, What: format.WhatServerOfPage}.Event(t))
	}
	return id
}
