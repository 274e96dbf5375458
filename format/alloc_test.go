package format

import (
	"bytes"
	"io"
	"testing"
)

// TestNothingIsAllocatedPerEvent writes and reads several blocks a run, so that
// an allocation per event or per block would show.
func TestNothingIsAllocatedPerEvent(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	events := session(3 * maxBlockEvents)
	w, err := NewWriter(io.Discard, testHeader, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	write := func() {
		for _, e := range events {
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	write()
	if n := testing.AllocsPerRun(5, write); n > 0 {
		t.Errorf("writing three blocks allocates %v times", n)
	}

	// Two runs of one reader: the first makes the buffers, the second counts.
	const runs = 5
	b := binaryOf(t, testHeader, session(3*maxBlockEvents*(runs+2)), 1<<30)
	r, err := NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	read := func() {
		n := 0
		for _, err := range r.Events() {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == len(events) {
				break
			}
		}
	}
	read()
	if n := testing.AllocsPerRun(runs, read); n > 8 { // the iterator's closure and the loop's variables
		t.Errorf("reading three blocks allocates %v times", n)
	}

	line := make([]byte, 0, 4096)
	text := func() {
		for _, e := range events[:1000] {
			line = AppendText(line[:0], e)
			line = AppendJSON(line[:0], e)
		}
	}
	if n := testing.AllocsPerRun(5, text); n > 0 {
		t.Errorf("text and JSON of 1000 events allocate %v times", n)
	}
}

// TestWriterMemoryIsBounded holds Writer to its promise for dom0.
func TestWriterMemoryIsBounded(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	events := session(4 * maxBlockEvents)
	used := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			w, err := NewWriter(io.Discard, testHeader, WriterOptions{})
			if err != nil {
				b.Fatal(err)
			}
			for _, e := range events {
				if err := w.Write(e); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	t.Logf("%d KiB allocated in all for %d events", used>>10, len(events))
	if used > 16<<20 {
		t.Errorf("a writer allocates %d MiB", used>>20)
	}
}
