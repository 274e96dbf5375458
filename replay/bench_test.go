package replay

import (
	"iter"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/gen"
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
