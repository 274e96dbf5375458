package replay

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// ringAccount is what a buffered ring has shown so far, in slots.
type ringAccount struct {
	open           bool
	captured, lost uint64
}

// rings are the accounts of a domain's buffered rings, by server; the last is of
// one whose server is not known.
type rings [engine.MaxServers + 1]ringAccount

// of returns the account of a server's ring, nil for a server that no domain can
// have.
func (r *rings) of(id xen.ServerID) *ringAccount {
	switch {
	case id < engine.MaxServers:
		return &r[id]
	case id == xen.NoServer:
		return &r[engine.MaxServers]
	}
	return nil
}

// server returns the server of the ring at index i.
func (rings) server(i int) xen.ServerID {
	if i == engine.MaxServers {
		return xen.NoServer
	}
	return xen.ServerID(i)
}

// captured counts the slots that a request took in a server's ring.
func (r *rings) captured(id xen.ServerID, size uint32) {
	a := r.of(id)
	if a == nil {
		return
	}
	a.open = true
	a.captured++
	if size == 8 {
		a.captured++
	}
}

// lost counts slots that the recorder could not keep.
func (r *rings) lost(id xen.ServerID, slots uint64) {
	if a := r.of(id); a != nil {
		a.open = true
		a.lost += slots
	}
}

// keepsRings says that a trace has every entry that its recorder saw, with its server.
func keepsRings(h format.Header) bool { return !h.Partial && h.Chosen == nil }

// closeRing ends an account, which the recorder's own must equal.
func (s *session) closeRing(d *domain, seq uint64, c format.RingCount) {
	a := d.rings.of(c.Server)
	if a == nil {
		return
	}
	if s.kept && !s.damaged {
		s.report.Rings++
		if c.Captured != a.captured || c.Lost != a.lost {
			s.ringMismatch(fmt.Sprintf("event %d: dom%d server %s: %d slots captured and %d lost, the events before it have %d and %d",
				seq, c.Dom, c.Server, c.Captured, c.Lost, a.captured, a.lost))
		}
	}
	*a = ringAccount{}
}

func (s *session) ringMismatch(what string) {
	if s.report.RingMismatches++; s.report.FirstRingMismatch == "" {
		s.report.FirstRingMismatch = what
	}
}
