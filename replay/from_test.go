package replay

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
)

// TestFromGivesTheVerdictsOfTheRange begins to judge at every few events, from
// the front and from the key-frame before, and wants the whole's verdicts.
func TestFromGivesTheVerdictsOfTheRange(t *testing.T) {
	for seed := range uint64(10) {
		checkFrom(t, header, framed(t, header, busyWorld(t, seed), cuts(rand.New(rand.NewPCG(seed, 23)), 50)))
	}
}

func checkFrom(t *testing.T, h format.Header, events []format.Event) {
	t.Helper()
	_, verdicts := runAll(t, h, events, Options{})
	last := events[len(events)-1].Seq
	for from := uint64(1); from <= last+1; from += 37 {
		start := 0
		for i, e := range events {
			if e.Kind == format.KindKeyFrame && e.Seq <= from {
				start = i
			}
		}
		want := after(verdicts, from)
		var reports []Report
		for _, tape := range [][]format.Event{events, events[start:]} {
			r, got := runAll(t, h, tape, Options{From: func(e format.Event) bool { return e.Seq >= from }})
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("from %d: %d verdicts, want %d", from, len(got), len(want))
			}
			reports = append(reports, r)
		}
		if a, b := reports[0], reports[1]; a.Events != b.Events || a.Cost != b.Cost || a.KeyFrames != b.KeyFrames || a.From != b.From || a.From < min(from, last+1) {
			t.Errorf("from %d: %+v from the front, %+v from the key-frame", from, a, b)
		}
	}
}

func after(verdicts []Verdict, from uint64) (out []Verdict) {
	for _, v := range verdicts {
		if v.Event >= from {
			out = append(out, v)
		}
	}
	return out
}
