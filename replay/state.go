package replay

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// Bounds of what is kept open at once. A dom0 has as many calls in flight as it
// has threads, and a domain as many requests as vCPUs; a trace that exceeds
// these has lost the ends of most of them.
const (
	maxOpen      = 4096    // calls in flight; requests of one domain
	maxBufs      = 64      // buffer events of one call
	maxGone      = 256     // domains that have ended
	maxProcesses = 1 << 14 // that make captured calls
	maxPorts     = 1 << 17 // event channels that a domain can have
)

// state is what a session knows that later verdicts hang on: what a key-frame
// carries. What a session has besides is its account of the past (the report)
// or starts anew at a key-frame (histories, idle marks, surprises, suspects).
type state struct {
	domains   table                         // the latest life of each domid
	lives     []*domain                     // the same in order of appearance
	calls     openCalls                     // entered, not returned
	jails     map[uint32]xen.DomID          // processes that restricted a privcmd descriptor to one domain
	processes map[uint32]format.Process     // that make captured calls
	ports     map[xen.Port]format.PortFound // dom0's event channels to domains
	clock     format.Clock                  // the last reading
	clocked   bool                          // there was one
	callsLost bool                          // calls are missing: a new domid may have a past that was not seen
	lost      uint64                        // things that the recorder could not keep so far
}

func newState() state {
	return state{
		jails:     map[uint32]xen.DomID{},
		processes: map[uint32]format.Process{}, ports: map[xen.Port]format.PortFound{},
	}
}

// hold enters x, unless there are so many others already.
func hold[K comparable, V any](m map[K]V, key K, x V, most int) {
	if _, known := m[key]; known || len(m) < most {
		m[key] = x
	}
}

// add makes d the latest life of its domid.
func (s *state) add(d *domain) {
	s.domains.set(d)
	s.lives = append(s.lives, d)
}

// A table finds domains by their ids. Each event looks one up, and domids are
// small numbers, so it is no map.
type table []*domain

// at returns the domain of id, nil if there is none.
func (t table) at(id xen.DomID) *domain {
	if int(id) < len(t) {
		return t[id]
	}
	return nil
}

// set makes d the domain of its id.
func (t *table) set(d *domain) {
	if short := int(d.id) + 1 - len(*t); short > 0 {
		*t = append(*t, make(table, short)...)
	}
	(*t)[d.id] = d
}
