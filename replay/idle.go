package replay

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// idle says when slots and vCPUs last had no request: by vCPU, each mark the
// number behind that of the event that showed it, 0 for none. Of vCPUs and servers
// that no domain can have nothing is noted.
type idle []idleVCPU

type idleVCPU struct {
	itself  uint64
	servers [engine.MaxServers]uint64
}

// vcpu returns the marks of v, nil if it can have none.
func (x *idle) vcpu(v xen.VCPU) *idleVCPU {
	if v >= xen.SlotsPerPage {
		return nil
	}
	if short := int(v) + 1 - len(*x); short > 0 {
		*x = append(*x, make(idle, short)...)
	}
	return &(*x)[v]
}

// answered notes that a vCPU had no request at event seq.
func (x *idle) answered(v xen.VCPU, seq uint64) {
	if m := x.vcpu(v); m != nil {
		m.itself = seq + 1
	}
}

// empty notes that a slot was empty at event seq.
func (x *idle) empty(at slotKey, seq uint64) {
	if m := x.vcpu(at.vcpu); m != nil && at.server < engine.MaxServers {
		m.servers[at.server] = seq + 1
	}
}

// since returns the last event before which a request that is in a slot now
// cannot have been sent; 0 and false if nothing has shown one.
func (x idle) since(at slotKey) (event uint64, shown bool) {
	if int(at.vcpu) >= len(x) {
		return 0, false
	}
	m := &x[at.vcpu]
	last := m.itself
	if at.server < engine.MaxServers {
		last = max(last, m.servers[at.server])
	}
	return max(last, 1) - 1, last != 0
}
