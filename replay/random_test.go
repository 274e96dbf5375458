package replay

import (
	"math/rand/v2"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// cuts lets a key-frame stand in front of about one event of n.
func cuts(rng *rand.Rand, n int) func(*Mirror, format.Event) bool {
	return func(*Mirror, format.Event) bool { return rng.IntN(n) == 0 }
}

// busyWorld is a session whose callers and vCPUs overlap all the time, perhaps
// one that the recorder met late, or one in which it lost things.
func busyWorld(t *testing.T, seed uint64) []format.Event {
	rng := rand.New(rand.NewPCG(seed, 21))
	w := newWorld(t, seed, 3, 3)
	w.own = seed%2 == 0
	if w.own {
		for n := range 3 {
			w.begin(n, xen.CreateIOReqServer{HandleBufIOReq: xen.BufOff})
		}
	}
	for range 30 {
		w.live(20)
		switch {
		case rng.IntN(3) == 0:
			w.add(format.Clock{WallNS: rng.Uint64N(1000)}.Event(0))
		case seed%5 == 3 && rng.IntN(8) == 0:
			w.lost(format.Probe(rng.IntN(11)), 1+rng.Uint64N(3))
		case rng.IntN(20) == 0: // what no Xen does
			w.in(dom, 2, 5, 0x9999)
		}
	}
	events := w.events
	if seed%5 == 4 { // the recorder came late
		events = events[len(events)/3:]
	}
	if seed%3 != 0 {
		stretch(events, rng)
	}
	return events
}

// TestPartsOfBusySessions cuts random sessions in random places.
func TestPartsOfBusySessions(t *testing.T) {
	var total Report
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 22))
		events := framed(t, header, busyWorld(t, seed), cuts(rng, 1+rng.IntN(200)))
		r, _ := checkParts(t, header, events, Options{})
		sum(&total, r)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d events, %d key-frames, agree %d differ %d undetermined %d, %v",
		total.Events, total.KeyFrames, total.Agree, total.Differ, total.Undetermined, total.Unknown)
	if total.KeyFrames < 1000 || total.Agree < 20000 || total.Unknown[whyEarlier] == 0 {
		t.Error("the sessions are not busy")
	}
}

// TestPartsOfNonsense: not even a trace that no recorder writes has other
// verdicts in parts.
func TestPartsOfNonsense(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 23))
		data := make([]byte, 8*1500)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		events := eventsOf(data).events
		if seed%2 == 0 {
			stretch(events, rng)
		}
		checkParts(t, header, framed(t, header, events, cuts(rng, 1+rng.IntN(60))), Options{})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestKeyFramesChangeFewVerdicts: a session that agrees still has no difference
// when key-frames stand anywhere in it, and what it cannot tell any more is
// only what may have taken effect before one.
func TestKeyFramesChangeFewVerdicts(t *testing.T) {
	lost, agree := 0, 0
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 24))
		w := newWorld(t, seed, 3, 2)
		w.own = true
		for n := range 3 {
			w.begin(n, xen.CreateIOReqServer{HandleBufIOReq: xen.BufOff})
		}
		w.live(500)
		if seed%2 == 0 {
			stretch(w.events, rng)
		}
		plain, _ := w.replay(t)
		r, vs := runAll(t, header, framed(t, header, w.events, cuts(rng, 30)), Options{})
		if r.Differ != plain.Differ || r.KeyFrameMismatches != 0 {
			t.Errorf("seed %d: %d differ, %d without key-frames: %v", seed, r.Differ, plain.Differ, r.FirstDifference)
		}
		for _, v := range vs {
			if v.Kind == Undetermined {
				lost++
			}
		}
		agree += int(r.Agree)
	}
	t.Logf("%d agree, %d undetermined", agree, lost)
	if lost*20 > agree {
		t.Errorf("%d verdicts of %d are lost to key-frames", lost, agree)
	}
}
