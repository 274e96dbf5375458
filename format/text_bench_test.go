package format

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// The benchmarks of the text forms, with two baselines of the same run: copying
// the bytes that are written, and one line of fmt an event.
//
//	go test -run '^$' -bench 'Text|JSON' ./format
//
// They report events, which are lines, a second.

// benchEach calls write for benchEvents events, over and over.
func benchEach(b *testing.B, events []Event, write func(Event) error) {
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for i := range benchEvents {
			if err := write(events[i%len(events)]); err != nil {
				b.Fatal(err)
			}
		}
	}
	reportEvents(b, 0)
}

func BenchmarkTextWrite(b *testing.B) {
	w, err := NewTextWriter(io.Discard, testHeader)
	if err != nil {
		b.Fatal(err)
	}
	benchEach(b, benchSession(), w.Write)
}

// BenchmarkTextWriteIOReq writes the longest of the frequent lines alone.
func BenchmarkTextWriteIOReq(b *testing.B) {
	w, err := NewTextWriter(io.Discard, testHeader)
	if err != nil {
		b.Fatal(err)
	}
	var events []Event
	for _, e := range benchSession() {
		if e.Kind == KindIOReq {
			events = append(events, e)
		}
	}
	benchEach(b, events, w.Write)
}

func BenchmarkTextBaselineCopy(b *testing.B) {
	text := textOf(b, testHeader, benchSession())
	out := make([]byte, len(text))
	b.ResetTimer()
	for range b.N {
		for range benchEvents / (4 * maxBlockEvents) {
			copy(out, text)
		}
	}
	reportEvents(b, 0)
}

func BenchmarkTextBaselineFprintf(b *testing.B) {
	benchEach(b, benchSession(), func(e Event) error {
		_, err := fmt.Fprintf(io.Discard, "%d %d.%09d %s dom=%d server=%d vcpu=%d id=%d\n",
			e.Seq, e.Time/1e9, e.Time%1e9, e.Kind, e.Dom, e.Server, e.VCPU, e.W[0])
		return err
	})
}

func BenchmarkTextRead(b *testing.B) {
	benchRead(b, textOf(b, testHeader, session(benchEvents)))
}

func BenchmarkTextBaselineLines(b *testing.B) {
	text := textOf(b, testHeader, session(benchEvents))
	b.ResetTimer()
	for range b.N {
		n := 0
		for range bytes.Lines(text) {
			n++
		}
		if n < benchEvents {
			b.Fatal(n)
		}
	}
	reportEvents(b, 0)
}

func BenchmarkJSONWrite(b *testing.B) {
	w, err := NewJSONWriter(io.Discard, testHeader)
	if err != nil {
		b.Fatal(err)
	}
	benchEach(b, benchSession(), w.Write)
}

func BenchmarkJSONRead(b *testing.B) {
	benchRead(b, jsonOf(b, testHeader, session(benchEvents)))
}
