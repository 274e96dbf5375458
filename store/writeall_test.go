package store

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
)

// TestWriteAllIsWrite writes a trace with key-frames in pieces of any size.
func TestWriteAllIsWrite(t *testing.T) {
	events := make([]format.Event, 95)
	for i := range events {
		events[i] = clock(10 * i)
	}
	trace := func(write func(*Writer, []format.Event) error, piece int) (kinds []format.Kind) {
		var out bytes.Buffer
		w, err := Stream(&out, Options{Header: header, Mirror: &testMirror{calm: func() bool { return true }, every: 10}})
		if err != nil {
			t.Fatal(err)
		}
		for part := range slices.Chunk(slices.Clone(events), piece) {
			if err := write(w, part); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil || w.Events() != uint64(len(events)) {
			t.Fatal(w.Events(), err)
		}
		for i, e := range readAll(t, out.Bytes()) {
			if e.Kind == format.KindClock && e.Seq != uint64(i-2*(i/12)) {
				t.Errorf("pieces of %d: event %d has number %d", piece, i, e.Seq)
			}
			kinds = append(kinds, e.Kind)
		}
		return kinds
	}
	each := func(w *Writer, part []format.Event) error {
		for _, e := range part {
			if err := w.Write(e); err != nil {
				return err
			}
		}
		return nil
	}
	want := trace(each, 1)
	for _, piece := range []int{1, 3, 10, 64, 95} {
		if got := trace((*Writer).WriteAll, piece); !slices.Equal(got, want) {
			t.Errorf("pieces of %d: kinds %v, want %v", piece, got, want)
		}
	}
}

// TestWriteAllCountsWhatItRefuses, from the first event on that is not taken.
func TestWriteAllCountsWhatItRefuses(t *testing.T) {
	w, err := Stream(&bytes.Buffer{}, Options{Header: header})
	if err != nil {
		t.Fatal(err)
	}
	batch := []format.Event{clock(0), clock(1), {}, clock(3), clock(4)} // the third has no kind
	if err := w.WriteAll(batch); !errors.Is(err, format.ErrInvalidKind) {
		t.Fatalf("error %v, want %v", err, format.ErrInvalidKind)
	}
	if w.WriteAll(batch[:2]) == nil || w.Events() != 2 || w.Refused() != 5 {
		t.Errorf("%d events written, %d refused; want 2 and 5", w.Events(), w.Refused())
	}
}
