package analyze

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQuantilesAgainstASortedList compares quantiles of numbers of all sizes.
func TestQuantilesAgainstASortedList(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3, 10, 1000, 20_000} {
		var h Histogram
		list := make([]uint64, n)
		for i := range list {
			list[i] = chance.Uint64() >> chance.IntN(64)
			h.Add(list[i])
		}
		slices.Sort(list)
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
			want := list[max(int(math.Ceil(q*float64(n))), 1)-1]
			if got := h.Quantile(q); got < want || float64(got) > float64(want)*(1+1.0/steps) {
				t.Errorf("%d numbers, quantile %v: %d, want %d", n, q, got, want)
			}
		}
		if h.Max() != list[n-1] || h.Count() != uint64(n) {
			t.Errorf("%d numbers: count %d, max %d", n, h.Count(), h.Max())
		}
	}
	var empty Histogram
	if empty.Quantile(0.5) != 0 {
		t.Error("an empty histogram has a median")
	}
}

// TestBuckets goes through the ends of all buckets.
func TestBuckets(t *testing.T) {
	for i := range buckets {
		end := endOf(i)
		if bucketOf(end) != i {
			t.Fatalf("bucket %d ends with %d, which is in %d", i, end, bucketOf(end))
		}
		if end < math.MaxUint64 && bucketOf(end+1) != i+1 {
			t.Fatalf("%d is in bucket %d, want %d", end+1, bucketOf(end+1), i+1)
		}
	}
	if endOf(buckets-1) != math.MaxUint64 {
		t.Errorf("the last bucket ends with %d", endOf(buckets-1))
	}
}

// TestFrequentAgainstAMap counts keys of many distributions.
func TestFrequentAgainstAMap(t *testing.T) {
	chance := rand.New(rand.NewPCG(5, 6))
	for _, keys := range []uint64{3, 32, 33, 1000, 1 << 40} {
		for _, skew := range []float64{0.5, 2, 6} {
			var f Frequent
			exact := map[uint64]uint64{}
			const n = 20_000
			for range n {
				k := uint64(math.Pow(chance.Float64(), skew) * float64(keys))
				f.Add(k)
				exact[k]++
			}
			got := map[uint64]bool{}
			last := uint64(math.MaxUint64)
			for _, c := range f.Top(maxFrequent) {
				got[c.Key] = true
				if x := exact[c.Key]; x > c.Count || x < c.Count-c.Over || c.Count > last {
					t.Fatalf("%d keys, skew %v: %+v, it came %d times", keys, skew, c, x)
				}
				last = c.Count
			}
			for k, x := range exact {
				if x > n/maxFrequent && !got[k] {
					t.Errorf("%d keys, skew %v: %d is missing, which came %d times", keys, skew, k, x)
				}
			}
		}
	}
}
