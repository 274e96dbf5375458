package format

import (
	"bytes"
	"errors"
	"hash/crc32"
	"iter"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"
)

func openFile(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := NewFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// longTrace has several key-frames and full blocks.
func longTrace(t testing.TB, n int) ([]byte, []Event) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, testHeader, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range session(n) {
		if i%5000 == 2500 {
			for _, k := range keyFrame(e.Time) {
				if err := w.Write(k); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	events, _, err := readAll(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), events
}

func TestFileGivesWhatReaderGives(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, n := range []int{0, 1, 20000, 100000} {
		b, want := longTrace(t, n)
		for _, workers := range []int{0, 1, 2, 5} {
			f := openFile(t, b)
			if f.Scanned() || !f.Closed() {
				t.Fatalf("scanned %v, closed %v", f.Scanned(), f.Closed())
			}
			var got []Event
			for e, err := range f.Events(workers) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d events, %d workers: %d others", n, workers, len(got))
			}
			for range f.Events(workers) {
				break
			}
		}
	}
	waitForGoroutines(t, before)
}

func TestIndexSaysWhatTheEventsSay(t *testing.T) {
	b, events := longTrace(t, 40000)
	f := openFile(t, b)
	var tally Tally
	for i := range events {
		tally.Add(&events[i])
	}
	x := f.Index()
	if got, want := *x.Totals, tally.Totals(); !reflect.DeepEqual(got, want) {
		t.Errorf("totals %+v\nwant %+v", got, want)
	}
	if x.Events != 40000 || x.LastSeq != 39999 || x.FirstTime != x.Totals.FirstTime || x.LastTime != x.Totals.LastTime {
		t.Errorf("index %+v", x)
	}
	if err := f.scan(); err != nil {
		t.Fatal(err)
	}
	scanned := f.Index()
	if scanned.Totals != nil || f.end != nil {
		t.Errorf("totals %v, end %v", scanned.Totals, f.end)
	}
	if scanned.Totals = x.Totals; !reflect.DeepEqual(scanned, x) {
		t.Errorf("scanning gives\n%+v\nthe index\n%+v", scanned, x)
	}
}

func TestFromBeginsWithAKeyFrame(t *testing.T) {
	b, events := longTrace(t, 20000)
	f := openFile(t, b)
	for _, seq := range []uint64{0, 1, 2499, 2500, 2501, 7499, 7500, 19999, 1 << 40} {
		at := 0
		for i, e := range events {
			if e.Kind == KindState && e.Seq <= seq {
				at = i
			}
		}
		var got []Event
		for e, err := range f.From(seq) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
		}
		if !slices.Equal(got, events[at:]) {
			t.Errorf("from %d: %d events, want %d", seq, len(got), len(events)-at)
		}
	}
}

// firstNotBefore is what SeekTime returns.
func firstNotBefore(events []Event, ns uint64) (seq uint64) {
	for _, e := range events {
		if e.Kind.InKeyFrame() {
			continue
		}
		if e.Time >= ns {
			return e.Seq
		}
		seq = e.Seq + 1
	}
	return seq
}

func TestSeekTimeFindsTheFirst(t *testing.T) {
	b, events := longTrace(t, 20000)
	f := openFile(t, b)
	rng := newRand(4)
	first, last := f.Index().FirstTime, f.Index().LastTime
	times := []uint64{0, first, first + 1, last, last + 1, 1<<64 - 1}
	for range 50 {
		times = append(times, first+rng.Uint64N(last-first))
	}
	for _, ns := range times {
		if got, want := f.SeekTime(ns), firstNotBefore(events, ns); got != want {
			t.Errorf("time %d: event %d, want %d", ns, got, want)
		}
	}
	if got := openFile(t, binaryOf(t, testHeader, nil, 1)).SeekTime(5); got != 0 {
		t.Errorf("empty trace: %d", got)
	}
}

// fileEvents returns what a File gives, and its error.
func fileEvents(f *File, workers int) ([]Event, error) { return collect(f.Events(workers)) }

func collect(all iter.Seq2[Event, error]) (events []Event, err error) {
	for e, err := range all {
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
	return events, nil
}

// TestFileNeverGivesWrongEvents flips every bit and cuts at every byte.
func TestFileNeverGivesWrongEvents(t *testing.T) {
	t.Parallel()
	b, events, parts := smallTrace(t)
	check := func(what string, at int, b []byte) {
		f, err := NewFile(bytes.NewReader(b), int64(len(b)))
		n := partAt(parts, at)
		if n == 0 {
			if err == nil {
				t.Fatalf("%s at %d: no error", what, at)
			}
			return
		}
		if err != nil {
			t.Fatalf("%s at %d: %v", what, at, err)
		}
		got, err := fileEvents(f, 1)
		want := events
		if n < len(parts)-2 {
			want = events[:parts[n].events]
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s at %d, part %d: got\n%swant\n%s", what, at, n, plain(got), plain(want))
		}
		index := what == "flip" && n == len(parts)-2
		var corrupt *CorruptError
		if index != (err == nil) || !index && !errors.As(err, &corrupt) {
			t.Fatalf("%s at %d: %v", what, at, err)
		}
		if n >= len(parts)-2 && !f.Scanned() {
			t.Fatalf("%s at %d: not scanned", what, at)
		}
	}
	for at := range b {
		check("cut", at, b[:at])
		damaged := slices.Clone(b)
		damaged[at] ^= 1 << (at % 8)
		check("flip", at, damaged)
	}
}

// TestWrongIndexIsNotBelieved gives a file another file's index.
func TestWrongIndexIsNotBelieved(t *testing.T) {
	t.Parallel()
	b, events, parts := smallTrace(t)
	at := parts[len(parts)-2].start
	body := slices.Clone(b[at+blockHead : len(b)-blockHead])
	tried := 0
	for i := range body[frameHead:] {
		for _, v := range []byte{1, 0x80, 0xff} {
			changed := slices.Clone(body)
			changed[frameHead+i] ^= v
			f := openFile(t, withIndex(t, b[:at], changed, b[len(b)-blockHead:]))
			got, err := fileEvents(f, 2)
			if err != nil || !slices.Equal(got, events) {
				t.Fatalf("byte %d of the index: %d events, %v", i, len(got), err)
			}
			if !f.Scanned() {
				tried++
			}
		}
	}
	t.Logf("%d changes are only in the totals", tried)
}

// withIndex puts a file together, with an index behind a right checksum.
func withIndex(t testing.TB, blocks, body, trailer []byte) []byte {
	t.Helper()
	h := blockHeader{kind: blockIndex, csize: uint32(len(body)), usize: uint32(len(body) - frameHead)}
	h.payloadCRC = crc32.Checksum(body, castagnoli)
	b := append(h.append(slices.Clone(blocks)), body...)
	end, err := parseBlockHeader(trailer)
	if err != nil {
		t.Fatal(err)
	}
	end.index = uint64(len(blocks))
	return end.append(b)
}

// TestLongIndexIsInPieces writes more blocks than one index block describes.
func TestLongIndexIsInPieces(t *testing.T) {
	events := session(2*maxChunk + 100)
	b := binaryOf(t, testHeader, events, 1)
	f := openFile(t, b)
	if f.Scanned() || len(f.Index().Blocks) != len(events) {
		t.Fatalf("scanned %v, %d blocks", f.Scanned(), len(f.Index().Blocks))
	}
	n := 0
	for _, h := range blockHeaders(t, b) {
		if h.kind == blockIndex {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d index blocks", n)
	}
	got, err := fileEvents(f, 2)
	if err != nil || !slices.Equal(got, events) {
		t.Errorf("%d events, %v", len(got), err)
	}
	b[len(b)/3] ^= 1 // somewhere in a block of events
	if f := openFile(t, b); f.Scanned() {
		t.Error("damage in a block made the index bad")
	}
}

// failAt fails once a byte at or behind its offset is wanted.
type failAt struct {
	b   []byte
	at  int64
	err error
}

func (f failAt) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > f.at {
		return 0, f.err
	}
	return bytes.NewReader(f.b).ReadAt(b, off)
}

func TestFileErrorsOfTheDiskAreNoDamage(t *testing.T) {
	broken := errors.New("disk on fire")
	b, _, parts := smallTrace(t)
	for at := range b {
		f, err := NewFile(failAt{b, int64(at), broken}, int64(len(b)))
		var corrupt *CorruptError
		if err == nil {
			_, err = fileEvents(f, 2)
		}
		if !errors.Is(err, broken) || errors.As(err, &corrupt) {
			t.Fatalf("byte %d (part %d): %v", at, partAt(parts, at), err)
		}
	}
}

// waitForGoroutines fails if more goroutines than want do not end.
func waitForGoroutines(t *testing.T, want int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are left", runtime.NumGoroutine()-want)
		}
	}
}

// TestMissingLastBlockIsNoticed hides the header of the last block with events
// from a file whose index cannot be used: only the trailer says what is missing.
func TestMissingLastBlockIsNoticed(t *testing.T) {
	b, events, parts := smallTrace(t)
	n := len(parts) - 3
	for parts[n].events == parts[n+1].events {
		n--
	}
	at := parts[n].start
	damaged := slices.Concat(b[:at+frameHead], []byte{0}, b[at+frameHead:])
	f := openFile(t, damaged)
	got, err := fileEvents(f, 2)
	var corrupt *CorruptError
	var gap *gapError
	if !errors.As(err, &corrupt) || !errors.As(err, &gap) {
		t.Errorf("%d of %d events, error %v", len(got), len(events), err)
	}
	if !slices.Equal(got, events[:parts[n].events]) {
		t.Errorf("%d events, want %d", len(got), parts[n].events)
	}
	if !f.Closed() || !f.Scanned() {
		t.Errorf("closed %v, scanned %v", f.Closed(), f.Scanned())
	}
}
