package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// stage is a guest with every kind of page beside every other: RAM, holes of
// which a server owns some, read-only and claimed pages.
func stage(tb testing.TB, p Profile) *Domain {
	tb.Helper()
	d := New(Config{Dom: 1, Profile: p, Complete: true, EveryAccess: true, VGA: true})
	for id := range xen.ServerID(2) {
		d.servers[id].become(0, xen.BufMode(id))
		d.servers[id].enabled, d.servers[id].pages, d.servers[id].eport = Yes, pagesResource, Yes
	}
	d.servers[0].ranges[xen.SpacePort].cover(0x3f8, 0x3ff)
	d.servers[1].ranges[xen.SpaceMemory].cover(0x4000, 0x4fff)
	d.servers[0].ranges[xen.SpaceMemory].cover(vgaFirst, vgaLast)
	d.claim = claim{held: Yes, holder: 1}
	d.pages.rest = setMMIODM
	d.pages.set(0, 0x3, setRAMRW)
	d.pages.set(0x2, 0x2, setRAMRO)
	d.pages.set(0x3, 0x3, setIOReqServer)
	d.pages.set(0x6, 0xf, setRAMRW)
	return d
}

func randomInstr(rnd *rand.Rand) Instr {
	in := Instr{
		Kind: InstrKind(1 + rnd.IntN(int(numInstrs)-1)), VCPU: xen.VCPU(rnd.IntN(2)), Size: 1 << rnd.IntN(4),
		Addr: rnd.Uint64N(0x8000), Src: rnd.Uint64N(0x8000), DF: rnd.IntN(2) == 0, Rep: rnd.IntN(2) == 0,
		Count: rnd.Uint64N(3) * rnd.Uint64N(3000), Port: []uint16{0x3f8, 0x3fe, 0xcf8, 0xcfc, 0xed, 0x80}[rnd.IntN(6)],
	}
	if rnd.IntN(2) == 0 { // near the end of a page
		in.Addr = in.Addr&^(xen.PageSize-1) - rnd.Uint64N(17)
		in.Src = in.Src&^(xen.PageSize-1) - rnd.Uint64N(17)
	}
	if in.Kind == InstrLoad || in.Kind == InstrStore {
		in.Size = uint8(1 + rnd.IntN(16))
	}
	for i := range in.Data[:in.Size] {
		in.Data[i], in.Expect[i] = uint8(rnd.UintN(2)), uint8(rnd.UintN(2))
	}
	return in
}

// play runs an instruction to its end, with a device model that answers ones,
// and returns the requests. It gives up on a guest that faults for ever.
func play(x *Execution, d *Domain, mem *Memory, in Instr) (got []xen.IOReq) {
	x.Begin(d, mem, in)
	for e, more := x.Next(Answer{}); more && len(got) < 3*MaxReps; e, more = x.Next(Answer{State: xen.StateRespReady, Data: ^uint64(0)}) {
		switch e.Route.Kind {
		case RouteServer, RouteBuffered, RouteNull:
			got = append(got, x.Request())
		case RouteRefault:
			return got
		}
	}
	return got
}

// TestRequestsCoverTheOperand: the requests of a load or store are its bytes
// that are not RAM, in order, in powers of two, none over a page's end.
func TestRequestsCoverTheOperand(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		d := stage(t, profile(t))
		var x Execution
		var mem Memory
		for i := range 20_000 {
			in := randomInstr(rnd)
			in.Kind = InstrLoad + InstrKind(i%2)
			in.Size = uint8(1 + rnd.IntN(16))
			traps := readTraps
			if in.Kind == InstrStore {
				traps = writeTraps &^ setRAMRO
			}
			reqs := play(&x, d, &mem, in)
			if in.Kind == InstrStore && x.mapped(in.Addr, int(in.Size)) == mapDiscards {
				if len(reqs) != 0 {
					t.Fatalf("%+v: %v after a dropped store", in, reqs)
				}
				continue
			}
			checkCover(t, d, in, reqs, traps)
		}
	})
}

func checkCover(t *testing.T, d *Domain, in Instr, reqs []xen.IOReq, traps P2MTypes) {
	t.Helper()
	next := 0
	for n := uint64(0); n < uint64(in.Size); {
		a := in.Addr + n
		if d.Page(xen.GFNOf(a))&traps == 0 {
			n++
			continue
		}
		if next == len(reqs) {
			t.Fatalf("%+v: no request for %#x: %v", in, a, reqs)
		}
		q := reqs[next]
		next++
		if q.Addr != a || q.Size&(q.Size-1) != 0 || q.Size > 8 || a%xen.PageSize+uint64(q.Size) > xen.PageSize || q.Count != 1 {
			t.Fatalf("%+v: at %#x: %+v", in, a, q)
		}
		n += uint64(q.Size)
	}
	if next != len(reqs) {
		t.Fatalf("%+v: too many requests: %v", in, reqs)
	}
}

// TestElementsAreCounted: the requests of OUTS from RAM to an owned port carry
// each element once, in order, and no more in one than the data's page holds.
func TestElementsAreCounted(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		d := stage(t, profile(t))
		var x Execution
		var mem Memory
		for range 5_000 {
			in := randomInstr(rnd)
			in.Kind, in.Port, in.Size, in.Rep = InstrOuts, 0x3f8, 1<<rnd.IntN(3), true
			in.Addr = 0x8000 + rnd.Uint64N(0x3000)
			in.Count %= 0x1000 / uint64(in.Size)
			at, left := in.Addr, in.Count
			for _, q := range play(&x, d, &mem, in) {
				n := uint64(q.Count)
				if n == 0 || n > left || q.DataIsPtr && q.Data != at || !q.DataIsPtr && n != 1 {
					t.Fatalf("%+v: %+v with %d left at %#x", in, q, left, at)
				}
				far := at + (n-1)*uint64(in.Size)
				if in.DF {
					far = at - (n-1)*uint64(in.Size)
				}
				if n > 1 && far/xen.PageSize != at/xen.PageSize {
					t.Fatalf("%+v: %+v leaves its page", in, q)
				}
				step := n * uint64(in.Size)
				if in.DF {
					step = -step
				}
				at, left = at+step, left-n
			}
			if left != 0 {
				t.Fatalf("%+v: %d elements were not sent", in, left)
			}
		}
	})
}

// TestExecutionsEnd: every instruction ends, whatever the device model leaves
// in the slot and whatever else happens to the domain, and allocates nothing.
func TestExecutionsEnd(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		d := stage(t, profile(t))
		var x Execution
		var mem Memory
		for range 2_000 {
			in := randomInstr(rnd)
			x.Begin(d, &mem, in)
			n := 0
			for e, more := x.Next(Answer{}); more; n++ {
				if n > 4*MaxReps {
					t.Fatalf("%+v does not end: %+v", in, e)
				}
				if e.Route.Kind == RouteRefault || rnd.IntN(50) == 0 {
					op := randomOp(rnd)
					op.Caller = 0
					_, _ = d.Step(op)
				}
				if e.Route.Kind == RouteRefault && n > 10 {
					d.pages.set(0, 0xf, setRAMRW)
				}
				e, more = x.Next(Answer{State: xen.State([]int{3, 3, 3, 3, 2, 0, rnd.IntN(6)}[rnd.IntN(7)]), Data: rnd.Uint64()})
			}
			if o := x.Result().Outcome; o == Running {
				t.Fatalf("%+v ended running", in)
			}
			d = stage(t, profile(t))
		}
	})
}

// TestExecutionsDoNotAllocate: but for the pages that RAM is made of.
func TestExecutionsDoNotAllocate(t *testing.T) {
	d := stage(t, profile(t))
	var x Execution
	var mem Memory
	ops := []Instr{
		{Kind: InstrStore, Addr: 0x4ff9, Size: 8}, {Kind: InstrXadd, Addr: 0x3004, Size: 4},
		{Kind: InstrStos, Addr: 0x4000, Size: 8, Rep: true, Count: 100}, {Kind: InstrIn, Port: 0x3f8, Size: 1},
		{Kind: InstrMovs, Addr: 0x6000, Src: 0x4000, Size: 2, Rep: true, Count: 20},
	}
	for _, in := range ops {
		if n := testing.AllocsPerRun(100, func() {
			x.Begin(d, &mem, in)
			for _, more := x.Next(Answer{}); more; {
				_, more = x.Next(Answer{State: xen.StateRespReady})
			}
		}); n != 0 || x.Result().Outcome != Retired {
			t.Errorf("%+v: %v allocations, %+v", in, n, x.Result())
		}
	}
}
