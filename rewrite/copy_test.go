package rewrite

import (
	"bytes"
	"errors"
	"iter"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
)

// broken yields the events and then an error.
func broken(err error, events ...format.Event) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		for e := range numbered(events) {
			if !yield(e, nil) {
				return
			}
		}
		yield(format.Event{}, err)
	}
}

var session = []format.Event{
	format.KeyFrame{Count: 2}.Event(1), format.StateDomain{Dom: 1}.Event(1),
	format.Clock{}.Event(2), format.Process{PID: 7}.Event(3), format.Clock{}.Event(4),
}

// TestCopy reads back what was written, and sums up both.
func TestCopy(t *testing.T) {
	var b bytes.Buffer
	w, err := format.NewWriter(&b, format.Header{}, format.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wrote, err := Copy(w, numbered(session))
	if err != nil || wrote.Events != 3 || wrote.KeyFrames != 1 {
		t.Fatalf("%+v, %v", wrote, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := format.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	if read, err := SumOf(r.Events()); err != nil || read != wrote {
		t.Errorf("wrote %+v, read %+v, %v", wrote, read, err)
	}
}

// TestErrorsEnd: of a trace that breaks off what came before is counted, and what a
// writer refuses ends a copy.
func TestErrorsEnd(t *testing.T) {
	damage := errors.New("damage")
	if s, err := SumOf(broken(damage, session...)); err != damage || s.Events != 3 || s.KeyFrames != 1 {
		t.Errorf("SumOf: %+v, %v", s, err)
	}
	w, err := format.NewWriter(&bytes.Buffer{}, format.Header{}, format.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Copy(w, broken(damage, session...)); err != damage || s.Events != 3 || s.KeyFrames != 1 {
		t.Errorf("Copy: %+v, %v", s, err)
	}
	if s, err := Copy(w, numbered(session)); !errors.Is(err, format.ErrSequence) || s.Events != 0 {
		t.Errorf("numbers that fall: %+v, %v", s, err)
	}
	if p, err := Look("a", format.Header{}, broken(damage, session...)); err != damage || p.Events != 3 {
		t.Errorf("Look: %+v, %v", p, err)
	}
}

// TestLook counts what happened, without key-frames.
func TestLook(t *testing.T) {
	p, err := Look("a", format.Header{Part: 3}, func(yield func(format.Event, error) bool) {
		for e := range numbered(session) {
			if e.Seq += 40; !yield(e, nil) {
				return
			}
		}
	})
	if err != nil || p.Name != "a" || p.Header.Part != 3 || p.Events != 3 || p.First != 40 || p.Last != 42 {
		t.Errorf("%+v, %v", p, err)
	}
	// Of all losses only the file's own stands for numbers that are not there.
	lost := format.Lost{Probe: format.ProbeRing, Count: 9}.Event(5)
	p, err = Look("a", format.Header{}, numbered([]format.Event{lost}))
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := Missing(p, Part{Events: 1, First: 5, Last: 5}, 5); !ok || e.Lost().Count != 4 || e.Seq != 1 {
		t.Errorf("%v, %v", e, ok)
	}
}
