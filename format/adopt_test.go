package format

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// blockSink keeps what a Writer hands over, call by call.
type blockSink [][]byte

func (s *blockSink) Write(b []byte) (int, error) {
	*s = append(*s, bytes.Clone(b))
	return len(b), nil
}

// TestAdoptedTailIsATrace makes traces out of the blocks of another one, from
// each of them on: they must hold the rest of its events and pass every check.
func TestAdoptedTailIsATrace(t *testing.T) {
	events := session(100)
	for i := range events {
		events[i].Seq = uint64(i)
	}
	frame := []Event{KeyFrame{Count: 2, Lost: 4}.Event(events[40].Time), StateDomain{Dom: 1}.Event(events[40].Time)}
	for i := range frame {
		frame[i].Seq = 40
	}
	events = slices.Insert(events, 40, frame...)
	var blocks blockSink
	w, err := NewWriter(&blocks, Header{}, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		if err := w.Put(e); err != nil {
			t.Fatal(err)
		}
		if i%7 == 0 {
			w.Flush()
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	opens, at := 0, 0
	for i, raw := range blocks {
		b, ok := ParseBlock(raw)
		if !ok {
			continue
		}
		if b.Opens {
			opens++
		}
		checkAdopted(t, blocks[i:], events[at:])
		at += int(b.Events)
	}
	if opens != 1 || at != len(events) {
		t.Errorf("%d key-frames, %d of %d events", opens, at, len(events))
	}
}

// checkAdopted checks that a trace out of these blocks has these events.
func checkAdopted(t *testing.T, blocks [][]byte, want []Event) {
	t.Helper()
	var file bytes.Buffer
	w, err := NewWriter(&file, Header{Writer: "adopter"}, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAdopter(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if err := a.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, _, err := readAll(file.Bytes())
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%d events, want %d, %v", len(got), len(want), err)
	}
	report, err := Check(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil || report.Condition() != Whole || !report.Indexed {
		t.Errorf("%v, %+v", err, report)
	}
}

func TestAdopterRefuses(t *testing.T) {
	var blocks blockSink
	w, err := NewWriter(&blocks, Header{}, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(Clock{WallNS: 5}.Event(1))
	w.Close()
	block := blocks[1]
	flipped := bytes.Clone(block)
	flipped[len(flipped)-1] ^= 1
	var file bytes.Buffer
	to, err := NewWriter(&file, Header{}, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAdopter(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		b    []byte
		want error
	}{
		{block[:20], ErrTruncated}, {block[:len(block)-1], ErrMalformed}, {flipped, ErrChecksum},
		{blocks[len(blocks)-1], nil}, {block, nil}, {block, ErrSequence},
	} {
		if err := a.Add(c.b); !errors.Is(err, c.want) {
			t.Errorf("%d bytes: %v, want %v", len(c.b), err, c.want)
		}
	}
	if _, ok := ParseBlock(blocks[0]); ok {
		t.Error("a file's header is a block")
	}
}
