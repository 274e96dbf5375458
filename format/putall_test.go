package format

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
)

// putEach is PutAll event by event.
func putEach(w *Writer, events []Event) (int, error) {
	for i := range events {
		if err := w.Put(events[i]); err != nil {
			return i, err
		}
	}
	return len(events), nil
}

// written returns the file that put makes of events, in pieces of a size, and
// how often and where it refused: it goes on with the next piece.
func written(t *testing.T, events []Event, piece int, put func(*Writer, []Event) (int, error)) (file []byte, refused, at int) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, testHeader, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(events, piece) {
		switch n, err := put(w, part); {
		case errors.Is(err, ErrSequence), errors.Is(err, ErrInvalidKind):
			refused, at = refused+1, n
		case err != nil:
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), refused, at
}

// TestPutAllIsPut writes events in pieces shorter and longer than a block, where
// a block ends early, and where an event is refused.
func TestPutAllIsPut(t *testing.T) {
	good := number(session(3*maxBlockEvents + 7))
	at := maxBlockEvents + 100
	with := func(change func(*Event)) []Event {
		events := slices.Clone(good)
		change(&events[at])
		return events
	}
	for name, c := range map[string]struct {
		events  []Event
		refuses int
	}{
		"good":        {good, 0},
		"a key-frame": {number(slices.Concat(good[:at], keyFrame(good[at].Time), good[at:])), 0},
		"a pause": {slices.Concat(good[:at], with(func(e *Event) {
			e.Time += 2 * blockPeriod
		})[at:]), 0},
		"back in time":    {with(func(e *Event) { e.Time = 1 }), 0},
		"a gap":           {slices.Concat(good[:at], good[at+1:]), 0},
		"a number again":  {with(func(e *Event) { e.Seq-- }), 1},
		"the last number": {with(func(e *Event) { e.Seq = math.MaxUint64 }), 1},
		"no kind":         {with(func(e *Event) { e.Kind = KindInvalid }), 1},
	} {
		for _, piece := range []int{1000, maxBlockEvents, 2*maxBlockEvents + 1, len(good) + 100} {
			want, _, wantAt := written(t, c.events, piece, putEach)
			got, refused, at := written(t, c.events, piece, (*Writer).PutAll)
			if refused != c.refuses || at != wantAt || !bytes.Equal(got, want) {
				t.Errorf("%s, in pieces of %d: refused %d times, at %d, want %d; %d bytes, want %d",
					name, piece, refused, at, wantAt, len(got), len(want))
			}
		}
	}
}
