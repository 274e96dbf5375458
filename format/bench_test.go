package format

import (
	"bytes"
	"io"
	"testing"
)

// The benchmarks report how many events pass in a second, and what one takes.
//
//	go test -run '^$' -bench . ./format

const benchEvents = 64 * maxBlockEvents

// benchSession returns a session small enough to stay in the cache, as a
// recorder's events do; the benchmarks write it over and over.
func benchSession() []Event { return session(4 * maxBlockEvents) }

func reportEvents(b *testing.B, bytesPerEvent float64) {
	b.ReportMetric(float64(benchEvents)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
	b.ReportMetric(bytesPerEvent, "B/event")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkEncode(b *testing.B) {
	events := benchSession()
	var n counter
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		n = 0
		w, err := NewWriter(&n, testHeader, WriterOptions{})
		if err != nil {
			b.Fatal(err)
		}
		for i := range benchEvents {
			if err := w.Write(events[i%len(events)]); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	reportEvents(b, float64(n)/benchEvents)
}

type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

func BenchmarkDecode(b *testing.B) {
	file := binaryOf(b, testHeader, session(benchEvents), 1<<30)
	benchRead(b, file)
}

func BenchmarkTextRead(b *testing.B) {
	benchRead(b, textOf(b, testHeader, session(benchEvents)))
}

func benchRead(b *testing.B, file []byte) {
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		tr, err := Open(bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, err := range tr.Events() {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != benchEvents {
			b.Fatalf("%d events", n)
		}
	}
	reportEvents(b, float64(len(file))/benchEvents)
}

func BenchmarkTextWrite(b *testing.B) {
	events := benchSession()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		w, err := NewTextWriter(io.Discard, testHeader)
		if err != nil {
			b.Fatal(err)
		}
		for i := range benchEvents {
			if err := w.Write(events[i%len(events)]); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	reportEvents(b, 0)
}

func BenchmarkJSON(b *testing.B) {
	events := benchSession()
	var line []byte
	b.ResetTimer()
	for range b.N {
		for i := range benchEvents {
			line = AppendJSON(line[:0], events[i%len(events)])
		}
	}
	reportEvents(b, 0)
}
