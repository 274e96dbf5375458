package analyze

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// slowFlight is InFlight as a list.
type slowFlight []struct{ id, x uint64 }

func (s *slowFlight) end(id uint64) (uint64, bool) {
	for i, e := range *s {
		if e.id == id {
			*s = slices.Delete(*s, i, i+1)
			return e.x, true
		}
	}
	return 0, false
}

func (s *slowFlight) begin(id, x uint64) {
	s.end(id)
	if len(*s) == maxInFlight {
		*s = (*s)[1:]
	}
	*s = append(*s, struct{ id, x uint64 }{id, x})
}

func TestInFlightAgainstAList(t *testing.T) {
	for _, ids := range []uint64{5, 300, 3 * maxInFlight} {
		var fast InFlight[uint64]
		var slow slowFlight
		chance := rand.New(rand.NewPCG(ids, 1))
		for n := range uint64(20_000) {
			id := chance.Uint64N(ids)
			if chance.IntN(3) > 0 {
				fast.Begin(id, n)
				slow.begin(id, n)
			} else {
				x, ok := fast.End(id)
				if y, want := slow.end(id); x != y || ok != want {
					t.Fatalf("%d ids, step %d: End(%d) is %d, %v; want %d, %v", ids, n, id, x, ok, y, want)
				}
			}
			first, x := fast.Oldest()
			if fast.Len() != len(slow) || (x == nil) != (len(slow) == 0) || x != nil && (first != slow[0].id || *x != slow[0].x) {
				t.Fatalf("%d ids, step %d: %d in flight from %d on, want %d", ids, n, fast.Len(), first, len(slow))
			}
		}
		i := 0
		for id, x := range fast.All() {
			if slow[i].id != id || slow[i].x != x {
				t.Fatalf("%d ids: place %d has %d, want %d", ids, i, id, slow[i].id)
			}
			fast.End(id)
			i++
		}
		if i != len(slow) || fast.Len() != 0 {
			t.Errorf("%d ids: All yields %d of %d, %d are left", ids, i, len(slow), fast.Len())
		}
		if len(fast.items) > maxInFlight {
			t.Errorf("%d ids: %d items", ids, len(fast.items))
		}
	}
}

func TestInFlightAllocatesNothing(t *testing.T) {
	var f InFlight[[4]uint64]
	id := uint64(0)
	if n := testing.AllocsPerRun(2000, func() {
		for range 100 {
			f.Begin(id, [4]uint64{})
			f.End(id - 60)
			id++
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
