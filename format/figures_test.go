package format

import (
	"io"
	"os"
	"testing"
	"time"
)

// BenchmarkFigures measures decoding, encoding, text and seeking on the trace that
// IOTRACE_FILE names. It also reports what the fastest of all runs over each
// block adds up to, which tells more on a machine that does other things too.
//
//	iotrace gen --events 20000000 --seed 1 -o FILE
//	IOTRACE_FILE=FILE go test -run '^$' -bench Figures -benchtime 5x -cpu 1 ./format
//	IOTRACE_FILE=FILE go test -run '^$' -bench Figures/workers -benchtime 5x -cpu 2 ./format
func BenchmarkFigures(b *testing.B) {
	name := os.Getenv("IOTRACE_FILE")
	if name == "" {
		b.Skip("no trace in IOTRACE_FILE")
	}
	file, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("reader", func(b *testing.B) {
		benchBest(b, func(step func(int)) {
			r, err := NewReader(io.NewSectionReader(file, 0, stat.Size()))
			if err != nil {
				b.Fatal(err)
			}
			for batch, err := range r.Batches() {
				if err != nil {
					b.Fatal(err)
				}
				step(len(batch))
			}
		})
	})
	b.Run("file", func(b *testing.B) {
		benchBest(b, func(step func(int)) {
			for batch, err := range fileAt(b, file, stat.Size()).Batches(1) {
				if err != nil {
					b.Fatal(err)
				}
				step(len(batch))
			}
		})
	})
	events := firstEvents(b, fileAt(b, file, stat.Size()), 8*maxBlockEvents)
	b.Run("writer", func(b *testing.B) {
		benchBest(b, func(step func(int)) {
			w, err := NewWriter(io.Discard, testHeader, WriterOptions{})
			if err != nil {
				b.Fatal(err)
			}
			for i := range benchEvents {
				if err := w.Write(events[i%len(events)]); err != nil {
					b.Fatal(err)
				}
				if (i+1)%maxBlockEvents == 0 {
					step(maxBlockEvents)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("text", func(b *testing.B) {
		benchBest(b, func(step func(int)) {
			w, err := NewTextWriter(io.Discard, testHeader)
			if err != nil {
				b.Fatal(err)
			}
			for i := range benchEvents {
				if err := w.Write(events[i%len(events)]); err != nil {
					b.Fatal(err)
				}
				if (i+1)%maxBlockEvents == 0 {
					step(maxBlockEvents)
				}
			}
		})
	})
	b.Run("workers", func(b *testing.B) { benchWorkers(b, fileAt(b, file, stat.Size())) })
	b.Run("seek", func(b *testing.B) { benchSeek(b, file, stat.Size()) })
}

func fileAt(b *testing.B, r io.ReaderAt, size int64) *File {
	f, err := NewFile(r, size)
	if err != nil {
		b.Fatal(err)
	}
	return f
}

// firstEvents returns n of f's events, without those of key-frames.
func firstEvents(b *testing.B, f *File, n int) (events []Event) {
	for e, err := range f.Events(1) {
		if err != nil {
			b.Fatal(err)
		}
		if e.Kind.InKeyFrame() {
			continue
		}
		if events = append(events, e); len(events) == n {
			break
		}
	}
	return events
}

// benchBest runs pass, which calls step with the number of events that passed,
// again and again. What counts is the best of each step over all passes.
func benchBest(b *testing.B, pass func(step func(events int))) {
	var best []time.Duration
	sum := 0
	for n := range b.N {
		i := 0
		begin := time.Now()
		pass(func(events int) {
			now := time.Now()
			took := now.Sub(begin)
			if n == 0 {
				best = append(best, took)
				sum += events
			}
			best[i] = min(best[i], took)
			i++
			begin = time.Now()
		})
	}
	total := time.Duration(0)
	for _, d := range best {
		total += d
	}
	b.ReportMetric(float64(sum)/total.Seconds()/1e6, "best-Mevents/s")
	b.ReportMetric(float64(sum)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
	b.ReportMetric(0, "ns/op")
}

// benchSeek opens the trace and goes to a time in it, a hundred times a run.
func benchSeek(b *testing.B, r io.ReaderAt, size int64) {
	rng := newRand(6)
	var worst, best, sum time.Duration
	runs := 0
	for range b.N {
		for range 100 {
			begin := time.Now()
			f := fileAt(b, r, size)
			x := f.Index()
			seq := f.SeekTime(x.FirstTime + rng.Uint64N(x.LastTime-x.FirstTime))
			for _, err := range f.From(seq) {
				if err != nil {
					b.Fatal(err)
				}
				break
			}
			took := time.Since(begin)
			worst, sum = max(worst, took), sum+took
			if best == 0 || took < best {
				best = took
			}
			runs++
		}
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
	b.ReportMetric(ms(worst), "worst-ms")
	b.ReportMetric(ms(best), "best-ms")
	b.ReportMetric(ms(sum)/float64(runs), "mean-ms")
	b.ReportMetric(0, "ns/op")
}
