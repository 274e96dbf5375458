package replay

import (
	"iter"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/gen"
	"github.com/iotrace-xen/iotrace/xen"
)

// generated returns a synthetic session of n events, without key-frames.
func generated(tb testing.TB, n uint64) (format.Header, []format.Event) {
	g, err := gen.New(gen.Config{Events: n, Seed: 1})
	if err != nil {
		tb.Fatal(err)
	}
	return g.Header(), slices.Collect(g.Events())
}

// chunks makes batches of a reader's size.
func chunks(events []format.Event) iter.Seq2[[]format.Event, error] {
	return func(yield func([]format.Event, error) bool) {
		for some := range slices.Chunk(events, 4096) {
			if !yield(some, nil) {
				return
			}
		}
	}
}

// BenchmarkRun is a full replay without what it costs to read the trace.
func BenchmarkRun(b *testing.B) {
	h, events := generated(b, 1_000_000)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := RunBatches(h, chunks(events), Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(events))/b.Elapsed().Seconds()/1e6, "Mevents/s")
}

// TestSteadyStateAllocatesNothing: requests, answers, ring entries and changes of
// page types take no memory. What is left is the copies of the model from which a
// search for another order begins, one in so many steps.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.dm(dom, claimOf(0), xen.OK)
	opening := len(tp.events)
	for i := range 4 * keep {
		tp.do(dom, 0, xen.VCPU(i%4), 0x60)
		tp.add(format.BufIOReq{Dom: dom, Server: 0, ID: tp.id(), Type: xen.TypeCopy, Dir: xen.DirWrite, Addr: 0xa0000, Size: 4}.Event(0))
		tp.dm(dom, xen.SetMemType{First: 0x100, Nr: 1, Type: []xen.MemType{xen.MemIOReqServer, xen.MemRAMRW}[i%2]}, xen.OK)
		tp.add(format.PortEvent{Dom: dom, Port: 9}.Event(format.KindEvtchnUnmask, 0))
	}
	s, err := begin(header, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.takeBatch(tp.events)
	steady := tp.events[opening:]
	n := testing.AllocsPerRun(3, func() { s.takeBatch(steady) })
	const steps, copyAllocs = 4, 10
	if most := float64(4 * keep * steps / keep * copyAllocs); n > most {
		t.Errorf("%v allocations in %d events, want at most %v", n, len(steady), most)
	}
	if s.report.Agree < uint64(len(steady))/4 {
		t.Errorf("only %d of %d agree", s.report.Agree, len(steady))
	}
	t.Logf("%v allocations in %d events", n, len(steady))
}
