package engine

import "github.com/iotrace-xen/iotrace/xen"

// enable is paging_log_dirty_enable for the whole domain, which pages of type
// ioreq_server stand against (hap_enable_log_dirty).
func (l *layout) enable() Effect {
	switch {
	case l.dirty.on:
		return Effect{Ret: fail(xen.EInval, "the domain is in log-dirty mode")}
	case l.typed != 0 && l.paged.ram15:
		return Effect{Ret: fail(xen.EBusy, "pages of the type ioreq_server are left")}
	}
	l.dirty.on = true
	return Effect{Ret: done(""), Cost: l.logAll()}
}

// clean is paging_log_dirty_op when it cleans: whoever calls takes the bitmap.
func (l *layout) clean() Effect {
	l.dirty.marked = l.dirty.marked[:0]
	return Effect{Ret: done(""), Cost: l.logAll()}
}

// logAll makes all RAM log-dirty (hap_clean_dirty_bitmap), and flushes for
// itself what marking flushes anyway.
func (l *layout) logAll() Cost {
	c := l.global(P2MLogDirty)
	c.FL++
	return c
}

// disable is paging_log_dirty_disable.
func (l *layout) disable() Effect {
	e := Effect{Ret: done("")}
	if l.dirty.on {
		l.dirty.on, l.dirty.marked = false, l.dirty.marked[:0]
		e.Cost = l.global(P2MRAMRW)
	}
	return e
}

// track is hap_track_dirty_vram: another range than before is marked, the same
// one is looked through for pages that were written since, none ends it. Some releases
// put the domain in log-dirty mode for it, whose other pages stay as they are.
func (l *layout) track(first xen.GFN, nr uint64) Effect {
	e := Effect{Ret: done("")}
	was, tracks := l.dirty.vram, l.dirty.tracks
	now := span{uint64(first), uint64(first) + nr - 1}
	switch {
	case nr == 0 && !tracks:
		return e
	case nr == 0:
		l.dirty.vram, l.dirty.tracks = span{}, false
		e.Cost = l.changeRange(xen.GFN(was.first), xen.GFN(was.last), P2MRAMRW)
		return e
	case now.last < now.first:
		return Effect{Ret: unknown("the frames wrap around")}
	case tracks && now == was:
		e.Cost = l.harvest(first, xen.GFN(now.last))
		return e
	}
	l.dirty.on = l.dirty.on || l.paged.logs
	l.dirty.vram, l.dirty.tracks = now, true
	if tracks {
		e.Cost = l.changeRange(xen.GFN(was.first), xen.GFN(was.last), P2MRAMRW)
	}
	c := l.changeRange(first, xen.GFN(now.last), P2MLogDirty)
	e.Cost.Add(&c)
	e.Cost.FL++
	return e
}

// harvest is paging_log_dirty_range: pages that have become ram_rw are
// log-dirty again, all in one lock section and with a flush at its end.
func (l *layout) harvest(first, last xen.GFN) Cost {
	sum := Cost{LK: 1, FL: 1}
	var flushed uint64
	for g := first; ; g++ {
		end, t := l.stretch(g, last)
		if t == P2MRAMRW {
			c := l.write(&pass{from: g, sectionBits: 63, to: leaf(P2MLogDirty)}, g, uint64(end-g)+1)
			sum.PW += c.PW
			sum.TA += c.TA
			sum.IM += c.IM
			flushed += c.FL
		}
		if g = end; g >= last {
			break
		}
	}
	if !l.paged.perWrite {
		flushed = min(flushed, 1)
	}
	sum.FL += flushed
	return sum
}
