package engine

import (
	"math/bits"

	"github.com/iotrace-xen/iotrace/xen"
)

// pool is the guest frames at which ioreq pages can be mapped: those that
// params 32 and 33 set aside, and from 4.12 on those of params 5 and 6
// (hvm_alloc_ioreq_gfn).
type pool struct {
	sized  bool    // param 33 was seen
	size   uint64  // of it
	based  bool    // param 32 was seen
	base   xen.GFN // of it
	free   uint64  // bit n: frame base+n is free
	legacy [2]legacyGFN
}

// legacyGFN is the frame of param 5 or 6.
type legacyGFN struct {
	set, free bool
	gfn       xen.GFN
}

// taken is what a server holds of the pool: bits of free, and of legacy.
type taken struct {
	bits   uint64
	legacy uint8
}

// take takes one frame: the lowest free one. known says whether gfn is known.
func (p *pool) take(rule LegacyRule) (t taken, gfn xen.GFN, known, ok bool) {
	if p.free != 0 {
		n := bits.TrailingZeros64(p.free)
		p.free &^= 1 << n
		return taken{bits: 1 << n}, p.base + xen.GFN(n), p.based, true
	}
	for i := range p.legacy {
		switch l := &p.legacy[i]; {
		case rule == LegacySpare && l.free:
			l.free = false
			return taken{legacy: 1 << i}, l.gfn, true, true
		case rule == LegacyInverted && l.free:
			l.free = false
		case rule == LegacyInverted:
			return taken{legacy: 1 << i}, l.gfn, l.set, true // param 5's, though it has another server's page
		}
	}
	return taken{}, 0, false, false
}

// give returns frames.
func (p *pool) give(t taken) {
	p.free |= t.bits
	for i := range p.legacy {
		if t.legacy>>i&1 != 0 {
			p.legacy[i].free = true
		}
	}
}

// takePages maps a server's pages at frames of the pool: its sync page, then its
// ring. If one cannot be had, none is taken.
func (d *Domain) takePages(s *server) Ret {
	if !d.pool.sized && d.layout == nil { // with a layout no param is unseen
		return unknown("whether the domain has gfns left for the pages is not visible")
	}
	pages := 1
	if s.ring == Yes {
		pages = 2
	}
	pool, taken, info, mask := d.pool, s.taken, s.info, s.infoMask
	for i := range pages {
		t, gfn, known, ok := pool.take(d.cfg.Profile.LegacyGFNs)
		if !ok {
			d.pool.legacy = pool.legacy
			return fail(xen.ENoMem, "no gfn is left for the pages")
		}
		taken.bits |= t.bits
		taken.legacy |= t.legacy
		if known {
			info[1+i], mask[1+i] = uint64(gfn), infoGFN
		}
	}
	d.pool, s.taken, s.info, s.infoMask = pool, taken, info, mask
	s.pages = pagesGFN
	s.eport = No
	if s.enabled != No {
		s.eport = Maybe // the page holds what the guest had in it
	}
	return done("")
}
