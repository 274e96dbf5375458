package engine

import (
	"math"
	"math/bits"

	"github.com/iotrace-xen/iotrace/xen"
)

// routes answers in one binary search which servers store a range around an
// address. It is derived from the servers and made anew when they have changed: of
// the spaces each when an access to it is routed, for a server's ranges seldom
// change in more than one, and many changes pass before somebody asks.
//
// Each space is cut into segments at every end of every range of every server
// that may be enabled. A segment knows the servers that have a range over it
// and, for each of them from the highest id down, where that range ends.
type routes struct {
	stale  bool  // all of it, and all spaces
	sure   uint8 // servers that exist and are enabled
	open   uint8 // servers that may be, and may have ranges that are not known
	live   uint8 // servers that may exist and be enabled
	lost   bool  // there may be servers in no place
	cf8    bool  // ownsCF8; false if that is not known
	spaces [numSpaces]segments
}

type segments struct {
	stale  bool
	shared bool // with another domain: what is made anew leaves the memory to that one

	segs []segment // in order, without a gap
	// lasts are the ends of the ranges around segment i, that of the highest
	// server first: from at[i] on.
	lasts []uint64
	at    []uint32

	// cuts shortens the search: the addresses from base on, reach of them, in steps
	// of 1<<shift; cuts[i] is the segment that holds the first address of step i, and
	// the last of cuts the one behind all steps.
	base  uint64
	reach uint64
	shift uint8
	cuts  []uint32
}

// A segment is as small as it can be, for accesses go to all of them by turns.
type segment struct {
	last uint64
	// nodes is how many range nodes a scan visits up to the highest server, or
	// of all where there is none: find_range walks each list up to the first
	// range behind the address.
	nodes   uint32
	servers uint8
	to      place // the highest of them
	plain   Tri   // see routes.plain
}

// hit returns the segment that holds [first, last], if its highest server is sure to
// get what is in it.
func (s *segments) hit(first, last uint64) *segment {
	if s.stale {
		return nil
	}
	i := 0
	if off := first - s.base; off < s.reach {
		i = int(s.cuts[off>>(s.shift&63)])
	}
	seg := &s.segs[i]
	if first > seg.last {
		seg = &s.segs[s.find(first)]
	}
	if first > last || last > seg.last || seg.plain != Yes {
		return nil
	}
	return seg
}

// find returns which segment holds a.
func (s *segments) find(a uint64) int {
	lo, hi := 0, len(s.segs)-1
	switch off := a - s.base; {
	case off < s.reach:
		step := off >> s.shift
		lo, hi = int(s.cuts[step]), int(s.cuts[step+1])
	case a < s.base:
		hi = int(s.cuts[0])
	default:
		lo = int(s.cuts[len(s.cuts)-1])
	}
	for lo < hi {
		if mid := (lo + hi) / 2; s.segs[mid].last < a {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// minSteps is how many steps there are at least: few segments may lie far apart, and so
// many steps cost nothing.
const minSteps = 256

// cut makes the steps, about two for each segment.
func (s *segments) cut() {
	lo, hi := s.dense()
	s.base, s.shift, s.cuts = s.begin(lo), 0, s.cuts[:0]
	s.reach = s.begin(hi) - s.base
	for s.reach>>s.shift > uint64(max(2*(hi-lo), minSteps)) {
		s.shift++
	}
	steps := uint64(0)
	if s.reach != 0 {
		steps = (s.reach-1)>>s.shift + 1
	}
	at := lo
	for step := range steps {
		for s.segs[at].last < s.base+step<<s.shift {
			at++
		}
		s.cuts = append(s.cuts, uint32(at))
	}
	s.cuts = append(s.cuts, uint32(hi))
}

// dense returns between the beginnings of which segments the steps are: all of them
// but the first and the last, or but a sixteenth at either end if these are so far
// away from the others that all others would share few steps.
func (s *segments) dense() (lo, hi int) {
	hi = len(s.segs) - 1
	lo = min(1, hi)
	some := hi / 16
	if s.begin(hi-some)-s.begin(lo+some) < (s.begin(hi)-s.begin(lo))/4 {
		return lo + some, hi - some
	}
	return lo, hi
}

// begin returns where segment i begins.
func (s *segments) begin(i int) uint64 {
	if i == 0 {
		return 0
	}
	return s.segs[i-1].last + 1
}

// scan is the scan of ioreq_server_select for addresses that begin in segment i
// and end with last: from the highest place down, the first enabled server that
// stores one range around them. The answer is Maybe if a server of which too
// little is known comes first. all says that the segment's nodes are those it visits.
func (r *routes) scan(s *segments, i int, last uint64) (to place, ok Tri, all bool) {
	in, at := s.segs[i].servers, s.at[i]
	all = true
	for left := in | r.open; left != 0; {
		id := bits.Len8(left) - 1
		bit := uint8(1) << id
		left &^= bit
		if in&bit != 0 {
			switch end := s.lasts[at]; {
			case last > end:
				all = false
			case r.sure&bit != 0:
				return place(id), Yes, all
			default:
				return place(id), Maybe, all
			}
			at++
		}
		if r.open&bit != 0 {
			return place(id), Maybe, false
		}
	}
	return noPlace, No, all
}

// plain returns the answer of a scan for addresses that the range of seg's
// highest server holds or, where there is none, for any: Maybe if it is not that
// server, or nobody.
func (r *routes) plain(seg *segment) Tri {
	switch {
	case r.lost || place(bits.Len8(r.open)) > seg.to+1:
		return Maybe
	case seg.to == noPlace:
		return No
	case r.sure>>seg.to&1 == 0:
		return Maybe
	}
	return Yes
}

// walked is how many nodes of a list find_range visits for address a, if the
// first range that does not end before a is number next.
func walked(set rangeset, next int, a uint64) uint32 {
	if next < len(set) && set[next].first <= a {
		next++
	}
	return uint32(min(next+1, len(set)))
}

// walkedTo is how many nodes a scan for address a visits up to a server, or of all
// servers.
func (d *Domain) walkedTo(space xen.Space, a uint64, to place) (n uint32) {
	for i := maxServers - 1; i >= 0 && (to == noPlace || i >= int(to)); i-- {
		if s := &d.servers[i]; s.exists != No && s.enabled != No {
			n += walked(s.ranges[space], s.ranges[space].at(a), a)
		}
	}
	return n
}

// outdate makes all stale.
func (r *routes) outdate() {
	r.stale, r.cf8 = true, false
	for space := range r.spaces {
		r.spaces[space].stale = true
	}
}

// refresh makes the routes of a space anew.
func (d *Domain) refresh(space xen.Space) {
	if d.routes.stale {
		d.rebuild()
	}
	d.cut(space)
}

// moved notes that ranges of a space have changed, and no more than that.
func (d *Domain) moved(space xen.Space) {
	d.routes.spaces[space].stale = true
	if space == xen.SpacePort {
		d.routes.cf8 = d.ownsCF8()
	}
}

// cut makes the segments of a space anew.
func (d *Domain) cut(space xen.Space) {
	s := &d.routes.spaces[space]
	if s.shared {
		*s = segments{}
	}
	d.segment(s, int(space), d.routes.live)
	for i := range s.segs {
		s.segs[i].plain = d.routes.plain(&s.segs[i])
	}
	s.cut()
	s.stale = false
}

// share lets another domain use the same memory.
func (r *routes) share() {
	for space := range r.spaces {
		r.spaces[space].shared = true
	}
}

// rebuild looks at the servers anew. All spaces are stale still.
func (d *Domain) rebuild() {
	r := &d.routes
	r.stale, r.sure, r.open, r.live, r.lost, r.cf8 = false, 0, 0, 0, d.others != No, d.ownsCF8()
	for i := range maxServers {
		s := &d.servers[i]
		if s.exists == No || s.enabled == No {
			continue
		}
		r.live |= 1 << i
		if s.exists == Yes && s.enabled == Yes {
			r.sure |= 1 << i
		}
		if !s.closed {
			r.open |= 1 << i
		}
	}
}

// segment cuts one space: a sweep over the ends of all servers' ranges at once.
func (d *Domain) segment(out *segments, space int, live uint8) {
	out.segs, out.lasts, out.at = out.segs[:0], out.lasts[:0], out.at[:0]
	var next [maxServers]int // the range that a server is in, or comes to
	for a := uint64(0); ; {
		seg := segment{last: math.MaxUint64, to: noPlace}
		out.at = append(out.at, uint32(len(out.lasts)))
		for left := live; left != 0; {
			id := bits.Len8(left) - 1
			left &^= 1 << id
			set := d.servers[id].ranges[space]
			if next[id] < len(set) && set[next[id]].last < a {
				next[id]++
			}
			if seg.to == noPlace {
				seg.nodes += walked(set, next[id], a)
			}
			if next[id] == len(set) {
				continue
			}
			s := set[next[id]]
			if s.first > a {
				seg.last = min(seg.last, s.first-1)
				continue
			}
			out.lasts = append(out.lasts, s.last)
			seg.to = max(seg.to, place(id))
			seg.servers |= 1 << id
			seg.last = min(seg.last, s.last)
		}
		out.segs = append(out.segs, seg)
		if seg.last == math.MaxUint64 {
			return
		}
		a = seg.last + 1
	}
}
