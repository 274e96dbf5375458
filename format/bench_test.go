package format

import (
	"bytes"
	"testing"
	"time"
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

// longFile returns a file of n events in memory.
func longFile(b *testing.B, n int) []byte {
	b.Helper()
	events := benchSession()
	var out bytes.Buffer
	w, err := NewWriter(&out, testHeader, WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	span := events[len(events)-1].Time - events[0].Time
	for i := range n {
		e := events[i%len(events)]
		e.Time += uint64(i/len(events)) * span
		if i%(1<<20) == 0 {
			for _, k := range keyFrame(e.Time) {
				if err := w.Write(k); err != nil {
					b.Fatal(err)
				}
			}
		}
		if err := w.Write(e); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkFile decodes with one worker and with two, in turns, and reports how
// much faster two are.
func BenchmarkFile(b *testing.B) {
	file := longFile(b, benchEvents)
	benchWorkers(b, fileAt(b, bytes.NewReader(file), int64(len(file))))
}

func benchWorkers(b *testing.B, f *File) {
	var took [3]time.Duration
	var events uint64
	read := func(workers int) {
		begin := time.Now()
		for batch, err := range f.Batches(workers) {
			if err != nil {
				b.Fatal(err)
			}
			events += uint64(len(batch))
		}
		took[workers] += time.Since(begin)
	}
	b.ResetTimer()
	for range b.N {
		read(1)
		read(2)
	}
	rate := func(d time.Duration) float64 { return float64(events) / 2 / d.Seconds() / 1e6 }
	b.ReportMetric(rate(took[1]), "Mevents/s-1")
	b.ReportMetric(rate(took[2]), "Mevents/s-2")
	b.ReportMetric(took[1].Seconds()/took[2].Seconds(), "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSeek opens a trace of 20 M events and goes to a time in it.
func BenchmarkSeek(b *testing.B) {
	file := longFile(b, 20_000_000)
	rng := newRand(6)
	var worst time.Duration
	b.ResetTimer()
	for range b.N {
		begin := time.Now()
		f, err := NewFile(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			b.Fatal(err)
		}
		x := f.Index()
		seq := f.SeekTime(x.FirstTime + rng.Uint64N(x.LastTime-x.FirstTime))
		for _, err := range f.From(seq) {
			if err != nil {
				b.Fatal(err)
			}
			break
		}
		worst = max(worst, time.Since(begin))
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
}
