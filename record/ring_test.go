package record

import (
	"math/rand/v2"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// slowRing is a buffered ring as Xen and a device model work it, one slot at a
// time: each slot holds the number of the entry that was written to it.
type slowRing struct {
	rp, wp uint32
	slots  [xen.BufSlots]uint64
	made   uint64 // entries produced
	atomic bool

	looked   bool
	rp0, wp0 uint32 // at the last look
	counted  uint64 // entries, as the looks show them
}

func (r *slowRing) produce(n int) {
	for range n {
		if r.wp-r.rp >= xen.BufSlots {
			return
		}
		r.made++
		r.slots[r.wp%xen.BufSlots] = r.made
		r.wp++
		if r.atomic && r.rp >= xen.BufSlots {
			k := r.rp / xen.BufSlots * xen.BufSlots
			r.rp, r.wp = r.rp-k, r.wp-k
		}
	}
}

func (r *slowRing) consume(n int) int {
	n = min(n, int(r.wp-r.rp))
	r.rp += uint32(n)
	return n
}

// count counts as the probes do: from look to look.
func (r *slowRing) count() uint64 {
	n := r.wp - r.rp
	if r.looked {
		n = produced(r.rp0, r.wp0, r.rp, r.wp)
	}
	r.looked, r.rp0, r.wp0 = true, r.rp, r.wp
	r.counted += uint64(n)
	return r.counted
}

// checkLook takes a look with the ring moving during the copy, and checks every
// entry that the account calls intact against what was really written.
func checkLook(t *testing.T, a *ringAccount, r *slowRing, last uint64, carried uint32, during func()) uint64 {
	t.Helper()
	made := r.made
	l := look{total: r.count(), rp: r.rp, wp: r.wp}
	during()
	slots := r.slots
	l.rp2, l.wp2 = r.rp, r.wp
	n, lost, ok := a.add(l, carried)
	if ok != (made > last) {
		t.Fatalf("look %+v: taken %v", l, ok)
	}
	if got := uint64(n) + lost; got != made-last {
		t.Fatalf("look %+v: %d slots, want %d", l, got, made-last)
	}
	for k := n; k > 0; k-- {
		if got, want := slots[a.slotIndex(k)], made-uint64(k)+1; got != want {
			t.Fatalf("look %+v: entry %d back is number %d, want %d", l, k, got, want)
		}
	}
	return made
}

// TestLooksFindEveryEntry compares the algebra with the slow ring, for any mix
// of producing and consuming fewer than 511 slots between looks.
func TestLooksFindEveryEntry(t *testing.T) {
	for _, c := range []struct {
		atomic bool
		begin  uint32 // pointers of a legacy ring that has been used for weeks
	}{{true, 0}, {false, 0}, {false, 1<<32 - 20_000}, {false, 1<<32 - 5_000}, {false, 1<<32 - 100}} {
		for seed := range uint64(200) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			r, a, last := &slowRing{atomic: c.atomic, rp: c.begin, wp: c.begin}, &ringAccount{}, uint64(0)
			last = checkLook(t, a, r, last, xen.BufSlots, func() {})
			for range 200 {
				moving := func(most int) {
					for eaten := 0; eaten < most; {
						r.produce(rnd.IntN(600))
						k := r.consume(rnd.IntN(most - eaten + 1))
						if eaten += k; k == 0 {
							break
						}
					}
					if rnd.IntN(2) == 0 {
						r.produce(rnd.IntN(600))
					}
				}
				moving(rnd.IntN(255))
				during := func() {}
				if rnd.IntN(3) == 0 {
					during = func() { moving(rnd.IntN(255)) }
				}
				last = checkLook(t, a, r, last, xen.BufSlots, during)
			}
			if a.captured+a.lost != last {
				t.Fatalf("%+v seed %d: captured %d + lost %d, want %d", c, seed, a.captured, a.lost, last)
			}
		}
	}
}

// TestFullRingTrap is the burst in which the write pointer comes back to where
// it was: 510 entries are new, though wp did not move.
func TestFullRingTrap(t *testing.T) {
	r, a := &slowRing{atomic: true}, &ringAccount{}
	r.produce(511)
	last := checkLook(t, a, r, 0, xen.BufSlots, func() {})
	wp := r.wp
	r.consume(510)
	r.produce(1)
	r.consume(0)
	last = checkLook(t, a, r, last, xen.BufSlots, func() {})
	r.produce(600)
	last = checkLook(t, a, r, last, xen.BufSlots, func() {})
	r.consume(510)
	r.produce(511)
	if last = checkLook(t, a, r, last, xen.BufSlots, func() {}); last != 511+510+510 {
		t.Errorf("%d entries, want %d", last, 511+510+510)
	}
	if r.wp%xen.BufSlots != (wp+510+510)%xen.BufSlots || a.lost != 0 {
		t.Errorf("wp %d after %d, lost %d", r.wp, wp, a.lost)
	}
}

// TestSameWritePointer is the literal trap: 647, renormalised to 136, filled up
// to 647 again, with everything but the first slot consumed in between.
func TestSameWritePointer(t *testing.T) {
	if n := produced(137, 647, 136, 647); n != 511 {
		t.Errorf("produced %d, want 511", n)
	}
	// Nobody's pointers do that, but a hostile device model's: the remainder is one all the same.
	if n, want := produced(0, 0, 1<<31, 1<<31), uint32(xen.BufSlots-1<<31%xen.BufSlots); n != want {
		t.Errorf("produced %d, want %d", n, want)
	}
	// 510 consumed, 510 filled again: the naive difference of wp says none.
	if n := produced(137, 648, 136, 647); n != 510 {
		t.Errorf("produced %d, want 510", n)
	}
}

func TestOverrunIsCounted(t *testing.T) {
	for _, c := range []struct {
		name    string
		l       look
		carried uint32
		n       uint32
		lost    uint64
	}{
		{"full ring", look{total: 511, rp: 500, wp: 1011, rp2: 500, wp2: 1011}, xen.BufSlots, 511, 0},
		{"two may be in the making", look{total: 511, rp: 500, wp: 1011, rp2: 502, wp2: 1011}, xen.BufSlots, 509, 2},
		{"filled again during the copy", look{total: 400, rp: 400, wp: 800, rp2: 620, wp2: 1000}, xen.BufSlots, 309, 91},
		{"few carried", look{total: 500, rp: 1400, wp: 1900, rp2: 1400, wp2: 1900}, 8, 8, 492},
		{"looks that found no room before", look{total: 5000, rp: 10, wp: 20, rp2: 10, wp2: 20}, xen.BufSlots, 509, 4491},
		{"nothing carried", look{total: 7, rp: 10, wp: 20, rp2: 10, wp2: 20}, 0, 0, 7},
	} {
		a := &ringAccount{}
		n, lost, ok := a.add(c.l, c.carried)
		if !ok || n != c.n || lost != c.lost || a.captured != uint64(n) || a.lost != lost {
			t.Errorf("%s: n %d lost %d %v, want %d and %d", c.name, n, lost, ok, c.n, c.lost)
		}
	}
}

// TestFullRingWraps has a ring be full where its pointers wrap: nothing is put over its
// entries before the device model has taken some.
func TestFullRingWraps(t *testing.T) {
	r, a := &slowRing{rp: 1<<32 - 600, wp: 1<<32 - 600}, &ringAccount{}
	checkLook(t, a, r, 0, xen.BufSlots, func() {})
	r.produce(89)
	last := checkLook(t, a, r, 0, xen.BufSlots, func() {})
	r.consume(89)
	r.produce(511)
	checkLook(t, a, r, last, xen.BufSlots, func() {})
	if r.wp != 0 || r.rp != 1<<32-511 || a.lost != 0 {
		t.Errorf("pointers %#x and %#x, lost %d", r.rp, r.wp, a.lost)
	}
}

// TestHalfBehindTheWrap has Xen be putting two slots into a ring, the second of which is
// the first of the page, while no pointer shows that.
func TestHalfBehindTheWrap(t *testing.T) {
	const rp, wp = 1<<32 - 41, 1<<32 - 1
	a := &ringAccount{}
	if n, lost, ok := a.add(look{total: 40, rp: rp, wp: wp, rp2: rp, wp2: wp}, xen.BufSlots); !ok || n != 30 || lost != 10 {
		t.Errorf("%d slots and %d lost, %v, want 30 and 10", n, lost, ok)
	}
}

func TestLooksThatAddNothingAreIgnored(t *testing.T) {
	a := &ringAccount{}
	a.add(look{total: 4, rp: 5, wp: 9, rp2: 5, wp2: 9}, 8)
	before := *a
	for _, l := range []look{
		{total: 3, rp: 4, wp: 8, rp2: 4, wp2: 8},
		{total: 4, rp: 5, wp: 9, rp2: 5, wp2: 9},
		{total: 9, rp: 0, wp: 512, rp2: 0, wp2: 1},
		{total: 9, rp: 9, wp: 8, rp2: 8, wp2: 8},
	} {
		if _, _, ok := a.add(l, 8); ok || *a != before {
			t.Errorf("look %+v was taken", l)
		}
	}
}

func TestRequestsJoinHalves(t *testing.T) {
	w := func(size, data uint32) xen.BufIOReq { return xen.BufIOReq{Size: size, Data: data} }
	for _, c := range []struct {
		name   string
		in     []xen.BufIOReq
		loss   bool
		want   []uint64
		halves int
	}{
		{"plain", []xen.BufIOReq{w(1, 1), w(8, 2), w(8, 3), w(2, 4)}, false, []uint64{1, 3<<32 | 2, 4}, 0},
		{"two", []xen.BufIOReq{w(8, 1), w(8, 0), w(8, 2), w(8, 0)}, false, []uint64{1, 2}, 0},
		{"first half lost", []xen.BufIOReq{w(8, 9), w(8, 1), w(8, 2), w(1, 3)}, true, []uint64{2<<32 | 1, 3}, 1},
		{"odd run", []xen.BufIOReq{w(1, 1), w(8, 2), w(1, 3)}, false, []uint64{1, 3}, 1},
		{"odd end", []xen.BufIOReq{w(8, 1), w(8, 2), w(8, 3)}, false, []uint64{2<<32 | 1}, 1},
	} {
		got, halves := requests(c.in, c.loss)
		if len(got) != len(c.want) || halves != c.halves {
			t.Errorf("%s: %d requests and %d halves, want %d and %d", c.name, len(got), halves, len(c.want), c.halves)
			continue
		}
		for i := range got {
			if got[i].data != c.want[i] {
				t.Errorf("%s: request %d has data %#x, want %#x", c.name, i, got[i].data, c.want[i])
			}
		}
	}
}
