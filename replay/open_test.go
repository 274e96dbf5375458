package replay

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestOpenCallsAreAMap: whatever the order of ids, and in order of entry for who asks.
func TestOpenCallsAreAMap(t *testing.T) {
	const seed, ids = 1, 40
	rnd := rand.New(rand.NewPCG(seed, 0))
	var open openCalls
	slow := map[uint64]*call{}
	for i := range 10_000 {
		id := rnd.Uint64N(ids)
		if got := open.at(id); got != slow[id] {
			t.Fatalf("seed %d, step %d: call %d is %+v, want %+v", seed, i, id, got, slow[id])
		}
		if rnd.IntN(2) == 0 {
			c := &call{id: id, seq: rnd.Uint64N(ids)}
			open.put(c)
			slow[id] = c
		} else {
			open.drop(id)
			delete(slow, id)
		}
		want := slices.SortedFunc(maps.Values(slow), func(a, b *call) int {
			return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.id, b.id))
		})
		if !slices.Equal(open.byEntry(), want) {
			t.Fatalf("seed %d, step %d: %d calls in another order than %d", seed, i, len(open), len(want))
		}
	}
}
