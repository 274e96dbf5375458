package engine

import "github.com/iotrace-xen/iotrace/xen"

// acquire is acquire_resource for the frames of an ioreq server. The pages are
// allocated before the frame's index is looked at, so a call that fails may
// have allocated them. They start cleared: the slots of a server that is
// enabled already hold no port until it is enabled again.
func (d *Domain) acquire(caller xen.DomID, a *xen.AcquireResource) Effect {
	if r, over := d.checkAcquire(caller, a); over {
		return Effect{Ret: r}
	}
	s, r := d.find(caller, xen.ServerID(a.ID))
	if !r.ok() {
		return Effect{Ret: r}
	}
	switch s.pages {
	case pagesGFN:
		s.freePages()
		return Effect{Ret: fail(xen.EPerm, "the pages are mapped at gfns, and freed all the same")}
	case pagesFreed:
		return Effect{Ret: unknown("pages that were freed are acquired: not modelled")}
	case pagesUnknown, pagesSome:
		return Effect{Ret: unknown("where the pages come from predates the trace")}
	}
	if a.Frame == xen.ResourceFrameBuf && s.ring == Maybe {
		return Effect{Ret: unknown("whether the server has a ring predates the trace")}
	}
	if s.pages == pagesNone {
		d.clearRing(s)
	}
	s.pages = pagesResource
	switch {
	case a.Frame == xen.ResourceFrameBuf && s.ring == No:
		return Effect{Ret: fail(xen.ENoEnt, "the server has no ring; its sync page is allocated all the same")}
	case a.Frame+uint64(a.NrFrames) > xen.ResourceFrameSync+1:
		return Effect{Ret: fail(xen.EInval, "no such frame; the pages are allocated all the same")}
	}
	return Effect{Ret: done("")}
}

// checkAcquire makes the checks that come before the server is looked up. over
// says that they decided.
func (d *Domain) checkAcquire(caller xen.DomID, a *xen.AcquireResource) (r Ret, over bool) {
	p := &d.cfg.Profile
	switch {
	case !p.Acquire:
		r = fail(xen.ENoSys, "the release has no acquire_resource")
	case a.Pad != 0:
		r = fail(xen.EInval, whyPad)
	case a.NrFrames > p.FramesLimit && p.FramesError == xen.E2Big:
		r = fail(xen.E2Big, "more frames than one call takes")
	case a.Frame>>32 != 0 || (a.Frame+uint64(a.NrFrames))>>32 != 0:
		r = fail(xen.EInval, "frame numbers have 32 bits")
	case a.Dom == xen.DomSelf || a.Dom == caller:
		r = fail(xen.EPerm, "the caller's own domain")
	case a.Dom != d.cfg.Dom:
		r = unknown("a resource of another domain")
	default:
		return d.checkResource(caller, a)
	}
	return r, true
}

func (d *Domain) checkResource(caller xen.DomID, a *xen.AcquireResource) (r Ret, over bool) {
	p := &d.cfg.Profile
	if r = d.target(caller); !r.ok() {
		return r, true
	}
	switch {
	case a.Type != xen.ResourceIOReqServer:
		r = unknown("only ioreq_server resources are modelled")
	case a.NrFrames == 0:
		r = done("a query of the size")
	case a.NrFrames > p.FramesLimit:
		r = fail(p.FramesError, "more frames than one call takes")
	case a.ID > 0xffff:
		r = fail(xen.EInval, "server ids have 16 bits")
	default:
		return Ret{}, false
	}
	return r, true
}
