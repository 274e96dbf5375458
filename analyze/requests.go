package analyze

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// Requests holds the requests that device models have taken and not answered. A slot has
// one at a time: where another comes, that before it was answered unseen, or its server
// or domain is gone and others have their numbers. The zero value is empty.
type Requests[T any] struct {
	InFlight[T]
	slots InFlight[uint64] // the number of the request that came to each last
}

// Begin takes note of a request, and forgets the one that its slot had.
func (r *Requests[T]) Begin(q *format.IOReq, x T) {
	if q.Server != xen.NoServer && q.VCPU != xen.NoVCPU {
		slot := uint64(q.Dom)<<32 | uint64(q.Server)<<16 | uint64(q.VCPU)
		if before, ok := r.slots.End(slot); ok {
			r.End(before)
		}
		r.slots.Begin(slot, q.ID)
	}
	r.InFlight.Begin(q.ID, x)
}
