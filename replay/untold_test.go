package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// recorders is header of what a recorder has taken, whose trace ends with a Clock.
var recorders = func() format.Header { h := header; h.Tier = "A"; return h }()

// untold is a session with a request that contradicts, and what comes behind it.
func untold(behind func(*tape)) *tape {
	tp := &tape{}
	tp.clock()
	tp.server(dom, 0, 0x60, 0x64)
	tp.in(dom, 1, 0, 0x60)
	tp.do(dom, 0, 1, 0x60)
	behind(tp)
	return tp
}

// TestTraceEndsBeforeItTellsLosses: where a recorder has not come to the clock behind a
// difference, as where it was killed, it may have lost what explains that.
func TestTraceEndsBeforeItTellsLosses(t *testing.T) {
	for _, c := range []struct {
		name   string
		end    func(*tape)
		differ uint64
	}{
		{"cut", func(*tape) {}, 0},
		{"cut behind a later event", func(tp *tape) { tp.do(dom, 0, 1, 0x60) }, 0},
		{"whole", func(tp *tape) { tp.clock() }, 1},
		{"whole, with a mark at its end", func(tp *tape) { tp.clock(); tp.add(format.Mark{Parts: 1}.Event(0)) }, 1},
		{"a mark among losses", func(tp *tape) {
			tp.clock()
			tp.lost(format.ProbeRing, 1)
			tp.add(format.Mark{Parts: 1}.Event(0))
			tp.lost(format.ProbePrivcmd, 1)
		}, 0},
	} {
		r, _ := untold(c.end).replayAs(t, recorders)
		if r.Differ != c.differ || r.Undetermined != 1-c.differ || c.differ == 0 && r.Unknown[whyUntold]+r.Unknown[whyLost] != 1 {
			t.Errorf("%s: %+v %v", c.name, r.Tally, r.Unknown)
		}
	}
}

// TestBreaksOffBehindAClock: its losses may have been next.
func TestBreaksOffBehindAClock(t *testing.T) {
	tp := untold((*tape).clock)
	cut := func(yield func(format.Event, error) bool) {
		for e := range tp.seq2() {
			if !yield(e, nil) {
				return
			}
		}
		yield(format.Event{}, format.ErrTruncated)
	}
	if r, err := Run(recorders, cut, Options{}); err != format.ErrTruncated || r.Differ != 0 || r.Unknown[whyUntold] != 1 {
		t.Errorf("%+v %v %v", r.Tally, r.Unknown, err)
	}
	to := Options{To: func(e format.Event) bool { return e.Kind == format.KindClock && e.Seq > 0 }}
	if r, err := Run(recorders, cut, to); err != nil || r.Differ != 0 || r.Unknown[whyUntold] != 1 {
		t.Errorf("to the clock: %+v %v %v", r.Tally, r.Unknown, err)
	}
	x, err := Explain(recorders, cut, func(e format.Event) bool { return e.Kind == format.KindIOReq }, Options{})
	if err != nil || x.Verdict == nil || x.Verdict.Kind != Undetermined {
		t.Errorf("explained: %+v %v", x.Verdict, err)
	}
}

// TestKeyFrameBetweenClocks: whoever reads only what is in front of a key-frame does
// not read of a loss behind it, so the whole does not judge by it either.
func TestKeyFrameBetweenClocks(t *testing.T) {
	tp := untold(func(tp *tape) { tp.do(dom, 0, 1, 0x61); tp.clock(); tp.lost(format.ProbePrivcmd, 1) })
	last := tp.events[len(tp.events)-4].Seq
	r, _ := checkParts(t, recorders, framed(t, recorders, tp.events, before1(last)), Options{})
	if r.Differ != 0 || r.Unknown[whyUntold] != 1 {
		t.Errorf("%+v %v", r.Tally, r.Unknown)
	}
}

// TestToHearsOfLosses: a difference in front of Options.To is one in the whole, too.
func TestToHearsOfLosses(t *testing.T) {
	for lost, differ := range map[format.Probe]uint64{format.ProbePrivcmd: 0, format.ProbeRing: 1} {
		tp := untold(func(tp *tape) { tp.do(dom, 0, 1, 0x61); tp.clock(); tp.lost(lost, 1); tp.do(dom, 1, 1, 0x62) })
		for to := len(tp.events) - 6; to < len(tp.events)-1; to++ {
			r, err := Run(recorders, tp.seq2(), Options{To: func(e format.Event) bool { return e.Seq == uint64(to) }})
			if err != nil || r.Differ != differ || r.Events != uint64(to) {
				t.Errorf("%v to %d: %v %+v", lost, to, err, r.Tally)
			}
		}
		request := uint64(slices.IndexFunc(tp.events, func(e format.Event) bool { return e.Kind == format.KindIOReq }))
		x, err := Explain(recorders, tp.seq2(), func(e format.Event) bool { return e.Seq == request }, Options{})
		if err != nil || x.Verdict == nil || (x.Verdict.Kind == Differ) != (differ == 1) {
			t.Errorf("explained, %v: %+v %v", lost, x.Verdict, err)
		}
	}
}

// TestStaleRequestTeachesNothing: a request of unknown ranges that was found behind an
// unmap, or while a map was in flight, says nothing against the map.
func TestStaleRequestTeachesNothing(t *testing.T) {
	for _, flying := range []bool{false, true} {
		tp := &tape{}
		tp.server(dom, 0, 0x60, 0x64)
		tp.do(dom, 0, 0, 0x60)
		tp.lost(format.ProbePrivcmd, 1)
		tp.dm(dom, unmapping(0, xen.SpacePort, 8, 11), xen.OK)
		if flying {
			tp.do(dom, 0, 0, 0x60)
			id := tp.enter(dom, mapping(0, xen.SpacePort, 8, 11))
			tp.do(dom, 0, 0, 8)
			tp.leave(dom, id, xen.OK, mapping(0, xen.SpacePort, 8, 11))
		} else {
			tp.do(dom, 0, 0, 8)
			tp.dm(dom, mapping(0, xen.SpacePort, 8, 11), xen.OK)
		}
		if r, _ := tp.replay(t); r.Differ != 0 {
			t.Errorf("in flight %v: %v", flying, r.FirstDifference)
		}
	}
}

// probeOf is the probe that has an event, if the model asks for it.
func probeOf(k format.Kind) (format.Probe, bool) {
	switch k {
	case format.KindDMOpEnter, format.KindDMOpReturn, format.KindMmapResourceEnter, format.KindIoctlReturn:
		return format.ProbePrivcmd, true
	case format.KindIOReq:
		return format.ProbeEvtchnRead, true
	case format.KindIOResp:
		return format.ProbeEvtchnIoctl, true
	}
	return 0, false
}

// lossy takes events out of a session without clocks, here and there a few, and tells
// that as a recorder does: behind the next of the clocks that it puts in.
func lossy(in []format.Event, rng *rand.Rand, rate float64, interval int) []format.Event {
	tp := &tape{}
	var missing [16]uint64
	var times []uint64
	tell := func(time uint64) {
		for p := range len(missing) + 1 {
			switch {
			case p == 0:
				tp.clock()
			case missing[p-1] == 0:
				continue
			default:
				tp.lost(format.Probe(p-1), missing[p-1])
			}
			times = append(times, time)
		}
		missing = [16]uint64{}
	}
	burst := 0
	for i, e := range in {
		if i%interval == 0 {
			tell(e.Time)
		}
		if burst--; burst < 0 && rng.Float64() < rate {
			burst = rng.IntN(10)
		}
		if p, ok := probeOf(e.Kind); ok && burst >= 0 && rng.IntN(3) > 0 {
			missing[p]++
			continue
		}
		tp.add(e)
		times = append(times, e.Time)
	}
	tell(in[len(in)-1].Time)
	for i := range tp.events {
		tp.events[i].Time = times[i]
	}
	return tp.events
}

// TestLossesAreNoDifference loses parts of busy sessions that agree, ends what is left
// anywhere, and cuts it where a recorder's file may end: whatever is lost, nothing differs,
// and two parts that meet make the whole.
func TestLossesAreNoDifference(t *testing.T) {
	var agree, undetermined uint64
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 77))
		w := newWorld(t, seed, 3, 3)
		w.own = true
		for n := range 3 {
			w.begin(n, xen.CreateIOReqServer{HandleBufIOReq: xen.BufOff})
		}
		w.live(1500)
		if rng.IntN(2) == 0 {
			stretch(w.events, rng)
		}
		events := lossy(w.events, rng, []float64{0.001, 0.01, 0.05}[seed%3], 1+rng.IntN(500))
		whole, want := runAll(t, recorders, events, Options{})
		agree, undetermined = agree+whole.Agree, undetermined+whole.Undetermined
		parts, _ := checkParts(t, recorders, framed(t, recorders, events, func(_ *Mirror, e format.Event) bool {
			return e.Kind != format.KindLost && rng.IntN(200) == 0
		}), Options{})
		at := 1 + rng.IntN(len(events)-1)
		there := func(e format.Event) bool { return e.Seq >= uint64(at) }
		var got []Verdict
		for _, o := range []Options{{To: there}, {From: there}} {
			o.OnVerdict = func(v Verdict) { got = append(got, v) }
			if _, err := Run(recorders, seqOf(events), o); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: in two parts that meet at %d the verdicts are others", seed, at)
		}
		for events[at%len(events)].Kind == format.KindLost {
			at++
		}
		cut, _ := runAll(t, recorders, events[:at], Options{})
		for name, r := range map[string]Report{"whole": whole, "in parts": parts, fmt.Sprint("cut at ", at): cut} {
			if r.Differ != 0 {
				t.Errorf("seed %d, %s: %v", seed, name, r.FirstDifference)
			}
		}
	}
	t.Logf("agree %d, undetermined %d", agree, undetermined)
	if agree < 10000 || undetermined < 5000 {
		t.Error("too little agrees, or too little is lost")
	}
}

// TestNoKeyFrameAmongLosses: they belong to what is in front of them, however late the
// key-frame is.
func TestNoKeyFrameAmongLosses(t *testing.T) {
	var p Pacer
	lost := format.Lost{Probe: format.ProbePrivcmd, Count: 1}.Event(0)
	for range paceLate {
		p.Step(format.Process{}.Event(0))
	}
	p.Step(format.Clock{}.Event(0))
	calm := func() bool { return true }
	if p.Due(lost, calm) || !p.Due(format.Process{}.Event(0), calm) {
		t.Error("a key-frame between a clock and its losses")
	}
}
