package analyze

import (
	"math"
	"math/bits"
)

// A Histogram counts numbers of any size in bounded memory. A quantile is told at
// most one part in 32 too high. The zero value is empty.
type Histogram struct {
	counts [buckets]uint32
	n      uint64
	max    uint64
}

// Below steps each number has a bucket of its own; from there on each power of two
// has so many.
const (
	steps   = 32
	stepLog = 5
	buckets = (64 - stepLog + 1) * steps
)

// Add counts v.
func (h *Histogram) Add(v uint64) {
	if c := &h.counts[bucketOf(v)]; *c < 1<<32-1 {
		*c++
		h.n++
	}
	h.max = max(h.max, v)
}

func bucketOf(v uint64) int {
	if v < steps {
		return int(v)
	}
	shift := bits.Len64(v) - stepLog - 1
	return shift*steps + int(v>>shift)
}

// endOf returns the largest number of a bucket.
func endOf(bucket int) uint64 {
	if bucket < 2*steps {
		return uint64(bucket)
	}
	shift := bucket/steps - 1
	return uint64(bucket%steps+steps+1)<<shift - 1
}

// Count returns how many numbers were added, Max the largest of them.
func (h *Histogram) Count() uint64 { return h.n }
func (h *Histogram) Max() uint64   { return h.max }

// Quantile returns the smallest number that a share q of those added, from 0 to 1,
// do not exceed; 0 if there are none.
func (h *Histogram) Quantile(q float64) uint64 {
	want := max(uint64(math.Ceil(q*float64(h.n))), 1)
	var sum uint64
	for i, c := range h.counts {
		if sum += uint64(c); sum >= want {
			return min(endOf(i), h.max)
		}
	}
	return 0
}

// Reset empties it.
func (h *Histogram) Reset() { *h = Histogram{} }
