package engine

import "github.com/iotrace-xen/iotrace/xen"

// checkEvery is after how many pages set_mem_type looks whether it is to be
// preempted.
const checkEvery = 256

// setMemType is set_mem_type from its look at max_mapped_pfn on.
func (l *layout) setMemType(op *Op, b xen.SetMemType, t transition, e *Effect) {
	last := b.First + xen.GFN(b.Nr) - 1
	if !l.mapped || last > l.max {
		e.Ret = fail(xen.EInval, "the run ends beyond the domain's highest page")
		return
	}
	if most := uint64(op.Preempt) * checkEvery; most != 0 && most < uint64(b.Nr) {
		last = b.First + xen.GFN(most) - 1
		e.Again = true
	}
	refused := l.change(b.First, last, t, e)
	switch {
	case refused:
		e.Again = false
		e.Cost.LK++ // the look-up that refused
	case e.Again:
		e.Cost.CN = 1
		n := uint32(last-b.First) + 1
		b.First += xen.GFN(n)
		b.Nr -= n
		e.handBack(b)
	}
}

// handBack makes body what the caller's buffer holds after the call.
func (e *Effect) handBack(body xen.Body) {
	e.Out.Words = xen.NewDMOp(body).Words()
	for i := range e.Out.Mask {
		e.Out.Mask[i] = ^uint64(0)
	}
}

// change gives the pages [first, last] their new type, up to the first that refuses;
// e.Ret then is its error.
func (l *layout) change(first, last xen.GFN, t transition, e *Effect) (refused bool) {
	if tableOf(first, 1) == tableOf(last, 1) {
		if low := l.lowTable(first); low != nil {
			return l.changeLow(low, first, last, t, e)
		}
	}
	stop, r := l.walk(first, last, t)
	if stop > first {
		c := l.retype(first, uint64(stop-first), t.to)
		e.Cost.Add(&c)
	}
	e.Ret = r
	return !r.ok()
}

// changeLow is change in a table of 4K entries that can be changed in place: page by
// page, as p2m_change_type_one does it.
func (l *layout) changeLow(low *lowTable, first, last xen.GFN, t transition, e *Effect) (refused bool) {
	p := pass{l: l, from: first, populate: true, write: true, to: leaf(t.to), level: 1}
	var sum tally
	latest := noSection
	g := first
	for g <= last {
		was := low.at[index(g, 1)]
		types := traitsOf[was&entryType].set
		if was.marked() {
			types = l.seen(g, was, true).Set()
		}
		if types&^t.from != 0 {
			e.Ret = t.allows(types)
			break
		}
		g += p.entries(low, g, last, &sum, &latest)
	}
	l.count(&sum)
	l.charge(&e.Cost, &sum, uint64(g-first))
	return g <= last
}

// walk asks every page of [first, last] in order whether it lets itself be
// changed. It returns the first that does not, with its error, or the frame behind
// the last.
func (l *layout) walk(first, last xen.GFN, t transition) (stop xen.GFN, r Ret) {
	for g := first; g <= last; g++ {
		end, typ := l.stretch(g, last)
		if r := t.allows(typ.Set()); !r.ok() {
			return g, r
		}
		g = end
	}
	return last + 1, done("")
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
func (l *layout) written(did *tally, n uint64) (c Cost) {
	l.charge(&c, did, n)
	return c
}

// charge adds to c what a pass cost that wrote in n lock sections.
func (l *layout) charge(c *Cost, did *tally, n uint64) {
	c.PW += did.pw
	c.TA += did.ta
	c.LK += n
	if l.paged.perWrite {
		c.FL += did.wrote
	} else {
		c.FL += did.groups
	}
	if l.paged.dma {
		c.IM += did.dma
	}
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
