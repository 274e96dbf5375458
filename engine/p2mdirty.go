package engine

import "github.com/iotrace-xen/iotrace/xen"

// logDirty is what decides between ram_rw and ram_logdirty when an entry is
// recalculated.
type logDirty struct {
	on     bool     // the domain is in log-dirty mode (PG_log_dirty)
	global bool     // p2m.global_logdirty
	ranges rangeset // p2m.logdirty_ranges
	marked rangeset // frames that are dirty: the bitmap (paging.log_dirty.top)
	// vram is what track_dirty_vram tracks, if it tracks.
	vram   span
	tracks bool
}

func (l *logDirty) clone() logDirty {
	c := *l
	c.ranges = append(rangeset(nil), l.ranges...)
	c.marked = append(rangeset(nil), l.marked...)
	return c
}

// mark is paging_mark_pfn_dirty.
func (l *logDirty) mark(g xen.GFN) {
	if l.on {
		l.marked.cover(uint64(g), uint64(g))
	}
}

// over is p2m_is_logdirty_range: the type of RAM in [first, last], if it is one.
func (l *logDirty) over(first, last xen.GFN) (t P2MType, one bool) {
	switch {
	case l.global || l.ranges.contains(uint64(first), uint64(last)):
		return P2MLogDirty, true
	case l.ranges.overlaps(uint64(first), uint64(last)):
		return 0, false
	}
	return P2MRAMRW, true
}

// ram is the type of RAM at frame g.
func (l *logDirty) ram(g xen.GFN) P2MType {
	if l.global || len(l.ranges) != 0 && l.ranges.overlaps(uint64(g), uint64(g)) {
		return P2MLogDirty
	}
	return P2MRAMRW
}

// alike returns the last frame of those from first on, not beyond last, that
// all lie inside of one range or outside of all.
func (l *logDirty) alike(first, last xen.GFN) xen.GFN {
	i := l.ranges.at(uint64(first))
	if i == len(l.ranges) {
		return last
	}
	if r := l.ranges[i]; r.first > uint64(first) {
		return min(last, xen.GFN(r.first-1))
	}
	return min(last, xen.GFN(l.ranges[i].last))
}
