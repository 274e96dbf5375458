package engine

import "github.com/iotrace-xen/iotrace/xen"

// checkEvery is after how many pages set_mem_type looks whether it is to be
// preempted.
const checkEvery = 256

// setMemType is set_mem_type from its look at max_mapped_pfn on.
func (l *layout) setMemType(op *Op, b xen.SetMemType, t transition) Effect {
	last := b.First + xen.GFN(b.Nr) - 1
	if !l.mapped || last > l.max {
		return Effect{Ret: fail(xen.EInval, "the run ends beyond the domain's highest page")}
	}
	e := Effect{Ret: done("")}
	if most := uint64(op.Preempt) * checkEvery; most != 0 && most < uint64(b.Nr) {
		last = b.First + xen.GFN(most) - 1
		e.Again = true
	}
	n := uint64(last-b.First) + 1
	if refused, r := l.walk(b.First, last, t); !r.ok() {
		e, n = Effect{Ret: r}, uint64(refused-b.First)
		e.Cost.LK = 1 // the look-up that refused
	}
	if n != 0 {
		c := l.retype(b.First, n, t.to)
		e.Cost.Add(&c)
	}
	if e.Again {
		e.Cost.CN = 1
		b.First += xen.GFN(n)
		b.Nr -= uint32(n)
		e.handBack(b)
	}
	return e
}

// handBack makes body what the caller's buffer holds after the call.
func (e *Effect) handBack(body xen.Body) {
	e.Out.Words = xen.NewDMOp(body).Words()
	for i := range e.Out.Mask {
		e.Out.Mask[i] = ^uint64(0)
	}
}

// walk asks every page of [first, last] in order whether it lets itself be
// changed. It returns the first that does not, with its error.
func (l *layout) walk(first, last xen.GFN, t transition) (refused xen.GFN, r Ret) {
	for g := first; ; g++ {
		end, typ := l.stretch(g, last)
		if r := t.allows(typ.Set()); !r.ok() {
			return g, r
		}
		if g = end; g >= last {
			return 0, done("")
		}
	}
}

// retype sets the type of n frames, each in a lock section of its own:
// p2m_change_type_one.
func (l *layout) retype(first xen.GFN, n uint64, to P2MType) Cost {
	return l.write(&pass{from: first, populate: true, to: leaf(to)}, first, n)
}

// write makes a pass that writes n entries of 4K, each in a lock section.
func (l *layout) write(p *pass, first xen.GFN, n uint64) Cost {
	p.l, p.write, p.level = l, true, 1
	did := l.apply(p, first, first+xen.GFN(n)-1)
	return l.written(&did, n)
}

// written is the cost of a pass that wrote in n lock sections.
func (l *layout) written(did *tally, n uint64) Cost {
	c := Cost{PW: did.pw, TA: did.ta, LK: n}
	if c.FL = did.groups; l.paged.perWrite {
		c.FL = did.wrote
	}
	if l.paged.dma {
		c.IM = did.dma
	}
	return c
}

// release marks every page to be recalculated, now that no server holds the
// claim, and sweeps: p2m_set_ioreq_server, then the loop over
// p2m_finish_type_change.
func (l *layout) release(p *Profile, op *Op, b xen.MapMemType) Effect {
	if l.typed == 0 {
		return Effect{Ret: done("")}
	}
	c := l.global(P2MRAMRW)
	e := l.sweepOn(p, op, b)
	e.Ret.Why = ""
	e.Cost.Add(&c)
	return e
}

// sweepOn sweeps from the frame on that the call names. A call that names any
// is taken for the continuation of one that was preempted, and passes all checks.
func (l *layout) sweepOn(p *Profile, op *Op, b xen.MapMemType) Effect {
	e := Effect{Ret: done("a non-zero opaque skips every check")}
	if b.Flags != 0 {
		return e
	}
	s := l.sweep(xen.GFN(b.Opaque), uint64(op.Preempt))
	e.Cost = s.cost
	switch {
	case s.preempted:
		e.Again = true
		e.Cost.CN = 1
		b.Opaque = uint64(s.next)
		e.handBack(b)
	case s.changed && p.PositiveRelease:
		e.Ret.Positive = 1
	}
	return e
}
