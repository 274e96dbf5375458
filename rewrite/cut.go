package rewrite

import "github.com/iotrace-xen/iotrace/format"

// A Cut says where one part of a trace ends and the next begins: always in front
// of a key-frame. Of the limits, one is set.
type Cut struct {
	Time     uint64 // a part spans about this, in ns
	Size     int64  // or has at most this, in bytes, if its segments are small enough
	Segments int    // or this many segments
}

// A Cutter finds the places in a stream of events.
type Cutter struct {
	cut      Cut
	begun    bool
	start    uint64 // time at which the part began
	segments int    // of the part
	size     int64  // of the part at its last key-frame
	largest  int64  // segment so far
}

// NewCutter begins at the front of a trace.
func NewCutter(c Cut) *Cutter { return &Cutter{cut: c} }

// Begins reports whether a new part begins with e; size is what the part at hand
// has so far.
func (c *Cutter) Begins(e *format.Event, size int64) bool {
	if !c.begun {
		c.begun = true
		c.reset(e.Time)
		return true
	}
	if e.Kind != format.KindKeyFrame {
		return false
	}
	c.largest = max(c.largest, size-c.size)
	c.size = size
	if c.due(e.Time) {
		c.reset(e.Time)
		return true
	}
	c.segments++
	return false
}

func (c *Cutter) due(t uint64) bool {
	switch {
	case c.cut.Segments > 0:
		return c.segments >= c.cut.Segments
	case c.cut.Size > 0:
		return c.size+c.largest > c.cut.Size
	}
	return t >= c.start && t-c.start >= c.cut.Time
}

func (c *Cutter) reset(t uint64) { c.start, c.segments, c.size = t, 1, 0 }
