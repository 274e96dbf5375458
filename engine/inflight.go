package engine

import "github.com/iotrace-xen/iotrace/xen"

// released says whether the page that sent the request to a claimer is RAM by now:
// the claim was released, or the page got its type back. Whether it is typed and
// claimed once more decides, not what happened between (seen on 4.20).
func (x *Execution) released() bool {
	typed := within(x.d.Page(xen.GFNOf(x.access.Addr)), setIOReqServer)
	return x.effect.Route.ByClaim && (x.d.claim.held != Yes || typed != Yes)
}

// whyReleased: the instruction then ends in RAM, without the answer, and the request is
// not complete: the crash comes with the next access of the vCPU that leaves it
// (hvmemul_do_io).
const whyReleased = "the page is RAM again, with the request in flight"

// whyStuck: closing the channel on which the vCPU waits does not wake it. So it makes
// no difference that from 4.13 on its completion would find nothing pending and go on
// (f7039ee41b; seen on 4.17).
const whyStuck = "the server was destroyed with the request in flight"
