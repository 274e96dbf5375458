package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// exactWorld is 2 GiB with pages of all sizes, on-demand memory, holes and
// pages that no call changes.
var exactWorld = []Mapping{
	{First: 0, Last: 0x9ff},
	{First: 0xa00, Last: 0xbff, Order: 9, Type: P2MPoD},
	{First: 0xc00, Last: 0xdff, Order: 9, Type: P2MRAMRW},
	{First: 0xe00, Last: 0xe40, Type: P2MPoD},
	{First: 0xe50, Last: 0xe50, Type: P2MPaged},
	{First: 0xe51, Last: 0xe51, Type: P2MShared},
	{First: 0xe52, Last: 0xe52, Type: P2MGrantRW},
	{First: 0xe53, Last: 0xe53, Type: P2MMMIODirect},
	{First: 0xe54, Last: 0xe60, Type: P2MRAMRO},
	{First: 0x1000, Last: 0x3ffff, Order: 9},
	{First: 0x40000, Last: 0x7ffff, Order: 18},
	{First: 0x80000, Last: 0xbffff, Order: 18, Type: P2MPoD},
	{First: 0xc0000, Last: 0xc01ff, Order: 9},
}

// layOutWorld makes exactWorld the memory of d.
func layOutWorld(tb testing.TB, d *Domain) {
	tb.Helper()
	if err := d.LayOut(exactWorld); err != nil {
		tb.Fatal(err)
	}
}

// someFrame favours the frames where entries of different kinds meet.
func someFrame(rnd *rand.Rand) xen.GFN {
	at := []xen.GFN{0, 0x1f8, 0x5f8, 0x9f8, 0xbf8, 0xdf0, 0xe40, 0xff0, 0x3fff0, 0x40000, 0x7fff8, 0x80000, 0xbfff0, 0xc0000, 0xc01f0, 0xc0200}
	return at[rnd.IntN(len(at))] + xen.GFN(rnd.Uint64N(24))
}

func someCount(rnd *rand.Rand) uint32 {
	switch rnd.IntN(10) {
	case 0:
		return 200 + rnd.Uint32N(1200)
	case 1:
		return 512
	}
	return 1 + rnd.Uint32N(12)
}

// exactOp returns an operation on memory.
func exactOp(rnd *rand.Rand) Op {
	switch n := rnd.IntN(100); {
	case n < 35:
		op := typeOp([]xen.MemType{0, 1, 2, 4, 4, 4, 3}[rnd.IntN(7)], someFrame(rnd), someCount(rnd))
		op.Preempt = rnd.Uint32N(3)
		return op
	case n < 42:
		op := releaseOp(0)
		if rnd.IntN(4) == 0 {
			op = releaseOp(rnd.Uint64N(0x400))
		}
		op.Preempt = rnd.Uint32N(8)
		return op
	case n < 55:
		return call(xen.MapMemType{Type: xen.MemIOReqServer, Flags: xen.AccessWrite})
	case n < 78:
		return Op{Kind: OpAccess, Access: Access{
			Type: xen.TypeCopy, Dir: xen.Dir(rnd.IntN(2)), Addr: someFrame(rnd).Addr(), Size: 4, Count: 1,
		}}
	case n < 82:
		op := call(xen.TrackDirtyVRAM{First: []xen.GFN{0x1f0, 0x1100, 0x40000, 0}[rnd.IntN(4)], Nr: []uint32{0, 0x300, 0x300, 0x40, 0x40000}[rnd.IntN(5)]})
		op.NrBufs = 2
		return op
	case n < 84:
		op := call(xen.ModifiedMemory{NrExtents: 1, Opaque: rnd.Uint32N(3)})
		op.NrBufs, op.Preempt = 2, rnd.Uint32N(3)
		op.Memory = MemoryCall{First: someFrame(rnd), Nr: uint64(someCount(rnd))}
		return op
	}
	m := MemoryCall{Kind: MemoryKind(1 + rnd.IntN(int(numMemoryKinds-1))), First: someFrame(rnd), Nr: 1 + rnd.Uint64N(6), Type: P2MRAMRW}
	if m.Kind == MemPopulate || m.Kind == MemPopulatePoD || m.Kind == MemDecrease {
		switch rnd.IntN(6) {
		case 0:
			m.Order, m.First, m.Nr = uint8(9+rnd.IntN(3)), m.First&^0x1ff, 1+rnd.Uint64N(3)
		case 1:
			m.Order = uint8(rnd.IntN(4))
		}
	}
	return Op{Kind: OpMemory, Memory: m}
}

// TestExactIsEntryByEntry compares tables of runs and computed sweeps with
// tables of entries and Xen's loops: every result, every count, every entry.
func TestExactIsEntryByEntry(t *testing.T) {
	for mode := range layoutModes {
		t.Run(layoutModes[mode].name, func(t *testing.T) {
			eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
				d := laid(t, mode, Config{}, exactWorld...)
				s := newSlow(d.cfg.Profile)
				s.claimed = true
				for _, m := range exactWorld {
					for g := m.First; g <= m.Last; g += 1 << m.Order {
						s.set(g, int(m.Order)/9, slowEntry{valid: true, typ: m.Type})
					}
				}
				s.sets = 0
				for i := range 400 {
					op := exactOp(rnd)
					if i%60 == 0 {
						d = d.Clone() // and go on with the copy
					}
					e := step(t, d, op)
					s.check(t, i, op, e, d)
				}
				s.sameEntries(t, d)
			})
		})
	}
}

// check steps the twin and compares.
func (s *slowP2M) check(t *testing.T, i int, op Op, e Effect, d *Domain) {
	t.Helper()
	s.c, s.dirty, s.sync = Cost{}, false, false
	errno, again, word := xen.OK, false, uint64(0)
	switch op.Kind {
	case OpMemory:
		if op.Memory.Kind == MemGetType {
			return
		}
		errno, word = s.memory(&op.Memory)
		s.c.HC++
	case OpAccess:
		ends := s.access(&op.Access)
		if !ends { // the emulator's part is not the p2m's
			e.Route.AddCost(&op.Access, &s.c)
		}
		if ended := e.Route.Kind == RouteRAM; ended != ends {
			t.Fatalf("step %d: %+v: %+v", i, op.Access, e.Route)
		}
	default:
		errno, again = s.dmOp(t, op, e)
		s.c.HC++
	}
	if e.Ret.Errno != errno || e.Again != again || e.Cost != s.c || op.Kind == OpMemory && e.Out.Words[0] != word && errno == xen.OK && e.Out.Mask[0] != 0 {
		t.Fatalf("step %d: %+v\nret %v again %v word %d, want %v %v %d\ncost %+v\nwant %+v", i, op, e.Ret, e.Again, e.Out.Words[0], errno, again, word, e.Cost, s.c)
	}
	if d.SetEntries() != s.sets {
		t.Fatalf("step %d: %+v: p2m_set_entry was called %d times, want %d", i, op, d.SetEntries(), s.sets)
	}
	if uint64(s.typed) != d.layout.typed || s.max != d.layout.max {
		t.Fatalf("step %d: %+v: %d typed up to %#x, want %d, %#x", i, op, d.layout.typed, uint64(d.layout.max), s.typed, uint64(s.max))
	}
	s.sameBitmap(t, i, op, d)
	if i%20 == 0 {
		s.sameEntries(t, d)
	}
}

// sameBitmap compares which frames are dirty.
func (s *slowP2M) sameBitmap(t *testing.T, i int, op Op, d *Domain) {
	t.Helper()
	n := uint64(0)
	for _, r := range d.layout.dirty.marked {
		n += r.last - r.first + 1
	}
	if n != uint64(len(s.marked)) {
		t.Fatalf("step %d: %+v: %d frames are dirty, want %d", i, op, n, len(s.marked))
	}
	for g := range s.marked {
		if d.Dirty(g) != Yes {
			t.Fatalf("step %d: %+v: frame %#x is not dirty", i, op, uint64(g))
		}
	}
}

func (s *slowP2M) dmOp(t *testing.T, op Op, e Effect) (errno xen.Errno, again bool) {
	switch b := op.DM.DecodeBody().(type) {
	case xen.SetMemType:
		errno, done := s.setMemType(b, int(op.Preempt))
		if errno != xen.ERestart {
			return errno, false
		}
		s.c.CN++
		b.First += xen.GFN(done)
		b.Nr -= done
		if want := xen.NewDMOp(b).Words(); e.Out.Words != want {
			t.Fatalf("goes on with %x, want %x", e.Out.Words, want)
		}
		return xen.OK, true
	case xen.TrackDirtyVRAM:
		s.track(b.First, b.Nr)
	case xen.ModifiedMemory:
		return s.modified(b, &op, e)
	case xen.MapMemType:
		return s.mapMemType(t, b, op, e)
	}
	return xen.OK, false
}

func (s *slowP2M) mapMemType(t *testing.T, b xen.MapMemType, op Op, e Effect) (errno xen.Errno, again bool) {
	switch {
	case b.Opaque != 0:
	case b.Flags != 0 && (s.claimed || s.typed != 0):
		return xen.EBusy, false
	case b.Flags != 0:
		s.claimed = true
		return xen.OK, false
	case !s.claimed:
		return xen.EInval, false
	default:
		if s.claimed = false; s.typed != 0 {
			s.markAll(P2MRAMRW)
		}
	}
	next, again, _ := s.sweep(xen.GFN(b.Opaque), int(op.Preempt))
	if again {
		s.c.CN++
		if e.Out.Words[1] != uint64(next) {
			t.Fatalf("goes on at %#x, want %#x", e.Out.Words[1], uint64(next))
		}
	}
	return xen.OK, again
}

// sameEntries compares every entry.
func (s *slowP2M) sameEntries(t *testing.T, d *Domain) {
	t.Helper()
	var same func(slow *slowTable, fast *table, level int, base xen.GFN)
	same = func(slow *slowTable, fast *table, level int, base xen.GFN) {
		for i := range slow.at {
			e, f := &slow.at[i], fast.slots[fast.find(i)]
			g := base + xen.GFN(i)<<spanBits(level)
			if (e.sub != nil) != (f.e&entryTable != 0) || e.mark != f.e.marked() || e.sub == nil && e.leaf() != f.e&^entryMark {
				t.Fatalf("entry of level %d at %#x is %+v, want %+v", level, uint64(g), f, *e)
			}
			switch {
			case e.sub == nil:
			case level > 2:
				same(e.sub, f.sub, level-1, g)
			default:
				for j := range e.sub.at {
					b := &e.sub.at[j]
					if low := f.low.at[j]; b.leaf() != low&^entryMark || b.mark != low.marked() {
						t.Fatalf("page %#x is %#x, want %+v", uint64(g)+uint64(j), low, *b)
					}
				}
			}
		}
	}
	same(s.top, d.layout.top, topLevel, 0)
	for g := xen.GFN(0); g <= s.max+600; g += 1 + g/0x1000*37 {
		if got, want := d.Page(g), s.lookup(g).Set(); got != want {
			t.Fatalf("page %#x is %v, want %v", uint64(g), got, want)
		}
	}
}

func (e *slowEntry) leaf() entry {
	if !e.valid || e.sub != nil {
		return 0
	}
	return leaf(e.typ)
}

// TestWalksCostWhatFaultsDo: an instruction in RAM changes the p2m as an access there
// does, and its walks cost as much.
func TestWalksCostWhatFaultsDo(t *testing.T) {
	for mode := range layoutModes {
		t.Run(layoutModes[mode].name, func(t *testing.T) {
			eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
				d := laid(t, mode, Config{}, exactWorld...)
				var x Execution
				var mem Memory
				paid := 0
				for i := range 2_000 {
					op := exactOp(rnd)
					twin := d.Clone()
					e := step(t, d, op)
					if op.Kind != OpAccess || e.Route.Kind != RouteRAM || twin.Page(xen.GFNOf(op.Access.Addr))&^setPlain != 0 {
						continue
					}
					kind := InstrLoad
					if op.Access.Dir == xen.DirWrite {
						kind = InstrStore
					}
					x.Begin(twin, &mem, Instr{Kind: kind, Addr: op.Access.Addr, Size: 4})
					if _, more := x.Next(Answer{}); more || x.Result().Walks != e.Cost {
						t.Fatalf("step %d: %+v\nwalks %+v\nfault %+v", i, op.Access, x.Result(), e.Cost)
					}
					if e.Cost != (Cost{}) {
						paid++
					}
					if i%16 == 0 {
						sameState(t, "walked", d, twin)
					}
				}
				if paid == 0 {
					t.Error("no walk cost anything")
				}
			})
		})
	}
}
