package engine

// Cost counts what Xen and the guest spent. It has no time: package replay
// turns counts into time with weights that the user gives.
type Cost struct {
	PW uint64 // p2m entries written in live tables
	TA uint64 // p2m table pages allocated
	FL uint64 // flush rounds: one IPI round to the domain's dirty CPUs
	LK uint64 // p2m lock sections
	FX uint64 // extra faults that resolve lazily marked entries; each is one of VX, too
	VX uint64 // VM exits
	RT uint64 // vCPU block and wake round trips
	EV uint64 // event-channel notifications
	HC uint64 // hypercall entries; continuations are not visible to dom0, so one a call
	CN uint64 // preempted calls, each of which is entered again
	RN uint64 // range nodes that the choice of a receiver visited
	DW uint64 // guest writes that were dropped
	NP uint64 // guest accesses that fault again without progress
	IM uint64 // calls that map or unmap for an IOMMU with tables of its own

	// Unknown counts the steps whose other counts are lower bounds, because a
	// part of what Xen did hangs on tables that no dom0 trace shows.
	Unknown uint64
}

// sent adds a request that was put into a slot, whose notification and the answer's are
// both counted here.
func (c *Cost) sent(byClaim bool) {
	c.VX++
	c.RT++
	c.EV += 2
	if byClaim {
		c.LK++
	}
}

// buffered adds a request that was put into a ring.
func (c *Cost) buffered() {
	c.VX++
	c.EV++
}

// answered adds an answer: EVTCHNOP_send, whose notification was counted with the
// request.
func (c *Cost) answered() { c.HC++ }

// Add adds d to c.
func (c *Cost) Add(d *Cost) {
	c.PW += d.PW
	c.TA += d.TA
	c.FL += d.FL
	c.LK += d.LK
	c.FX += d.FX
	c.VX += d.VX
	c.RT += d.RT
	c.EV += d.EV
	c.HC += d.HC
	c.CN += d.CN
	c.RN += d.RN
	c.DW += d.DW
	c.NP += d.NP
	c.IM += d.IM
	c.Unknown += d.Unknown
}
