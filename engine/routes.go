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
	stale  bool  // all of it
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
	base  uint64
	shift uint8
	cuts  []uint32
}

type segment struct {
	first   uint64
	last    uint64 // where the range of the highest server ends
	at      uint32 // index in lasts of where those of the others do
	servers uint8
	// nodes is how many range nodes a scan visits up to the highest server, or
	// of all where there is none: find_range walks each list up to the first
	// range behind the address.
	nodes uint16
}

// find returns the segment that holds a.
func (s *segments) find(a uint64) int {
	if a < s.base {
		return 0
	}
	lo, hi := len(s.segs)-1, len(s.segs)
	if i := (a - s.base) >> s.shift; i < uint64(len(s.cuts)-1) {
		lo, hi = int(s.cuts[i]), int(s.cuts[i+1])+1
	}
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; s.segs[mid].first <= a {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// cut makes the steps: about two for each segment.
func (s *segments) cut() {
	last := len(s.segs) - 1
	s.base, s.shift, s.cuts = math.MaxUint64, 0, append(s.cuts[:0], 0)
	if last == 0 {
		return
	}
	s.base = s.segs[1].first
	reach := s.segs[last].first - s.base
	for reach>>s.shift > uint64(2*last) {
		s.shift++
	}
	s.cuts = s.cuts[:0]
	at := 0
	for i := range reach>>s.shift + 1 {
		for at < last && s.segs[at+1].first <= s.base+i<<s.shift {
			at++
		}
		s.cuts = append(s.cuts, uint32(at))
	}
	s.cuts = append(s.cuts, uint32(last))
}

// choose is the scan of ioreq_server_select: from the highest place down, the
// first enabled server that stores one range around [first, last]. The answer is
// Maybe if a server of which too little is known comes first. nodes is as in
// segment where easy says that the scan ends as it does there.
func (r *routes) choose(space xen.Space, first, last uint64) (to place, ok Tri, nodes uint32, easy bool) {
	if r.lost {
		return noPlace, Maybe, 0, true
	}
	s := &r.spaces[space]
	seg := &s.segs[s.find(first)]
	end, at := seg.last, seg.at
	nodes, easy = uint32(seg.nodes), true
	for left := seg.servers | r.open; left != 0; {
		id := bits.Len8(left) - 1
		bit := uint8(1) << id
		left &^= bit
		if seg.servers&bit != 0 {
			switch {
			case last > end:
				easy = false
			case r.sure&bit != 0:
				return place(id), Yes, nodes, easy
			default:
				return place(id), Maybe, nodes, easy
			}
			if seg.servers&(bit-1) != 0 {
				end = s.lasts[at]
				at++
			}
		}
		if r.open&bit != 0 {
			return place(id), Maybe, nodes, false
		}
	}
	return noPlace, No, nodes, easy
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

// table returns the routes, of which those of a space are not stale.
func (d *Domain) table(space xen.Space) *routes {
	if r := &d.routes; r.stale || r.spaces[space].stale {
		d.refresh(space)
	}
	return &d.routes
}

// refresh makes anew what table needs.
func (d *Domain) refresh(space xen.Space) {
	if d.routes.stale {
		d.rebuild()
	}
	if d.routes.spaces[space].stale {
		d.cut(space)
	}
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
	s.cut()
	s.stale = false
}

// share lets another domain use the same memory.
func (r *routes) share() {
	for space := range r.spaces {
		r.spaces[space].shared = true
	}
}

// rebuild looks at the servers anew, and leaves all spaces to be cut.
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
	for space := range r.spaces {
		r.spaces[space].stale = true
	}
}

// segment cuts one space: a sweep over the ends of all servers' ranges at once.
func (d *Domain) segment(out *segments, space int, live uint8) {
	out.segs, out.lasts = out.segs[:0], out.lasts[:0]
	var next [maxServers]int // the range that a server is in, or comes to
	for a := uint64(0); ; {
		seg := segment{first: a, at: uint32(len(out.lasts))}
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
