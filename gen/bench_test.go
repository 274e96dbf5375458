package gen

import (
	"io"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
)

// The benchmarks report how many events are made in a second.
//
//	go test -run '^$' -bench . ./gen

const benchEvents = 2_000_000

func reportEvents(b *testing.B) {
	b.ReportMetric(benchEvents*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkEvents(b *testing.B) {
	b.ReportAllocs()
	g := generate(b, Config{Events: benchEvents})
	for b.Loop() {
		for range g.Events() {
		}
	}
	reportEvents(b)
}

// BenchmarkWrite makes a binary trace, as iotrace gen does.
func BenchmarkWrite(b *testing.B) {
	g := generate(b, Config{Events: benchEvents})
	for b.Loop() {
		w, err := format.NewWriter(io.Discard, g.Header(), format.WriterOptions{})
		if err != nil {
			b.Fatal(err)
		}
		for e := range g.Events() {
			if err := w.Write(e); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	reportEvents(b)
}
