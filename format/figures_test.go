package format

import (
	"io"
	"iter"
	"os"
	"testing"
	"time"
)

// BenchmarkFigures measures decoding, encoding, text and seeking on the trace that
// IOTRACE_FILE names; encoding in batches ("writer"), as merge does it, and event
// by event ("put"), as all others do. It also reports what the fastest of all runs
// over each block adds up to, which tells more on a machine that does other things
// too.
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
		benchBest(b, func(step func(int, time.Duration)) {
			r, err := NewReader(io.NewSectionReader(file, 0, stat.Size()))
			if err != nil {
				b.Fatal(err)
			}
			benchReading(b, r.Batches(), step)
		})
	})
	b.Run("file", func(b *testing.B) {
		benchBest(b, func(step func(int, time.Duration)) {
			benchReading(b, fileAt(b, file, stat.Size()).Batches(1), step)
		})
	})
	b.Run("writer", func(b *testing.B) {
		benchBest(b, func(step func(int, time.Duration)) {
			w, err := NewWriter(io.Discard, testHeader, WriterOptions{})
			if err != nil {
				b.Fatal(err)
			}
			benchWriting(b, fileAt(b, file, stat.Size()), func(events []Event) error {
				_, err := w.PutAll(events)
				return err
			}, step)
		})
	})
	b.Run("put", func(b *testing.B) { // as "writer", event by event
		benchBest(b, func(step func(int, time.Duration)) {
			w, err := NewWriter(io.Discard, testHeader, WriterOptions{})
			if err != nil {
				b.Fatal(err)
			}
			benchWriting(b, fileAt(b, file, stat.Size()), func(events []Event) error {
				for i := range events {
					if err := w.Put(events[i]); err != nil {
						return err
					}
				}
				return nil
			}, step)
		})
	})
	b.Run("text", func(b *testing.B) {
		benchBest(b, func(step func(int, time.Duration)) {
			w, err := NewTextWriter(io.Discard, testHeader)
			if err != nil {
				b.Fatal(err)
			}
			benchWriting(b, fileAt(b, file, stat.Size()), w.WriteAll, step)
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

// benchReading calls step with each batch's size, and how long it took to read.
func benchReading(b *testing.B, batches iter.Seq2[[]Event, error], step func(int, time.Duration)) {
	begin := time.Now()
	for batch, err := range batches {
		if err != nil {
			b.Fatal(err)
		}
		step(len(batch), time.Since(begin))
		begin = time.Now()
	}
}

// benchWriting calls step with the size of each of f's batches, and how long it
// took to write it.
func benchWriting(b *testing.B, f *File, write func([]Event) error, step func(int, time.Duration)) {
	for batch, err := range f.Batches(1) {
		if err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		if err := write(batch); err != nil {
			b.Fatal(err)
		}
		step(len(batch), time.Since(begin))
	}
}

// benchBest runs pass again and again, which calls step with how many events
// passed and how long they took. What counts is the best of each step over all
// passes.
func benchBest(b *testing.B, pass func(step func(events int, took time.Duration))) {
	var best []time.Duration
	var all time.Duration
	sum := 0
	for n := range b.N {
		i := 0
		pass(func(events int, took time.Duration) {
			if n == 0 {
				best = append(best, took)
				sum += events
			}
			best[i] = min(best[i], took)
			all += took
			i++
		})
	}
	total := time.Duration(0)
	for _, d := range best {
		total += d
	}
	b.ReportMetric(float64(sum)/total.Seconds()/1e6, "best-Mevents/s")
	b.ReportMetric(float64(sum)*float64(b.N)/all.Seconds()/1e6, "Mevents/s")
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
