package engine

// released says whether the claim that routed the request is gone.
func (x *Execution) released() bool {
	c := x.d.claim
	return x.effect.Route.ByClaim && (c.held != Yes || c.holder != x.effect.Route.Server)
}

// whyReleased: the instruction is complete then, but not the request: the crash comes
// with the next access of the vCPU that leaves it (hvmemul_do_io).
const whyReleased = "the claim was released with the request in flight"

// whyStuck: closing the channel on which the vCPU waits does not wake it. So it makes
// no difference that from 4.13 on its completion would find nothing pending and go on
// (f7039ee41b; seen on 4.17).
const whyStuck = "the server was destroyed with the request in flight"
