package format

import (
	"bytes"
	"iter"
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

// BenchmarkFile goes through a file with one worker and with two, in turns, and
// reports how much faster two are.
func BenchmarkFile(b *testing.B) {
	file := longFile(b, benchEvents)
	benchWorkers(b, fileAt(b, bytes.NewReader(file), int64(len(file))))
}

// A fold is what is left of events, enough to tell others or another order.
type fold struct {
	events, sum uint64
	first, last uint64 // numbers
}

func (x *fold) add(events []Event) {
	if x.events == 0 {
		x.first = events[0].Seq
	}
	for i := range events {
		x.sum += events[i].Seq ^ events[i].Time
	}
	x.events += uint64(len(events))
	x.last = events[len(events)-1].Seq
}

// foldAll folds all of f in the workers, block by block.
func foldAll(b *testing.B, f *File, workers int) (all fold) {
	blocks := Ordered(f, 0, workers, func(_ fold, chunks iter.Seq[[]Event]) (x fold) {
		for events := range chunks {
			x.add(events)
		}
		return x
	})
	for x, err := range blocks {
		if err != nil || x.first < all.last {
			b.Fatalf("event %d behind %d, error %v", x.first, all.last, err)
		}
		all = fold{events: all.events + x.events, sum: all.sum + x.sum, last: x.last}
	}
	return all
}

// benchWorkers reports what one core and two decode, on the average and in the best
// of all passes.
func benchWorkers(b *testing.B, f *File) {
	var sum, best [3]time.Duration
	var events uint64
	read := func(workers int, want fold) fold {
		begin := time.Now()
		got := foldAll(b, f, workers)
		took := time.Since(begin)
		if want.events > 0 && got != want {
			b.Fatalf("%d workers: %+v, one: %+v", workers, got, want)
		}
		if sum[workers] += took; best[workers] == 0 || took < best[workers] {
			best[workers] = took
		}
		return got
	}
	b.ResetTimer()
	for range b.N {
		one := read(1, fold{})
		read(2, one)
		events = one.events
	}
	rate := func(d time.Duration) float64 { return float64(events) / d.Seconds() / 1e6 }
	b.ReportMetric(rate(sum[1])*float64(b.N), "Mevents/s-1")
	b.ReportMetric(rate(sum[2])*float64(b.N), "Mevents/s-2")
	b.ReportMetric(sum[1].Seconds()/sum[2].Seconds(), "ratio")
	b.ReportMetric(rate(best[1]), "best-1")
	b.ReportMetric(rate(best[2]), "best-2")
	b.ReportMetric(best[1].Seconds()/best[2].Seconds(), "best-ratio")
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
