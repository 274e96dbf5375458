package engine

import "github.com/iotrace-xen/iotrace/xen"

// The sweep of a release finishes batches of 1<<batchBits frames, each in a lock
// section of its own.
const (
	batchBits = 8
	batch     = 1 << batchBits
)

// swept is what a sweep did.
type swept struct {
	cost Cost
	next xen.GFN // where it goes on, if preempted
	// preempted says that it stopped before its end.
	preempted bool
	changed   bool // the last frame that it came to changed an entry
}

// sweep finishes batches from a frame on until no entry is typed or no frame is
// left: p2m_finish_type_change, as map_mem_type_to_ioreq_server loops over it. It
// is preempted after limit batches unless that is 0. What takes Xen a walk for
// each frame is done here run by run.
func (l *layout) sweep(from xen.GFN, limit uint64) (s swept) {
	if l.typed == 0 || from > l.max {
		return s
	}
	n := l.batches(from)
	if limit != 0 && limit < n {
		n = limit
	}
	s.next = from + xen.GFN(n*batch)
	s.preempted = limit != 0 && n == limit && s.next <= l.max
	last := min(s.next-1, l.max)
	p := pass{l: l, from: from, sectionBits: batchBits}
	var did tally
	if last > from {
		did = l.apply(&p, from, last-1)
	}
	end := l.apply(&p, last, last)
	s.changed = end.pw != 0
	if last > from {
		did.then(&end)
	} else {
		did = end
	}
	s.cost = l.written(&did, n)
	return s
}

// batches returns how many batches a sweep from a frame on has: up to the one
// in which the last typed entry ceases to be, or to the last frame.
func (l *layout) batches(from xen.GFN) uint64 {
	end := l.max
	if n, last := l.resolved(l.top, topLevel, 0, from, false); n == l.typed {
		end = last
	}
	return uint64(end-from)/batch + 1
}

// resolved returns how many typed entries below t, which begins at base, a
// sweep from a frame on turns back, and at which frame it comes to the last.
func (l *layout) resolved(t *table, level int, base, from xen.GFN, marked bool) (n uint64, last xen.GFN) {
	bits := spanBits(level)
	for k := range t.slots {
		s := &t.slots[k]
		first, end := int(s.first), t.end(k)
		if s.e&entryTable == 0 || base+xen.GFN(end+1)<<bits <= from {
			continue
		}
		if at := base + xen.GFN(first)<<bits; at < from { // the table in which it begins
			first = int((from - base) >> bits)
			c, g := l.resolvedSlot(s, level, base+xen.GFN(first)<<bits, from, marked)
			if n += c; c != 0 {
				last = g
			}
			if first++; first > end {
				continue
			}
		}
		c, g := l.resolvedSlot(s, level, base+xen.GFN(end)<<bits, from, marked)
		if n += c * uint64(end-first+1); c != 0 {
			last = g
		}
	}
	return n, last
}

// resolvedSlot is resolved for one entry that leads to a table at base.
func (l *layout) resolvedSlot(s *slot, level int, base, from xen.GFN, marked bool) (n uint64, last xen.GFN) {
	marked = marked || s.e.marked()
	if level > 2 {
		return l.resolved(s.sub, level-1, base, from, marked)
	}
	found := false
	for i, e := range s.low.at {
		g := base + xen.GFN(i)
		will := e.present() && (marked || e.marked())
		typed := will && e.typ() == P2MIOReqServer && l.changeable(P2MIOReqServer)
		switch {
		case l.paged.whole && typed:
			n++
		case typed && g >= from:
			n, last = n+1, g
		}
		if l.paged.whole && will && g >= from && !found {
			found, last = true, g
		}
	}
	if l.paged.whole && !found {
		return 0, 0
	}
	return n, last
}
