package dm

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/iotrace-xen/iotrace/xen"
)

// Heritage is what a device model leaves of a server to another that takes it over.
type Heritage struct {
	Server xen.ServerID
	Mode   xen.BufMode
	// Channels are bound on the evtchn descriptor that is passed on. Without
	// any, that descriptor is closed and Xen's ends can be bound anew.
	Channels []Channel
}

// Channel is a local port and what it announces: requests of a vCPU, or entries
// in the ring.
type Channel struct {
	Local xen.Port
	VCPU  xen.VCPU
	Ring  bool
}

// Heritage returns what it takes to serve in this server's place.
func (s *Server) Heritage() Heritage {
	h := Heritage{Server: s.ID, Mode: s.mode}
	for _, port := range slices.Sorted(maps.Keys(s.conn.ports)) {
		if ch := s.conn.ports[port]; ch.server == s {
			h.Channels = append(h.Channels, Channel{port, ch.vcpu, ch.ring})
		}
	}
	return h
}

// TakeOver maps the pages of a server that another device model has created and
// enabled, and listens to its channels. Requests that were in process stay so:
// see InProcess.
func (c *Conn) TakeOver(h Heritage) (*Server, error) {
	s := c.Adopt(h.Server, h.Mode)
	if err := s.Acquire(); err != nil {
		return nil, err
	}
	for _, ch := range h.Channels {
		c.ports[ch.Local] = channel{s, ch.VCPU, ch.Ring}
		if !ch.Ring {
			s.local[ch.VCPU] = ch.Local
		}
	}
	if len(h.Channels) > 0 {
		return s, nil
	}
	return s, s.bindAll()
}

// InProcess returns the requests that somebody has taken and not answered, in the
// order of their vCPUs.
func (s *Server) InProcess() (open []Request) {
	for v := range xen.VCPU(s.conn.vcpus) {
		if s.state(v) != xen.StateInProcess {
			continue
		}
		if q, err := xen.DecodeIOReq(s.slot(v)); err == nil { // a slot has the size that it wants
			open = append(open, Request{Server: s, VCPU: v, IOReq: q})
		}
	}
	return open
}

func (s *Server) state(v xen.VCPU) xen.State {
	return xen.State(atomic.LoadUint32(word(s.slot(v), stateOff)) & stateMask >> stateShift)
}
