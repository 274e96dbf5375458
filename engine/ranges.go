package engine

import (
	"slices"

	"github.com/iotrace-xen/iotrace/xen"
)

const numSpaces = 3

// stored are the spans that a server certainly stores in one piece, by space.
type stored struct {
	ranges [numSpaces]rangeset
	shared bool // with a clone: they are copied before they change
}

// own returns the ranges of a space, to be changed.
func (s *stored) own(space xen.Space) *rangeset {
	if s.shared {
		for i := range s.ranges {
			s.ranges[i] = slices.Clone(s.ranges[i])
		}
		s.shared = false
	}
	return &s.ranges[space]
}

// emptied returns no ranges in the memory of s.
func (s *stored) emptied() (e stored) {
	for i := range s.ranges {
		if !s.shared {
			e.ranges[i] = s.ranges[i][:0]
		}
	}
	return e
}

// assign makes s a copy of o in s's own memory.
func (s *stored) assign(o *stored) {
	*s = s.emptied()
	for i := range s.ranges {
		s.ranges[i] = append(s.ranges[i], o.ranges[i]...)
	}
}

// mapRange is ioreq_server_map_io_range: the order of the range is checked
// before the id, and overlaps count within one server only.
func (d *Domain) mapRange(caller xen.DomID, b xen.MapIORange) Effect {
	s, r := d.findRange(caller, b)
	if !r.ok() {
		return Effect{Ret: r}
	}
	switch set := s.ranges[b.Range.Space]; {
	case set.overlaps(b.Range.First, b.Range.Last):
		return Effect{Ret: fail(xen.EExist, "overlaps a range of this server")}
	case !s.closed:
		return Effect{Ret: unknown("the server's ranges predate the trace")}
	}
	if s.own(b.Range.Space).add(b.Range.First, b.Range.Last) != xen.OK {
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
	switch s.own(b.Range.Space).remove(b.Range.First, b.Range.Last) {
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
