package engine

import "github.com/iotrace-xen/iotrace/xen"

// mapRange is ioreq_server_map_io_range: the order of the range is checked
// before the id, and overlaps count within one server only.
func (d *Domain) mapRange(caller xen.DomID, b xen.MapIORange) Effect {
	s, r := d.findRange(caller, b)
	if !r.ok() {
		return Effect{Ret: r}
	}
	set := &s.ranges[b.Range.Space]
	switch {
	case set.overlaps(b.Range.First, b.Range.Last):
		return Effect{Ret: fail(xen.EExist, "overlaps a range of this server")}
	case !s.closed:
		return Effect{Ret: unknown("the server's ranges predate the trace")}
	}
	if set.add(b.Range.First, b.Range.Last) != xen.OK {
		return Effect{Ret: fail(xen.ENoMem, "256 ranges are stored")}
	}
	d.moved(b.Range.Space)
	return Effect{Ret: done("")}
}

// unmapRange is ioreq_server_unmap_io_range: any part of one stored range.
func (d *Domain) unmapRange(caller xen.DomID, b xen.UnmapIORange) Effect {
	s, r := d.findRange(caller, xen.MapIORange(b))
	if !r.ok() {
		return Effect{Ret: r}
	}
	if !s.closed {
		return Effect{Ret: unknown("the server's ranges predate the trace")}
	}
	switch s.ranges[b.Range.Space].remove(b.Range.First, b.Range.Last) {
	case xen.ENoEnt:
		return Effect{Ret: fail(xen.ENoEnt, "not inside one stored range")}
	case xen.ENoMem:
		return Effect{Ret: fail(xen.ENoMem, "256 ranges are stored and one would be split")}
	}
	d.moved(b.Range.Space)
	return Effect{Ret: done("")}
}

// findRange makes the checks that mapping and unmapping share.
func (d *Domain) findRange(caller xen.DomID, b xen.MapIORange) (*server, Ret) {
	switch {
	case b.Pad != 0:
		return nil, fail(xen.EInval, whyPad)
	case b.Range.First > b.Range.Last && d.cfg.Profile.RangeOrder:
		return nil, fail(xen.EInval, "the range ends before it starts")
	}
	s, r := d.find(caller, b.ID)
	if r.ok() && b.Range.Space >= numSpaces {
		return nil, fail(xen.EInval, "no such address space")
	}
	return s, r
}
