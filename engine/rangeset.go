package engine

import (
	"math"
	"slices"

	"github.com/iotrace-xen/iotrace/xen"
)

// maxRanges is how many ranges one server may store in one space
// (MAX_NR_IO_RANGES, the limit of its rangesets).
const maxRanges = 256

// span is a stretch of addresses, both ends included.
type span struct{ first, last uint64 }

// rangeset is Xen's struct rangeset: sorted, disjoint spans of which no two
// touch, because neighbours are merged when they are stored.
type rangeset []span

// at returns the index of the first span that ends at or after a.
func (r rangeset) at(a uint64) int {
	lo, n := 0, len(r)
	for n > 0 {
		half := n / 2
		if r[lo+half].last < a {
			lo += half + 1
			n -= half + 1
		} else {
			n = half
		}
	}
	return lo
}

// contains says whether one stored span holds all of [first, last].
func (r rangeset) contains(first, last uint64) bool {
	i := r.at(first)
	return i < len(r) && r[i].first <= first && last <= r[i].last
}

// overlaps says whether any stored span meets [first, last].
func (r rangeset) overlaps(first, last uint64) bool {
	i := r.at(first)
	return i < len(r) && r[i].first <= last
}

// add stores [first, last] as rangeset_add_range does, and reports ENOMEM at
// the limit. A span that touches its lower neighbour grows that one and needs
// no slot; a span that touches only its upper neighbour takes a slot before it
// is merged, so at the limit it fails although it would need none in the end.
// [first, last] must not overlap a stored span: ioreq servers refuse that
// before they come here.
func (r *rangeset) add(first, last uint64) xen.Errno {
	i := r.at(first)
	lower := i > 0 && first > 0 && (*r)[i-1].last == first-1
	if !lower && len(*r) >= maxRanges {
		return xen.ENoMem
	}
	r.cover(first, last)
	return xen.OK
}

// cover makes [first, last] part of the set, merging whatever it meets or
// touches. It knows no limit.
func (r *rangeset) cover(first, last uint64) {
	lo, hi := first, last
	if lo > 0 {
		lo--
	}
	if hi < math.MaxUint64 {
		hi++
	}
	i := r.at(lo)
	j := i
	for j < len(*r) && (*r)[j].first <= hi {
		first = min(first, (*r)[j].first)
		last = max(last, (*r)[j].last)
		j++
	}
	if j == i+1 && (*r)[i] == (span{first, last}) {
		return
	}
	*r = slices.Replace(*r, i, j, span{first, last})
}

// remove takes [first, last] out of the span that holds it, as
// rangeset_remove_range does for a contained range: ENOENT if no single span
// holds it, ENOMEM if it lies in the middle and there is no slot for the piece
// that is split off.
func (r *rangeset) remove(first, last uint64) xen.Errno {
	if !r.contains(first, last) {
		return xen.ENoEnt
	}
	s := (*r)[r.at(first)]
	if s.first < first && last < s.last && len(*r) >= maxRanges {
		return xen.ENoMem
	}
	r.cut(first, last)
	return xen.OK
}

// cut takes [first, last] out of the set, whatever it meets. It knows no limit.
func (r *rangeset) cut(first, last uint64) {
	i := r.at(first)
	j := i
	for j < len(*r) && (*r)[j].first <= last {
		j++
	}
	if i == j {
		return
	}
	var keep [2]span
	n := 0
	if s := (*r)[i]; s.first < first {
		keep[n] = span{s.first, first - 1}
		n++
	}
	if s := (*r)[j-1]; s.last > last {
		keep[n] = span{last + 1, s.last}
		n++
	}
	*r = slices.Replace(*r, i, j, keep[:n]...)
}
