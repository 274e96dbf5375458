package replay

import (
	"github.com/iotrace-xen/iotrace/engine"
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

// close ends an account.
func (r *rings) close(id xen.ServerID) {
	if a := r.of(id); a != nil {
		*a = ringAccount{}
	}
}
