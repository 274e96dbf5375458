package engine

import "github.com/iotrace-xen/iotrace/xen"

// claim is who handles writes to pages of type ioreq_server
// (p2m_domain.ioreq). There is one for a domain. The holder is NoServer where
// none is known.
type claim struct {
	held   Tri
	holder xen.ServerID
}

// mapMemType is dm_op's map_mem_type_to_ioreq_server: with the WRITE flag a
// claim, with none a release and the sweep that turns the pages back. A
// non-zero opaque skips all other checks and, in a release, goes on with the sweep.
func (d *Domain) mapMemType(op *Op, b xen.MapMemType) Effect {
	if d.hap == No {
		return Effect{Ret: fail(xen.EOpNotSupp, whyNoHAP)}
	}
	e := d.mayMapMemType(op, b)
	d.trustHAP(&e.Ret)
	return e
}

// mayMapMemType is the rest of it in a domain with hardware-assisted paging.
func (d *Domain) mayMapMemType(op *Op, b xen.MapMemType) Effect {
	if l := d.exact(); l != nil && b.Opaque != 0 {
		return l.sweepOn(&d.cfg.Profile, op, b)
	}
	if b.Opaque != 0 {
		e := Effect{Ret: done("a non-zero opaque skips every check")}
		if b.Flags == 0 && d.pages.entries() != No {
			e.Cost.Unknown = 1 // lock sections over pages that are not marked
		}
		return e
	}
	switch {
	case b.Type != xen.MemIOReqServer:
		return Effect{Ret: fail(xen.EInval, "only ioreq_server can be claimed")}
	case b.Flags&^xen.AccessWrite != 0:
		return Effect{Ret: fail(xen.EInval, "only writes can be claimed")}
	}
	if _, r := d.find(op.Caller, b.ID); !r.ok() {
		return Effect{Ret: r}
	}
	if b.Flags == 0 {
		return d.release(op, b)
	}
	return d.take(b.ID)
}

// take claims the type for a server: p2m_set_ioreq_server. It writes no p2m
// entry.
func (d *Domain) take(id xen.ServerID) Effect {
	entries := d.entries()
	switch {
	case d.claim.held == Yes:
		return Effect{Ret: fail(xen.EBusy, "a server holds the claim")}
	case entries == Yes:
		return Effect{Ret: fail(xen.EBusy, "pages of the type are left over")}
	case d.claim.held == Maybe:
		return Effect{Ret: unknown("whether ioreq_server is claimed predates the trace")}
	case entries == Maybe:
		return Effect{Ret: unknown("whether pages of the type are left over is not known")}
	}
	d.claim = claim{held: Yes, holder: id}
	return Effect{Ret: done("")}
}

// release gives the claim up and sweeps.
func (d *Domain) release(op *Op, b xen.MapMemType) Effect {
	id := b.ID
	switch {
	case d.claim.held == No, d.claim.held == Yes && d.claim.holder != xen.NoServer && d.claim.holder != id:
		return Effect{Ret: fail(xen.EInval, "the server does not hold the claim")}
	case d.claim.holder == xen.NoServer:
		return Effect{Ret: unknown("who holds the claim predates the trace")}
	}
	if d.layout != nil {
		d.claim = claim{held: No, holder: xen.NoServer}
		return d.exact().release(&d.cfg.Profile, op, b)
	}
	return Effect{Ret: done(""), Cost: d.sweep()}
}

// entries says whether any page is of type ioreq_server: Xen's entry_count.
func (d *Domain) entries() Tri {
	if d.layout != nil {
		return triOf(d.layout.typed != 0)
	}
	return d.pages.entries()
}

// sweep drops the claim and turns every page of type ioreq_server back into
// RAM: p2m_change_entry_type_global, then p2m_finish_type_change over batches
// until no entry is left. Its cost hangs on tables that no dom0 trace shows;
// what is counted is what the typed pages alone make certain.
func (d *Domain) sweep() Cost {
	var c Cost
	if d.pages.entries() != No {
		c = d.sweepCost()
	}
	d.claim = claim{held: No, holder: xen.NoServer}
	back := setRAMRW
	if d.logDirty {
		back |= setLogDirty
	}
	d.pages.change(func(t P2MTypes) P2MTypes {
		if t&setIOReqServer == 0 {
			return t
		}
		return t&^setIOReqServer | back
	})
	d.dirtyTracked()
	return c
}

// sweepCost returns a lower bound and moves d.marks to the first frame that the
// sweep may have left marked.
func (d *Domain) sweepCost() Cost {
	c := Cost{Unknown: 1}
	d.marks = 0
	if d.pages.typed == 0 {
		return c
	}
	// Each level is marked by its parent and unmarked when it is resolved; a
	// typed page is marked and then written.
	leaves, top := d.pages.typed, xen.GFN(0)
	var levels uint64
	seen := [3]uint64{^uint64(0), ^uint64(0), ^uint64(0)}
	for _, r := range d.pages.runs {
		if r.types != setIOReqServer {
			continue
		}
		top = r.last
		for i := range seen {
			shift := tableBits * (i + 1)
			lo, hi := uint64(r.first)>>shift, uint64(r.last)>>shift
			levels += hi - lo + 1
			if lo == seen[i] {
				levels--
			}
			seen[i] = hi
		}
	}
	c.PW = 2 * (levels + leaves)
	c.FL = 1
	if d.cfg.Profile.FlushPerWrite {
		c.FL = c.PW + 1
	}
	if d.cfg.Profile.WholeTable {
		top &^= 1<<tableBits - 1 // its table's first page resolves them all
	}
	batches := uint64(top)/batch + 1
	c.LK = 1 + batches
	if exact := d.pages.doubt == 0 && d.pages.rest&setIOReqServer == 0; exact {
		d.marks = d.swept(batches)
	}
	return c
}

// swept returns the first frame beyond those that a sweep of so many batches
// leaves unmarked.
func (d *Domain) swept(batches uint64) xen.GFN {
	end := xen.GFN(batches * batch)
	if d.cfg.Profile.WholeTable {
		end = (end + 1<<tableBits - 1) &^ (1<<tableBits - 1)
	}
	return end
}
