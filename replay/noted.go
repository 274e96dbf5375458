package replay

import "github.com/iotrace-xen/iotrace/xen"

// noted counts events by domid, until the account of a life takes them: of the one
// that is there then. Each event of a trace is counted here, and the counters of all
// domains fit into a few cache lines, which their accounts do not.
type noted []uint64

// add counts n events.
func (x *noted) add(id xen.DomID, n uint64) {
	if int(id) >= len(*x) {
		if !isDomain(id) {
			return
		}
		*x = append(*x, make(noted, int(id)+1-len(*x))...)
	}
	(*x)[id] += n
}

// take returns the count of a domid, which begins anew.
func (x noted) take(id xen.DomID) (n uint64) {
	if int(id) < len(x) {
		n, x[id] = x[id], 0
	}
	return n
}

// book adds what was noted to the accounts of the lives that there are.
func (s *session) book() {
	for _, d := range s.lives {
		d.rep.Events += s.noted.take(d.id)
	}
}
