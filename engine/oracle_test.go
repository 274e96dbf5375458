package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// seeds returns the seeds of a random test: a few fixed ones, or the one in
// IOTRACE_SEED. A failing test names its seed.
func seeds(t *testing.T) []uint64 {
	if s, err := strconv.ParseUint(os.Getenv("IOTRACE_SEED"), 0, 64); err == nil {
		return []uint64{s}
	}
	if testing.Short() {
		return []uint64{1}
	}
	return []uint64{1, 2, 3, 4}
}

// eachSeed runs a random test once for each seed.
func eachSeed(t *testing.T, f func(t *testing.T, rnd *rand.Rand)) {
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { f(t, rand.New(rand.NewPCG(seed, 0))) })
	}
}

// bitset is the stupid rangeset: one flag an address.
type bitset [1100]bool

func (b *bitset) all(first, last uint64, v bool) bool {
	for a := first; a <= last; a++ {
		if b[a] != v {
			return false
		}
	}
	return true
}

func (b *bitset) put(first, last uint64, v bool) {
	for a := first; a <= last; a++ {
		b[a] = v
	}
}

// spans lists the runs of set flags.
func (b *bitset) spans() (out []span) {
	for a := range uint64(len(b)) {
		switch {
		case !b[a]:
		case a > 0 && b[a-1]:
			out[len(out)-1].last = a
		default:
			out = append(out, span{a, a})
		}
	}
	return out
}

// TestRangesetIsXens compares the sorted slice with flags and the sentence of
// §3.4: only an add without a lower neighbour and a split need a slot.
func TestRangesetIsXens(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		var set rangeset
		var slow bitset
		for round := range 10 {
			set, slow = set[:0], bitset{}
			for i := range uint64(maxRanges) { // at the limit, with room between
				set.cover(4*i+1, 4*i+1)
				slow.put(4*i+1, 4*i+1, true)
			}
			full := 0
			for i := range 1000 {
				first := 1 + rnd.Uint64N(1024)
				last := first + rnd.Uint64N(3)
				full += len(set) / maxRanges
				if rnd.IntN(3) > 0 {
					checkAdd(t, i, &set, &slow, first, last)
				} else {
					checkRemove(t, i, &set, &slow, first, last)
				}
				if want := slow.spans(); !slices.Equal(set, want) {
					t.Fatalf("round %d step %d: [%d,%d]\ngot  %v\nwant %v", round, i, first, last, set, want)
				}
			}
			if full == 0 {
				t.Error("the limit was never reached")
			}
		}
	})
}

func checkAdd(t *testing.T, i int, set *rangeset, slow *bitset, first, last uint64) {
	t.Helper()
	if free := slow.all(first, last, false); set.overlaps(first, last) == free {
		t.Fatalf("step %d: overlaps(%d,%d) with free %v", i, first, last, free)
	} else if !free {
		return
	}
	want := xen.OK
	if !slow[first-1] && len(slow.spans()) == maxRanges {
		want = xen.ENoMem
	} else {
		slow.put(first, last, true)
	}
	if got := set.add(first, last); got != want {
		t.Fatalf("step %d: add(%d,%d) = %v, want %v", i, first, last, got, want)
	}
}

func checkRemove(t *testing.T, i int, set *rangeset, slow *bitset, first, last uint64) {
	t.Helper()
	want := xen.OK
	switch {
	case !slow.all(first, last, true):
		want = xen.ENoEnt
	case slow[first-1] && slow[last+1] && len(slow.spans()) == maxRanges:
		want = xen.ENoMem
	default:
		slow.put(first, last, false)
	}
	if got := set.remove(first, last); got != want {
		t.Fatalf("step %d: remove(%d,%d) = %v, want %v", i, first, last, got, want)
	}
}

// TestCoverAndCutKnowNoLimit compares the forms without errors.
func TestCoverAndCutKnowNoLimit(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		var set rangeset
		var slow bitset
		for i := range 2000 {
			first := rnd.Uint64N(1024)
			last := first + rnd.Uint64N(9)
			on := rnd.IntN(2) == 0
			slow.put(first, last, on)
			if on {
				set.cover(first, last)
			} else {
				set.cut(first, last)
			}
			if want := slow.spans(); !slices.Equal(set, want) {
				t.Fatalf("step %d: on %v [%d,%d]\ngot  %v\nwant %v", i, on, first, last, set, want)
			}
			if set.contains(first, last) != on || set.overlaps(first, last) != on {
				t.Fatalf("step %d: [%d,%d] %v", i, first, last, on)
			}
		}
	})
}

// TestRangesetAtTheEnds covers the first and the last address there are.
func TestRangesetAtTheEnds(t *testing.T) {
	const top = ^uint64(0)
	var set rangeset
	steps := []struct {
		on          bool
		first, last uint64
		want        string
	}{
		{true, 0, top, "[{0 18446744073709551615}]"},
		{false, 0, 0, "[{1 18446744073709551615}]"},
		{false, top, top, "[{1 18446744073709551614}]"},
		{true, 0, 0, "[{0 18446744073709551614}]"},
		{true, top, top, "[{0 18446744073709551615}]"},
		{false, 0, top, "[]"},
		{true, top, top, "[{18446744073709551615 18446744073709551615}]"},
	}
	for _, s := range steps {
		got := xen.OK
		if s.on {
			got = set.add(s.first, s.last)
		} else {
			got = set.remove(s.first, s.last)
		}
		if text := fmt.Sprint([]span(set)); got != xen.OK || text != s.want {
			t.Errorf("%+v: %v, %s", s, got, text)
		}
	}
}

// TestP2MIsAMap compares the runs with one entry a page.
func TestP2MIsAMap(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		const pages = 200
		p := p2m{rest: setUntyped}
		slow := map[xen.GFN]P2MTypes{}
		for g := range xen.GFN(pages) {
			slow[g] = setUntyped
		}
		for i := range 2000 {
			first := xen.GFN(rnd.Uint64N(pages))
			last := first + xen.GFN(rnd.Uint64N(uint64(min(20, pages-first))))
			types := []P2MTypes{setRAMRW, setIOReqServer, setRAMRO, setUntyped, setRAMRW | setIOReqServer}[rnd.IntN(5)]
			switch rnd.IntN(10) {
			case 0:
				p.change(func(s P2MTypes) P2MTypes { return s &^ setRAMRO })
				for g := range slow {
					slow[g] &^= setRAMRO
				}
			case 1, 2:
				p.widen(first, last, types)
				for g := first; g <= last; g++ {
					slow[g] |= types
				}
			default:
				p.set(first, last, types)
				for g := first; g <= last; g++ {
					slow[g] = types
				}
			}
			checkP2M(t, i, &p, slow)
		}
	})
}

func checkP2M(t *testing.T, i int, p *p2m, slow map[xen.GFN]P2MTypes) {
	t.Helper()
	var typed, doubt uint64
	for g, want := range slow {
		if got := p.at(g); got != want {
			t.Fatalf("step %d: page %#x is %v, want %v", i, g, got, want)
		}
		switch {
		case want == setIOReqServer:
			typed++
		case want != p.rest && want&setIOReqServer != 0:
			doubt++
		}
	}
	if p.typed != typed || p.doubt != doubt {
		t.Fatalf("step %d: %d typed, %d in doubt; want %d, %d", i, p.typed, p.doubt, typed, doubt)
	}
	for j, r := range p.runs {
		if r.types == p.rest || j > 0 && p.runs[j-1].last+1 == r.first && p.runs[j-1].types == r.types {
			t.Fatalf("step %d: runs are not joined: %v", i, p.runs)
		}
	}
}

// slowChoose is ioreq_server_select as a loop.
func (d *Domain) slowChoose(space xen.Space, first, last uint64) (to place, ok Tri, nodes uint32) {
	for id := maxServers - 1; id >= 0; id-- {
		s := &d.servers[id]
		if s.exists == No || s.enabled == No {
			continue
		}
		var at *span // find_range: the last that begins up to first
		for i := range s.ranges[space] {
			nodes++
			if s.ranges[space][i].first > first {
				break
			}
			at = &s.ranges[space][i]
		}
		if at != nil && last <= at.last {
			return place(id), all(s.exists, s.enabled), nodes
		}
		if !s.closed {
			return place(id), Maybe, nodes
		}
	}
	return noPlace, No, nodes
}

// TestChooseIsALoopOverServers compares the segments with the loop.
func TestChooseIsALoopOverServers(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		for round := range 200 {
			d := New(Config{Complete: true})
			scale := uint64(1) << rnd.IntN(56) // and at every size of address
			far := rnd.Uint64() | 1<<(rnd.IntN(8)+56)
			for i := range d.servers {
				s := &d.servers[i]
				s.exists = []Tri{Yes, Yes, Yes, No, Maybe}[rnd.IntN(5)]
				s.enabled = []Tri{Yes, Yes, Yes, No, Maybe}[rnd.IntN(5)]
				s.closed = rnd.IntN(10) > 0
				for range rnd.IntN(40) {
					first := rnd.Uint64N(256) * scale
					s.ranges[xen.SpaceMemory].cover(first, first+rnd.Uint64N(8*scale))
				}
				if round%2 == 0 && rnd.IntN(8) == 0 { // a few far from the others
					s.ranges[xen.SpaceMemory].cover(far, far|rnd.Uint64N(64))
				}
			}
			for i := range 500 {
				first := rnd.Uint64N(270*scale + 1)
				switch i % 10 {
				case 0:
					first = rnd.Uint64()
				case 1:
					first = far | rnd.Uint64N(80)
				}
				last := first + rnd.Uint64N(2*scale)
				if last < first {
					last = ^uint64(0)
				}
				var r Route
				id, ok := d.choose(&r, xen.SpaceMemory, first, last)
				wantID, want, nodes := d.slowChoose(xen.SpaceMemory, first, last)
				if id != wantID || ok != want || r.Nodes != nodes {
					t.Fatalf("round %d: [%#x,%#x]: server %v %v by %d nodes, want %v %v by %d", round, first, last, id, ok, r.Nodes, wantID, want, nodes)
				}
			}
		}
	})
}

// TestDirectIsTheLongWay: an access that goes the direct way ends as it would have by
// routeMemory, and many do.
func TestDirectIsTheLongWay(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		direct, all := 0, Profiles()
		for i := range 20 * len(all) {
			p := all[i%len(all)]
			d := New(Config{Dom: 1, Profile: p, Complete: i%3 != 0})
			for range maxServers {
				s := d.place(xen.ServerID(rnd.IntN(maxServers)))
				if s == noPlace {
					s = 0
				}
				randomServer(rnd, &d.servers[s])
			}
			d.down = rnd.IntN(8) == 0
			d.pages.set(worldBase, worldBase+worldPages/2, P2MTypes(rnd.IntN(int(setAll)+1)))
			for range 200 {
				a := randomAccess(rnd)
				if a.Type != xen.TypeCopy {
					a.Type, a.Addr = xen.TypeCopy, worldBase<<xen.PageShift+rnd.Uint64N(worldPages<<xen.PageShift)
				}
				if rnd.IntN(50) == 0 {
					a.Size, a.Addr = rnd.Uint32N(10), -rnd.Uint64N(16)
				}
				fresh := Route{Server: xen.NoServer, Type: a.Type, Addr: a.Addr, Count: a.Count}
				got, want := fresh, fresh
				d.routeMemory(&a, &want)
				switch ok := d.direct(&a, &got); {
				case ok && got != want:
					t.Fatalf("%v: %+v\ndirect %+v\nelse   %+v", p, a, got, want)
				case ok:
					direct++
				case got != fresh:
					t.Fatalf("%v: %+v: not direct, yet %+v", p, a, got)
				}
			}
		}
		if direct < 100 {
			t.Errorf("%d accesses were direct", direct)
		}
	})
}

// randomServer makes s a server of the small world, which mostly can be reached.
func randomServer(rnd *rand.Rand, s *server) {
	s.exists, s.enabled, s.closed = Yes, Yes, rnd.IntN(40) > 0
	s.eport = []Tri{No, Maybe, Yes}[min(rnd.IntN(8), 2)]
	s.pages = []pageState{pagesUnknown, pagesNone, pagesSome, pagesGFN, pagesFreed, pagesResource}[rnd.IntN(6)]
	s.ranges = [numSpaces]rangeset{}
	for range rnd.IntN(6) {
		first := rnd.Uint64N(2*worldPages) << (xen.PageShift - 1)
		s.ranges[xen.SpaceMemory].cover(worldBase<<xen.PageShift+first, worldBase<<xen.PageShift+first+rnd.Uint64N(1<<xen.PageShift))
	}
	if rnd.IntN(4) == 0 {
		s.ranges[xen.SpaceMemory].cover(vgaFirst, vgaLast)
		s.ranges[xen.SpaceMemory].cover(1<<63, 1<<64-1)
	}
}
