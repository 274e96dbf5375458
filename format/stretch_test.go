package format

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"iter"
	"slices"
	"testing"
)

// blockwise reads f a stretch for each block, and behind one that ends with an error
// as whoever replays side by side does: that block once more, and all that follow.
func blockwise(f *File) (events []Event, err error) {
	for n := range f.Index().Blocks {
		taken := len(events)
		for some, err := range f.Stretch(n, n+1) {
			if err != nil {
				rest, err := flatten(f.BatchesFrom(n, 1))
				return append(events[:taken], rest...), err
			}
			events = append(events, some...)
		}
	}
	return events, f.end
}

func flatten(batches func(func([]Event, error) bool)) (events []Event, last error) {
	for some, err := range batches {
		events, last = append(events, some...), err
	}
	return events, last
}

// TestStretchesSayWhatOneLoopSays makes mistakes between the blocks of a trace, each of
// which is right in itself: one is missing, or says that more is lost than its events do.
// Read a block at a time it gives the same events and the same error.
func TestStretchesSayWhatOneLoopSays(t *testing.T) {
	b, events, parts := smallTrace(t)
	check := func(what string, b []byte, n int) {
		t.Helper()
		want, wantErr := fileEvents(openFile(t, b), 1)
		got, err := blockwise(openFile(t, b))
		if !slices.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s %d: %d events, %v, want %d, %v", what, n, len(got), err, len(want), wantErr)
		}
		if (wantErr == nil) != (what == "whole") {
			t.Errorf("%s %d: %v", what, n, wantErr)
		}
	}
	check("whole", b, 0)
	if len(events) == 0 {
		t.Fatal("nothing to read")
	}
	for n := 1; n < len(parts)-2; n++ {
		check("without block", slices.Concat(b[:parts[n].start], b[parts[n].end:]), n-1)
		check("lost from block", moreLost(t, b, parts, n), n-1)
	}
}

// moreLost returns b with one more thing lost according to the headers of part n and of
// all behind it, and without the index, which says something else.
func moreLost(t *testing.T, b []byte, parts []section, n int) []byte {
	t.Helper()
	b = slices.Clone(b)
	for _, p := range parts[n:] {
		head := b[p.start:][:blockHead]
		le.PutUint64(head[64:], le.Uint64(head[64:])+1)
		le.PutUint32(head[blockHead-crcSize:], crc32.Checksum(head[:blockHead-crcSize], castagnoli))
	}
	index := parts[len(parts)-2]
	return slices.Concat(b[:index.start], b[index.end:])
}

// wrongIndexes takes from one number of a file's index what it adds to another, so that
// the sums agree, and yields the files whose index is believed, with the bytes that are
// wrong.
func wrongIndexes(t *testing.T, b []byte) iter.Seq2[string, []byte] {
	parts := partsOf(t, b)
	at := parts[len(parts)-2].start
	body := b[at+blockHead : len(b)-blockHead]
	entries := body[:len(body)-int(le.Uint32(body[frameHead+12:]))]
	return func(yield func(string, []byte) bool) {
		believed := 0
		for i := frameHead + indexHead; i < len(entries); i++ {
			for j := frameHead + indexHead; j < len(entries); j++ {
				changed := slices.Clone(body)
				changed[i]++
				changed[j]--
				wrong := withIndex(t, b[:at], changed, b[len(b)-blockHead:])
				if i == j || openFile(t, wrong).Scanned() {
					continue // the loops have the right one
				}
				believed++
				if !yield(fmt.Sprintf("bytes %d and %d of the index", i, j), wrong) {
					return
				}
			}
		}
		if believed == 0 {
			t.Error("no such index is believed at first")
		}
	}
}

// TestWrongIndexMisleadsNoLoop reads files with wrong indexes a block at a time, and from
// their middle on: they have the events that they have.
func TestWrongIndexMisleadsNoLoop(t *testing.T) {
	b, events, _ := smallTrace(t)
	middle := events[len(events)-1].Seq
	want, err := collect(openFile(t, b).From(middle))
	if err != nil || len(want) == 0 || len(want) == len(events) {
		t.Fatalf("%d of %d events, %v", len(want), len(events), err)
	}
	for name, wrong := range wrongIndexes(t, b) {
		if got, err := blockwise(openFile(t, wrong)); err != nil || !slices.Equal(got, events) {
			t.Errorf("%s: %d events a block at a time, %v", name, len(got), err)
		}
		if got, err := collect(openFile(t, wrong).From(middle)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %d events from %d on, want %d, %v", name, len(got), middle, len(want), err)
		}
	}
}

// TestWrongIndexMisleadsNoSearch searches for each time of a trace whose times rise.
func TestWrongIndexMisleadsNoSearch(t *testing.T) {
	events := session(40)
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.Time, b.Time) })
	for i := range events {
		events[i].Seq = uint64(i)
	}
	events = slices.Insert(events, 20, keyFrame(events[20].Time)...)
	b := binaryOf(t, testHeader, events, 8)
	events, _, err := readAll(b)
	if err != nil {
		t.Fatal(err)
	}
	for name, wrong := range wrongIndexes(t, b) {
		for _, e := range events {
			if got, want := openFile(t, wrong).SeekTime(e.Time), firstNotBefore(events, e.Time); got != want {
				t.Errorf("%s: time %d: event %d, want %d", name, e.Time, got, want)
			}
		}
	}
}
