package format

import (
	"errors"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
)

// orderedEvents returns what comes out of Ordered, and its error, and fails unless
// that is the last pair.
func orderedEvents(t *testing.T, f *File, first, workers int) (events []Event, last error) {
	t.Helper()
	for some, err := range Ordered(f, first, workers, wholeBlock) {
		switch {
		case last != nil:
			t.Fatalf("a pair behind the error: %d events, %v", len(some), err)
		case err == nil && len(some) == 0:
			t.Fatal("a result of nothing")
		}
		events, last = append(events, some...), err
	}
	return events, last
}

// TestOrderedGivesWhatReaderGives cuts a trace and flips bits of it, so that some of
// its blocks are gone, or wrong, or behind one that is: whatever the workers do, what
// comes out is what a reader from front to back gives, to the offset of the error.
func TestOrderedGivesWhatReaderGives(t *testing.T) {
	t.Parallel()
	before := runtime.NumGoroutine()
	b, events, parts := smallTrace(t)
	index := parts[len(parts)-2].start
	check := func(what string, at int, b []byte) {
		want, _, wantErr := readAll(b)
		got, err := orderedEvents(t, openFile(t, b), 0, 3)
		if !slices.Equal(got, want) {
			t.Fatalf("%s at %d: %d events, not %d", what, at, len(got), len(want))
		}
		var corrupt, wanted *CorruptError
		if errors.As(wantErr, &wanted) && at < index && (!errors.As(err, &corrupt) || corrupt.Offset != wanted.Offset) {
			t.Fatalf("%s at %d: %v, a reader says %v", what, at, err, wantErr)
		}
		if wantErr == nil && (err != nil || len(got) != len(events)) {
			t.Fatalf("%s at %d: %d events, %v", what, at, len(got), err)
		}
	}
	check("nothing", index, b)
	for at := parts[0].end; at < len(b); at += 7 {
		check("cut", at, b[:at])
		damaged := slices.Clone(b)
		damaged[at] ^= 1 << (at % 8)
		check("flip", at, damaged)
	}
	waitForGoroutines(t, before)
}

func TestOrderedBeginsAnywhere(t *testing.T) {
	b, events := longTrace(t, 40000)
	f := openFile(t, b)
	skipped := 0
	for first, block := range f.Index().Blocks {
		got, err := orderedEvents(t, f, first, 2)
		if err != nil || !slices.Equal(got, events[skipped:]) {
			t.Fatalf("from block %d: %d events, not %d, %v", first, len(got), len(events)-skipped, err)
		}
		skipped += int(block.Events)
	}
}

// manyBlocks returns the file of a trace of n small blocks.
func manyBlocks(t *testing.T, n int) *File {
	t.Helper()
	const size = 10
	b := binaryOf(t, testHeader, session(n*size), size)
	f := openFile(t, b)
	if len(f.Index().Blocks) != n {
		t.Fatalf("%d blocks", len(f.Index().Blocks))
	}
	return f
}

// TestOrderedLooksAheadSoFar counts what is begun while the loop is slow, and results
// that are made anew.
func TestOrderedLooksAheadSoFar(t *testing.T) {
	const workers, most = 3, lookAhead*2 + 1
	f := manyBlocks(t, 100)
	var begun, made atomic.Int64
	steps := int64(0)
	for range Ordered(f, 0, workers, func(room *int, _ iter.Seq[[]Event]) *int {
		begun.Add(1)
		if room == nil {
			made.Add(1)
			room = new(int)
		}
		return room
	}) {
		for range 10 { // time for the others
			runtime.Gosched()
		}
		if n := begun.Load(); n > steps+most {
			t.Fatalf("step %d: %d blocks are begun", steps, n)
		}
		steps++
	}
	if n := made.Load(); steps != 100 || n > most {
		t.Errorf("%d steps, %d results", steps, n)
	}
}

// TestOrderedChecksWhatNobodyTook looks at no events: the error at the end of a block
// comes all the same.
func TestOrderedChecksWhatNobodyTook(t *testing.T) {
	b, _ := mistaken(t)
	for workers := range 3 {
		results := 0
		var last error
		for _, err := range Ordered(openFile(t, b), 0, workers, func(int, iter.Seq[[]Event]) int { return 1 }) {
			if last = err; err == nil {
				results++
			}
		}
		if results != 2 || !errors.Is(last, ErrMalformed) {
			t.Errorf("%d workers: %d results, %v", workers, results, last)
		}
	}
}

// TestOrderedChunksMayBeChanged overwrites each chunk before it takes the next.
func TestOrderedChunksMayBeChanged(t *testing.T) {
	b, events := longTrace(t, 40000)
	var got []Event
	for some, err := range Ordered(openFile(t, b), 0, 2, func(room []Event, chunks iter.Seq[[]Event]) []Event {
		room = room[:0]
		for events := range chunks {
			room = append(room, events...)
			clear(events)
		}
		return room
	}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, some...)
		clear(some)
	}
	if !slices.Equal(got, events) {
		t.Error("others come back")
	}
}

func TestOrderedEndsWithItsLoop(t *testing.T) {
	before := runtime.NumGoroutine()
	f := manyBlocks(t, 100)
	var calls atomic.Int64
	for range Ordered(f, 0, 4, func(int, iter.Seq[[]Event]) int { return int(calls.Add(1)) }) {
		break
	}
	ended := calls.Load()
	waitForGoroutines(t, before)
	if n := calls.Load(); n != ended || n > lookAhead*3+1 {
		t.Errorf("%d calls when the loop had ended, then %d", ended, n)
	}
}

// TestOrderedAllocatesNothingPerEvent compares loops over few blocks and over many: a
// block costs what the loop over its chunks has for itself.
func TestOrderedAllocatesNothingPerEvent(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	count := func(blocks int) float64 {
		b := binaryOf(t, testHeader, session(blocks*4096), 4096)
		f := openFile(t, b)
		return testing.AllocsPerRun(5, func() {
			n := 0
			for some, err := range Ordered(f, 0, 2, func(_ int, chunks iter.Seq[[]Event]) (n int) {
				for events := range chunks {
					n += len(events)
				}
				return n
			}) {
				if err != nil {
					t.Fatal(err)
				}
				n += some
			}
			if n != blocks*4096 {
				t.Fatalf("%d events", n)
			}
		})
	}
	if few, many := count(5), count(50); many > few+2*45+10 {
		t.Errorf("5 blocks allocate %v times, 50 %v", few, many)
	}
}
