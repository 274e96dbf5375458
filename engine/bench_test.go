package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// crowded returns a domain with 8 servers of 256 MMIO ranges each, no two of
// them neighbours, and accesses that hit them evenly.
func crowded(tb testing.TB) (*Domain, []Op) {
	tb.Helper()
	p, err := ProfileFor(Release{4, 17}, NPT)
	if err != nil {
		tb.Fatal(err)
	}
	d := New(Config{Dom: 1, Profile: p, Complete: true})
	must := func(op Op) {
		if e, err := d.Step(op); err != nil || !e.Ret.ok() {
			tb.Fatalf("%+v: %+v %v", op, e.Ret, err)
		}
	}
	call := func(b xen.Body) Op {
		return Op{Kind: OpDM, NrBufs: 1, Size0: xen.DMOpSize, DM: xen.NewDMOp(b)}
	}
	const base, step = 0xf000_0000, 0x100
	for id := range xen.ServerID(maxServers) {
		must(call(xen.CreateIOReqServer{}))
		must(Op{Kind: OpAcquire, Acquire: xen.AcquireResource{Dom: 1, ID: uint32(id), Frame: 1, NrFrames: 1}})
		must(call(xen.SetIOReqServerState{ID: id, Enabled: 1}))
		for i := range uint64(maxRanges) {
			first := base + (i*maxServers+uint64(id))*step
			must(call(xen.MapIORange{ID: id, Range: xen.Range{Space: xen.SpaceMemory, First: first, Last: first + step/2}}))
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	ops := make([]Op, 1<<12)
	for i := range ops {
		slot := rnd.Uint64N(maxServers * maxRanges)
		ops[i] = Op{Kind: OpAccess, Access: Access{
			VCPU: xen.VCPU(i % 8), Type: xen.TypeCopy, Dir: xen.Dir(i & 1), Addr: base + slot*step + 8, Size: 4, Count: 1,
		}}
		if e, _ := d.Step(ops[i]); e.Route.Kind != RouteServer || uint64(e.Route.Server) != slot%maxServers {
			tb.Fatalf("access %d: %+v", i, e.Route)
		}
	}
	return d, ops
}

// BenchmarkStepRouted is the hot path of a replay: accesses spread evenly over
// 8 servers with 256 ranges each.
func BenchmarkStepRouted(b *testing.B) {
	d, ops := crowded(b)
	b.ReportAllocs()
	var e Effect
	for i := 0; b.Loop(); i++ {
		if _ = d.StepInto(&ops[i&(len(ops)-1)], &e); e.Route.Kind != RouteServer {
			b.Fatal(e.Route)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Maccess/s")
}

// BenchmarkSent is the same for requests that went the plain way.
func BenchmarkSent(b *testing.B) {
	d, ops := crowded(b)
	to := make([]xen.ServerID, len(ops))
	for i := range ops {
		to[i] = step(b, d, ops[i]).Route.Server
	}
	var q xen.IOReq
	var c Cost
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a := &ops[i&(len(ops)-1)].Access
		q.Type, q.Dir, q.Addr, q.Size, q.Count = a.Type, a.Dir, a.Addr, a.Size, a.Count
		if !d.Sent(a.VCPU, &q, to[i&(len(ops)-1)], &c) {
			b.Fatal(q)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Maccess/s")
}

// BenchmarkSetMemType types and untypes runs of 512 pages.
func BenchmarkSetMemType(b *testing.B) {
	d := typable(b)
	const nr = 512
	op := func(t xen.MemType) Op {
		return Op{Kind: OpDM, NrBufs: 1, Size0: xen.DMOpSize, DM: xen.NewDMOp(xen.SetMemType{Type: t, First: 0x1000, Nr: nr})}
	}
	ops := [2]Op{op(xen.MemIOReqServer), op(xen.MemRAMRW)}
	b.ReportAllocs()
	var e Effect
	for i := 0; b.Loop(); i++ {
		if _ = d.StepInto(&ops[i&1], &e); !e.Ret.ok() {
			b.Fatal(e.Ret)
		}
	}
	b.ReportMetric(nr*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mgfn/s")
}

// BenchmarkRebuild is the price of the first access after servers have changed.
func BenchmarkRebuild(b *testing.B) {
	d, _ := crowded(b)
	b.ReportAllocs()
	for b.Loop() {
		d.routes.outdate()
		for space := range xen.Space(numSpaces) {
			d.refresh(space)
		}
	}
}

// typable returns a domain with a claim whose first 64k pages are ram_rw.
func typable(tb testing.TB) *Domain {
	tb.Helper()
	p, err := ProfileFor(Release{4, 17}, NPT)
	if err != nil {
		tb.Fatal(err)
	}
	d := New(Config{Dom: 1, Profile: p, Complete: true})
	d.servers[0].become(0, xen.BufOff)
	d.claim = claim{held: Yes, holder: 0}
	d.pages.set(0, 0xffff, setRAMRW)
	d.noteMapped(0xffff)
	return d
}

// TestRoutedStepsDoNotAllocate is the promise that a replay in steady state
// leaves the garbage collector alone.
func TestRoutedStepsDoNotAllocate(t *testing.T) {
	d, ops := crowded(t)
	i := 0
	if n := testing.AllocsPerRun(10_000, func() {
		i++
		_, _ = d.Step(ops[i&(len(ops)-1)])
		_, _ = d.Step(Op{Kind: OpAnswer, Answer: Answer{State: xen.StateRespReady}})
	}); n != 0 {
		t.Errorf("%v allocations a step; want 0", n)
	}
}
