package engine

import "github.com/iotrace-xen/iotrace/xen"

// stateCost is what enabling or disabling costs: nothing, unless the pages are
// mapped at gfns, which leave the p2m and come back. A known layout changes with
// them.
func (d *Domain) stateCost(s *server, on bool) Cost {
	if s.enabled == triOf(on) || s.pages == pagesNone || s.pages == pagesResource {
		return Cost{}
	}
	if s.pages != pagesGFN || s.enabled == Maybe || s.ring == Maybe {
		d.blur()
		return Cost{Unknown: 1}
	}
	n := uint64(1)
	if s.ring == Yes {
		n = 2
	}
	if l := d.exact(); l != nil {
		if s.infoMask[1] == infoGFN && s.infoMask[n] == infoGFN {
			return l.moveIOReqPages(s.info[1:1+n], on)
		}
		d.blur()
	}
	if on {
		return Cost{PW: n, FL: n, LK: n, Unknown: 1} // a superpage may be split
	}
	return Cost{PW: n}
}

// freePages is ioreq_server_alloc_pages where it finds pages at gfns: it frees them, as
// if it had allocated them. The gfns are lost to the domain.
func (s *server) freePages() {
	s.pages, s.eport, s.taken = pagesFreed, No, taken{}
}

// moveFreed is a call that enables or disables s, if that moves pages that were freed
// in or out of the guest: Xen clears them by a null pointer.
func (s *server) moveFreed(on bool) (e Effect, ends bool) {
	if s.pages != pagesFreed || s.enabled == triOf(on) {
		return Effect{}, false
	}
	return Effect{Ret: unknown(whyFreed), XenCrash: s.enabled != Maybe}, true
}

const whyFreed = "acquire_resource has freed the server's pages: hvm_remove_ioreq_gfn or hvm_add_ioreq_gfn dereferences NULL, the hypervisor dies"

// moveIOReqPages takes ioreq pages out of the guest's memory
// (hvm_remove_ioreq_gfn) or puts them back (hvm_add_ioreq_gfn).
func (l *layout) moveIOReqPages(gfns []uint64, out bool) (c Cost) {
	to := leaf(P2MRAMRW)
	if out {
		to = 0
	}
	for _, gfn := range gfns {
		if g := xen.GFN(gfn); g <= maxFrame {
			w := l.write(&pass{from: g, moved: true, to: to}, g, 1)
			c.Add(&w)
			if !out {
				l.noteMapped(g)
			}
		}
	}
	return c
}
