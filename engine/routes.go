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
	cf8    bool  // ownsCF8
	spaces [numSpaces]segments
}

type segments struct {
	stale  bool
	shared bool // with another domain: what is made anew leaves the memory to that one

	segs  []segment // in order; the first starts at 0
	lasts []uint64  // ends of ranges

	// cuts shortens the search: the addresses from base on, in steps of
	// 1<<shift; cuts[i] is the segment that holds the first address of step i.
	// Behind that of the last step, which has no end, stands the last segment.
	base     uint64
	shift    uint8
	lastStep uint64
	cuts     []uint32
}

type segment struct {
	first   uint64
	last    uint64 // where the range of the highest server ends; the highest address if there is none
	at      uint32 // index in lasts of where those of the others do
	servers uint8
	plain   Tri // see routes.plain
	// nodes is how many range nodes a scan visits up to the highest server, or
	// of all where there is none: find_range walks each list up to the first
	// range behind the address.
	nodes uint16
}

// at returns the segment that holds a.
func (s *segments) at(a uint64) *segment {
	if a < s.base {
		return &s.segs[0]
	}
	i := min((a-s.base)>>s.shift, s.lastStep)
	lo, hi := s.cuts[i], s.cuts[i+1]
	for lo < hi {
		if mid := (lo + hi + 1) / 2; s.segs[mid].first <= a {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return &s.segs[lo]
}

// cut makes the steps: about two for each segment.
func (s *segments) cut() {
	last := len(s.segs) - 1
	s.base, s.shift, s.lastStep, s.cuts = math.MaxUint64, 0, 0, append(s.cuts[:0], 0, 0)
	if last == 0 {
		return
	}
	s.base = s.segs[1].first
	reach := s.segs[last].first - s.base
	for reach>>s.shift > uint64(2*last) {
		s.shift++
	}
	s.lastStep, s.cuts = reach>>s.shift, s.cuts[:0]
	at := 0
	for i := range s.lastStep + 1 {
		for at < last && s.segs[at+1].first <= s.base+i<<s.shift {
			at++
		}
		s.cuts = append(s.cuts, uint32(at))
	}
	s.cuts = append(s.cuts, uint32(last))
}

// scan is the scan of ioreq_server_select for addresses that begin in seg and
// end with last: from the highest place down, the first enabled server that
// stores one range around them. The answer is Maybe if a server of which too
// little is known comes first. all says that seg.nodes are the nodes it visits.
func (r *routes) scan(s *segments, seg *segment, last uint64) (to place, ok Tri, all bool) {
	end, at := seg.last, seg.at
	all = true
	for left := seg.servers | r.open; left != 0; {
		id := bits.Len8(left) - 1
		bit := uint8(1) << id
		left &^= bit
		if seg.servers&bit != 0 {
			switch {
			case last > end:
				all = false
			case r.sure&bit != 0:
				return place(id), Yes, all
			default:
				return place(id), Maybe, all
			}
			if seg.servers&(bit-1) != 0 {
				end = s.lasts[at]
				at++
			}
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
	case r.lost || bits.Len8(r.open) > bits.Len8(seg.servers):
		return Maybe
	case seg.servers == 0:
		return No
	case r.sure&(1<<(bits.Len8(seg.servers)-1)) == 0:
		return Maybe
	}
	return Yes
}

// walked is how many nodes of a list find_range visits for address a, if the
// first range that does not end before a is number next.
func walked(set rangeset, next int, a uint64) uint16 {
	if next < len(set) && set[next].first <= a {
		next++
	}
	return uint16(min(next+1, len(set)))
}

// walkedTo is how many a scan for address a visits up to a server, or of all
// servers.
func (d *Domain) walkedTo(space xen.Space, a uint64, to place) (n uint32) {
	for i := maxServers - 1; i >= 0 && (to == noPlace || i >= int(to)); i-- {
		if s := &d.servers[i]; s.exists != No && s.enabled != No {
			n += uint32(walked(s.ranges[space], s.ranges[space].at(a), a))
		}
	}
	return n
}

// outdate makes all stale.
func (r *routes) outdate() {
	r.stale = true
	for space := range r.spaces {
		r.spaces[space].stale = true
	}
}

// table returns the routes of a space, which are not stale.
func (d *Domain) table(space xen.Space) *segments {
	s := &d.routes.spaces[space]
	if s.stale {
		d.refresh(space)
	}
	return s
}

// refresh makes anew what table needs.
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
	out.segs, out.lasts = out.segs[:0], out.lasts[:0]
	var next [maxServers]int // the range that a server is in, or comes to
	for a := uint64(0); ; {
		seg := segment{first: a, last: math.MaxUint64, at: uint32(len(out.lasts))}
		end := uint64(math.MaxUint64) // last address of the segment
		for left := live; left != 0; {
			id := bits.Len8(left) - 1
			left &^= 1 << id
			set := d.servers[id].ranges[space]
			above := seg.servers == 0
			if next[id] < len(set) && set[next[id]].last < a {
				next[id]++
			}
			if above {
				seg.nodes += walked(set, next[id], a)
			}
			if next[id] == len(set) {
				continue
			}
			if s := set[next[id]]; s.first <= a {
				if seg.servers == 0 {
					seg.last = s.last
				} else {
					out.lasts = append(out.lasts, s.last)
				}
				seg.servers |= 1 << id
				end = min(end, s.last)
			} else {
				end = min(end, s.first-1)
			}
		}
		out.segs = append(out.segs, seg)
		if end == math.MaxUint64 {
			return
		}
		a = end + 1
	}
}
