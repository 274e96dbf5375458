package engine

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// huge is 1 TiB in pages of 1 GiB.
var huge = Mapping{Last: 1<<28 - 1, Order: 18}

// scattered returns a domain of 1 TiB with so many typed pages all over it.
func scattered(tb testing.TB, mode, pages int) *Domain {
	tb.Helper()
	d := laid(tb, mode, Config{}, huge)
	rnd := rand.New(rand.NewPCG(7, 7))
	for d.layout.typed < uint64(pages) {
		_, _ = d.Step(typeOp(xen.MemIOReqServer, xen.GFN(rnd.Uint64N(1<<28)&^1), 1)) // odd frames are free
	}
	return d
}

// TestAHugeGuestIsSmall: 1 TiB with 10,000 typed pages takes less than 10 MiB.
func TestAHugeGuestIsSmall(t *testing.T) {
	for mode := range layoutModes {
		before := heap()
		d := scattered(t, mode, 10_000)
		if used := heap() - before; used > 10<<20 {
			t.Errorf("%s: %d bytes", layoutModes[mode].name, used)
		} else {
			t.Logf("%s: %d KiB", layoutModes[mode].name, used>>10)
		}
		runtime.KeepAlive(d)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestImpossibleLayouts: each mapping is one that no p2m can hold, and changes
// nothing.
func TestImpossibleLayouts(t *testing.T) {
	d := laid(t, 0, Config{}, Mapping{Last: 0xff})
	before := d.Clone()
	for name, m := range map[string]Mapping{
		"order":       {Last: 1, Order: 1},
		"alignment":   {First: 1, Last: 0x200, Order: 9},
		"end":         {Last: 0x100, Order: 9},
		"backwards":   {First: 2, Last: 1},
		"too high":    {First: maxFrame, Last: maxFrame + 1},
		"type":        {Last: 1, Type: numEntryTypes},
		"special":     {Last: 1, Type: P2MSpecial},
		"typed 2 MiB": {Last: 0x1ff, Order: 9, Type: P2MIOReqServer},
	} {
		var wrong *LayoutError
		if err := d.LayOut([]Mapping{{Last: 0x1ff}, m}); !errors.As(err, &wrong) || wrong.Mapping != m {
			t.Errorf("%s: error %v", name, err)
		}
	}
	sameState(t, "refused", before, d)
	late := New(Config{Dom: 1, Profile: profile(t)})
	if err := late.LayOut([]Mapping{{Last: 1}}); err == nil || late.layout != nil {
		t.Errorf("a domain met late is laid out: %v", err)
	}
}

// TestExactRunsAreOnePageAtATime: a run of n pages leaves the state of n runs of
// one, and writes and flushes as often.
func TestExactRunsAreOnePageAtATime(t *testing.T) {
	for mode := range layoutModes {
		eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
			a := laid(t, mode, Config{IOMMU: SeparateIOMMU}, exactWorld...)
			b := a.Clone()
			for i := range 300 {
				m := xen.SetMemType{Type: xen.MemType(rnd.IntN(5)), First: someFrame(rnd), Nr: someCount(rnd)}
				run := step(t, a, call(m))
				var one Effect
				var sum Cost
				for g := range xen.GFN(m.Nr) {
					one = step(t, b, typeOp(m.Type, m.First+g, 1))
					if sum.Add(&one.Cost); one.Ret.Errno != xen.OK {
						break
					}
				}
				sum.HC = 1
				last := m.First + xen.GFN(m.Nr) - 1
				if last > a.layout.max && m.First <= a.layout.max { // the run is refused as a whole
					a, b = b, b.Clone()
					continue
				}
				if run.Ret.Errno != one.Ret.Errno || run.Cost != sum {
					t.Fatalf("step %d: %+v\n%+v\n%+v, costs %+v", i, m, run, one, sum)
				}
				sameState(t, "typed", a, b)
			}
		})
	}
}

// TestAPreemptedCallIsOneCall: in parts, a call leaves the state that it leaves
// at once, and costs the same but for hypercalls.
func TestAPreemptedCallIsOneCall(t *testing.T) {
	for mode := range layoutModes {
		eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
			a := laid(t, mode, Config{}, exactWorld...)
			for range 60 {
				op := exactOp(rnd)
				op.Preempt = 0
				b := a.Clone()
				whole, parts := step(t, a, op), stepParts(t, b, op, 1+rnd.Uint32N(5))
				if whole.Ret.Errno != parts.Ret.Errno || whole.Cost != parts.Cost {
					t.Fatalf("%+v\n%+v\n%+v", op, whole, parts)
				}
				sameState(t, "in parts", a, b)
			}
		})
	}
}

// stepParts steps op and its continuations, and sums their costs.
func stepParts(t *testing.T, d *Domain, op Op, every uint32) Effect {
	t.Helper()
	op.Preempt = every
	e := step(t, d, op)
	sum := e.Cost
	for e.Again {
		op.DM = xen.DMOpFromWords(op.DM.Op, 0, e.Out.Words)
		e = step(t, d, op)
		sum.Add(&e.Cost)
	}
	e.Cost = sum
	e.Cost.HC, e.Cost.CN = min(sum.HC, 1), 0
	return e
}

// TestClaimAndReleaseRestoreTheP2M: typing pages and releasing the claim leaves
// every lookup as it was, and without typed pages every entry.
func TestClaimAndReleaseRestoreTheP2M(t *testing.T) {
	for mode := range layoutModes {
		eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
			d := laid(t, mode, Config{}, Mapping{Last: 0x3ffff, Order: 9}, Mapping{First: 0x40000, Last: 0x7ffff, Order: 18})
			step(t, d, releaseOp(0))
			claimOp := call(xen.MapMemType{Type: xen.MemIOReqServer, Flags: xen.AccessWrite})
			for range 20 {
				before := d.Clone()
				step(t, d, claimOp)
				step(t, d, releaseOp(0))
				sameState(t, "claimed and released", before, d)
				step(t, d, claimOp)
				for range rnd.IntN(20) {
					step(t, d, typeOp(xen.MemIOReqServer, someFrame(rnd), someCount(rnd)))
				}
				step(t, d, releaseOp(0))
				samePages(t, before, d)
			}
		})
	}
}

// samePages compares what lookups say, in stretches of either.
func samePages(t *testing.T, a, b *Domain) {
	t.Helper()
	for g := xen.GFN(0); g <= a.layout.max; g++ {
		end, is := a.layout.stretch(g, a.layout.max)
		other, are := b.layout.stretch(g, a.layout.max)
		if is != are {
			t.Fatalf("page %#x is %v and %v", uint64(g), is, are)
		}
		g = min(end, other)
	}
}

// TestLaidOutDomainsCommute: what one domain does is nothing to another, though
// both share tables.
func TestLaidOutDomainsCommute(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		a := laid(t, 2, Config{}, exactWorld...)
		b := a.Clone()
		alone := [2]*Domain{a.Clone(), b.Clone()}
		both := [2]*Domain{a, b}
		ops := [2][]Op{}
		var want, got [2][]Effect
		for range 400 {
			i, op := rnd.IntN(2), exactOp(rnd)
			ops[i] = append(ops[i], op)
			got[i] = append(got[i], step(t, both[i], op))
		}
		for i, d := range alone {
			for _, op := range ops[i] {
				want[i] = append(want[i], step(t, d, op))
			}
			sameState(t, "alone", d, both[i])
		}
		if !reflect.DeepEqual(got, want) {
			t.Error("effects differ")
		}
	})
}

// TestLaidOutDomainsAreRestored: at any point, the restored copy goes on like
// the original, and equal layouts are equal values.
func TestLaidOutDomainsAreRestored(t *testing.T) {
	for mode := range layoutModes {
		eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
			a := laid(t, mode, Config{}, exactWorld...)
			b := again(t, a)
			for i := range 300 {
				op := exactOp(rnd)
				if x, y := step(t, a, op), step(t, b, op); x != y {
					t.Fatalf("step %d: %+v\n%+v\n%+v", i, op, x, y)
				}
				if i%30 == 0 {
					b = again(t, a)
				}
			}
			sameState(t, "at the end", a, b)
		})
	}
}

// TestImpossibleLayoutStatesAreRefused: each of these is one wrong value.
func TestImpossibleLayoutStatesAreRefused(t *testing.T) {
	d := laid(t, 0, Config{}, exactWorld...)
	for name, spoil := range map[string]func(*State){
		"no root":        func(s *State) { s.Layout.Tables = nil },
		"root below":     func(s *State) { s.Layout.Tables = s.Layout.Tables[:1] },
		"level":          func(s *State) { s.Layout.Tables[0].Level = 5 },
		"own table":      func(s *State) { root(s).Runs[0].Table = uint32(len(s.Layout.Tables)) - 1 },
		"table level":    func(s *State) { root(s).Runs[0].Table = 0 },
		"entries":        func(s *State) { root(s).Runs[len(root(s).Runs)-1].Last-- },
		"backwards":      func(s *State) { root(s).Runs[1].Last = 0 },
		"alike":          func(s *State) { r := root(s); r.Runs = append(r.Runs, r.Runs[1]); r.Runs[1].Last = 5 },
		"leaf at root":   func(s *State) { root(s).Runs[1] = EntryRun{Last: 511, Kind: EntryLeaf} },
		"type":           func(s *State) { s.Layout.Tables[0].Runs[0].Type = numEntryTypes },
		"marked hole":    func(s *State) { root(s).Runs[1].Marked = true },
		"kind":           func(s *State) { root(s).Runs[1].Kind = 3 },
		"highest":        func(s *State) { s.Layout.Max = MappedState{true, maxFrame + 1} },
		"none mapped":    func(s *State) { s.Layout.Max.Known = false },
		"log-dirty":      func(s *State) { s.Layout.Dirty.Ranges = []Span{{2, 1}} },
		"vram":           func(s *State) { s.Layout.Dirty.VRAM = Span{1, 2} },
		"claim in doubt": func(s *State) { s.Claim = ClaimState{Maybe, xen.NoServer} },
	} {
		s := d.Snapshot()
		if _, err := Restore(d.cfg, s); err != nil {
			t.Fatal(err)
		}
		spoil(&s)
		if _, err := Restore(d.cfg, s); !errors.Is(err, ErrState) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func root(s *State) *TableState { return &s.Layout.Tables[len(s.Layout.Tables)-1] }

// TestABlurredLayoutSaysWhatLookupsSaid: forgetting servers drops the layout,
// and no page.
func TestABlurredLayoutSaysWhatLookupsSaid(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		d := laid(t, 0, Config{}, exactWorld...)
		for range 100 {
			step(t, d, exactOp(rnd))
		}
		was := d.Clone()
		step(t, d, Op{Kind: OpForget, Forget: ForgetServers})
		if d.layout != nil {
			t.Fatal("the layout is still there")
		}
		for g := xen.GFN(0); g <= was.layout.max+100; g++ {
			if got, want := d.Page(g), was.Page(g); got != want {
				t.Fatalf("page %#x is %v, was %v", uint64(g), got, want)
			}
		}
	})
}

// TestExactStepsDoNotAllocate: pages that change their types to and fro leave
// the garbage collector alone.
func TestExactStepsDoNotAllocate(t *testing.T) {
	d := scattered(t, 0, 100)
	ops := []Op{
		typeOp(xen.MemIOReqServer, 0x12345, 1), typeOp(xen.MemRAMRW, 0x12345, 1), typeOp(xen.MemRAMRO, 0x12300, 40), typeOp(xen.MemRAMRW, 0x12300, 40),
		{Kind: OpAccess, Access: Access{Type: xen.TypeCopy, Addr: 0x12345000, Size: 4, Count: 1}},
	}
	for i := range ops {
		step(t, d, ops[i])
	}
	i := 0
	if n := testing.AllocsPerRun(10_000, func() {
		i++
		_, _ = d.Step(ops[i%len(ops)])
	}); n != 0 {
		t.Errorf("%v allocations a step; want 0", n)
	}
}
