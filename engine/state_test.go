package engine

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// again returns d as a key-frame would bring it back.
func again(t *testing.T, d *Domain) *Domain {
	t.Helper()
	s := d.Snapshot()
	r, err := Restore(d.cfg, s)
	if err != nil {
		t.Fatalf("%v\n%+v", err, s)
	}
	if back := r.Snapshot(); !reflect.DeepEqual(back, s) {
		t.Fatalf("snapshot of the restored differs\n%+v\n%+v", back, s)
	}
	sameState(t, "restored", d, r)
	return r
}

// TestRestoredDomainsGoOnAlike: at any point of a random life, of a domain that
// is known from its beginning and of one met late, the restored copy does what
// the original does.
func TestRestoredDomainsGoOnAlike(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		for life := range 2 * len(Profiles()) {
			p := Profiles()[life%len(Profiles())]
			a := New(Config{Dom: 1, Profile: p, Complete: rnd.IntN(2) == 0, EveryAccess: rnd.IntN(4) == 0})
			if rnd.IntN(4) == 0 {
				a = omniscient(p)
			}
			b := again(t, a)
			for i := range 500 {
				op := a.spoken(randomOp(rnd))
				if rnd.IntN(30) == 0 {
					op = randomRest(rnd)
				}
				if rnd.IntN(200) == 0 {
					op = Op{Kind: OpForget, Forget: Forget(1 << rnd.IntN(5))}
				}
				x, _ := a.Step(op)
				y, _ := b.Step(op)
				if x != y {
					t.Fatalf("life %d step %d: %+v\n%+v\n%+v", life, i, op, x, y)
				}
				if rnd.IntN(2) == 0 {
					seen := randomSeen(rnd)
					if c, e := a.Learn(op, seen), b.Learn(op, seen); c != e {
						t.Fatalf("life %d step %d: learning costs %+v and %+v", life, i, c, e)
					}
				}
				if i%50 == 0 {
					b = again(t, a)
				}
			}
			sameState(t, "at the end", a, b)
		}
	})
}

func randomSeen(rnd *rand.Rand) Seen {
	return Seen{
		Errno: []xen.Errno{0, 0, 0, xen.EInval, xen.ENoEnt, xen.EPerm, xen.EBusy, xen.EExist, xen.ENoMem, xen.EAgain, xen.EOpNotSupp}[rnd.IntN(11)],
		Words: [3]uint64{rnd.Uint64N(5) << 32, rnd.Uint64N(3), rnd.Uint64N(3)}, OutKnown: rnd.IntN(2) == 0,
		Server: xen.ServerID(rnd.IntN(4)), Type: xen.IOReqType(rnd.IntN(3)), Addr: rnd.Uint64N(1 << 40),
	}
}

// TestSnapshotIsACopy: what happens to the domain later is not in it.
func TestSnapshotIsACopy(t *testing.T) {
	d := omniscient(profile(t))
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 500 {
		_, _ = d.Step(randomOp(rnd))
	}
	s := d.Snapshot()
	r, err := Restore(d.cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	before := r.Snapshot()
	for range 500 {
		_, _ = d.Step(randomOp(rnd))
		_, _ = r.Step(randomOp(rnd))
	}
	if !reflect.DeepEqual(s, before) {
		t.Error("the snapshot changed with the domain")
	}
}

// TestImpossibleStatesAreRefused: each of these is one wrong value.
func TestImpossibleStatesAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*State){
		"tri":             func(s *State) { s.Servers[3].Ring = 3 },
		"claim":           func(s *State) { s.Claim.Held = 9 },
		"holder":          func(s *State) { s.Claim.Holder = 8 },
		"hap":             func(s *State) { s.HAP = 3 },
		"extended":        func(s *State) { s.Latch.Extended = 3 },
		"pages from":      func(s *State) { s.Servers[0].Pages = 6 },
		"owner":           func(s *State) { s.Servers[1] = ServerState{Exists: Yes, Owner: 4} },
		"range backwards": func(s *State) { s.Servers[0].Ranges[0] = []Span{{2, 1}} },
		"ranges touch":    func(s *State) { s.Servers[0].Ranges[1] = []Span{{1, 2}, {3, 4}} },
		"behind the last": func(s *State) { s.Servers[0].Ranges[1] = []Span{{1, math.MaxUint64}, {3, 4}} },
		"empty slot":      func(s *State) { s.Servers[0] = ServerState{Exists: No, Ranges: [3][]Span{{{1, 2}}}} },
		"run backwards":   func(s *State) { s.Pages = []PageRun{{2, 1, setRAMRW}} },
		"runs meet":       func(s *State) { s.Pages = []PageRun{{1, 5, setRAMRW}, {5, 6, setRAMRO}} },
		"runs alike":      func(s *State) { s.Pages = []PageRun{{1, 5, setRAMRW}, {6, 6, setRAMRW}} },
		"run of the rest": func(s *State) { s.Pages = []PageRun{{1, 5, s.Rest}} },
		"slot":            func(s *State) { s.Slots = []SlotState{{Server: 8}} },
		"default's slot":  func(s *State) { s.Slots = []SlotState{{Server: 9}} },
		"pool":            func(s *State) { s.Pool = PoolState{Size: 65} },
		"free":            func(s *State) { s.Pool = PoolState{Size: 3, Free: 8} },
		"built":           func(s *State) { s.Life.Built = 3 },
		"vcpu":            func(s *State) { s.Slots = []SlotState{{VCPU: 128}} },
		"slot twice":      func(s *State) { s.Slots = []SlotState{{VCPU: 1}, {VCPU: 1}} },
		"tables":          func(s *State) { s.Tables = []Span{{9, 9}, {1, 1}} },
		"tracked":         func(s *State) { s.Tracked = []Span{{9, 8}} },
		"ally dom0":       func(s *State) { s.Allies = []xen.DomID{0} },
		"ally itself":     func(s *State) { s.Allies = []xen.DomID{1} },
		"ally twice":      func(s *State) { s.Allies = []xen.DomID{5, 5} },
		"mapped":          func(s *State) { s.Mapped.GFN = 7 },
	} {
		cfg := Config{Dom: 1, Profile: profile(t)}
		s := New(cfg).Snapshot()
		if _, err := Restore(cfg, s); err != nil {
			t.Fatal(err)
		}
		spoil(&s)
		if _, err := Restore(cfg, s); !errors.Is(err, ErrState) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// FuzzRestore: no state makes Restore or what follows it panic, and what it
// takes it gives back.
func FuzzRestore(f *testing.F) {
	f.Add([]byte("\x01\x02\x01\x00\x02\x03"), []byte("\x03\x00\x00access"))
	p := profile(f)
	f.Fuzz(func(t *testing.T, state, ops []byte) {
		in := fuzzInput{state}
		s := in.state()
		cfg := Config{Dom: 1, Profile: p}
		d, err := Restore(cfg, s)
		if err != nil {
			return
		}
		r, err := Restore(cfg, d.Snapshot())
		if err != nil {
			t.Fatal(err)
		}
		in = fuzzInput{ops}
		for len(in.left) > 0 {
			op, seen := in.op(), in.seen()
			x, _ := d.Step(op)
			y, _ := r.Step(op)
			if x != y {
				t.Fatalf("%+v:\n%+v\n%+v", op, x, y)
			}
			if in.u64()&1 == 0 {
				d.Learn(op, seen)
				r.Learn(op, seen)
			}
			if r, err = Restore(cfg, d.Snapshot()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// state reads a State: flags mostly possible, spans mostly in order.
func (in *fuzzInput) state() State {
	var s State
	for i := range s.Servers {
		b := in.u8()
		x := ServerState{
			Exists: Tri(b & 3), Enabled: Tri(b >> 2 & 3), Ring: Tri(b >> 4 & 3), EPort: Tri(b >> 6), Pages: PagesFrom(in.u8() % 7),
			Closed: b&1 != 0, Info: [3]uint64{in.u64()}, InfoMask: [3]uint64{in.u64()},
		}
		for space := range x.Ranges {
			x.Ranges[space] = in.spans()
		}
		s.Servers[i] = x
	}
	s.Claim = ClaimState{Tri(in.u8() & 3), xen.ServerID(in.u64())}
	s.Latch = LatchState{in.u8()&1 == 0, uint32(in.u64()), Tri(in.u8() & 3)}
	s.Rest = P2MTypes(in.u8())
	for _, x := range in.spans() {
		s.Pages = append(s.Pages, PageRun{xen.GFN(x.First), xen.GFN(x.Last), P2MTypes(in.u8())})
	}
	s.Tables, s.Tracked = in.spans(), in.spans()
	s.Mapped = MappedState{true, xen.GFN(in.u64())}
	s.Marks, s.LogDirty = xen.GFN(in.u64()), in.u8()&1 == 0
	for range in.u8() % 4 {
		s.Slots = append(s.Slots, SlotState{xen.ServerID(in.u8()), xen.VCPU(in.u8()), in.u8()&1 == 0})
	}
	s.HAP = Tri(in.u8() & 3)
	return s
}

func (in *fuzzInput) spans() []Span {
	var out []Span
	at := uint64(0)
	for range in.u8() % 5 {
		first := at + in.u64()
		at = first + in.u64()
		out = append(out, Span{first, at})
		at += 2
	}
	return out
}
