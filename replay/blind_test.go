package replay

import (
	"iter"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// without yields the events of a trace that a capture with choice c would have.
func without(events []format.Event, c *format.Choice) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		skipped, n := map[uint64]bool{}, uint32(0)
		for _, e := range events {
			if some, _ := c.HasKind(e.Kind); e.Kind.InKeyFrame() || !some && e.Kind != format.KindClock {
				continue
			}
			if e.Kind == format.KindIOReq || e.Kind == format.KindIOResp {
				q := e.IOReq()
				if e.Kind == format.KindIOReq {
					n++
					every := max(1, c.Sampled["ioreq"])
					skipped[q.ID] = n%every != 0 || len(c.Ports) > 0 && !slices.ContainsFunc(c.Ports, func(s format.Span) bool {
						return q.Req.Type == xen.TypePIO && s.Contains(q.Req.Addr)
					})
				}
				if skipped[q.ID] {
					continue
				}
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// sample reads the beginning of a trace of real Xen that agrees with the model.
func sample(t *testing.T) (h format.Header, events []format.Event) {
	t.Helper()
	f, err := os.Open("../samples/mediator-4.17.iot")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tr, err := format.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range tr.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if events = append(events, e); len(events) == 30_000 {
			break
		}
	}
	return tr.Header(), events
}

// TestWhatWasLeftOutIsUnknown leaves things out of a trace that agrees, as filters
// of a capture do. None of the rest may differ, though without the header's word
// for it some would.
func TestWhatWasLeftOutIsUnknown(t *testing.T) {
	header, events := sample(t)
	deceived := false
	for _, c := range []*format.Choice{
		{Kinds: []string{"ioreq", "ioresp"}},
		{Kinds: []string{"ioreq", "ioresp", "dm_op_enter", "dm_op_return", "dm_op_buf"}},
		{Kinds: []string{"ioreq", "ioresp", "dm_op_enter", "dm_op_return", "hypercall_enter", "hypercall_return"}}, // and no pages
		{Ports: []format.Span{{First: 0xcfc, Last: 0xcff}}},
		{Sampled: map[string]uint32{"ioreq": 3}},
	} {
		h := header
		h.Chosen = c
		r, err := Run(h, without(events, c), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Differ != 0 || r.Agree+r.Undetermined == 0 {
			t.Errorf("%v: %+v", c, r.Tally)
		}
		checkChosenParts(t, h, events, c)
		h.Chosen = nil
		if r, err = Run(h, without(events, c), Options{}); err != nil {
			t.Fatal(err)
		}
		deceived = deceived || r.Differ != 0
	}
	if !deceived {
		t.Error("nothing differs without the header's word either: this test shows nothing")
	}
}

// TestUnhookedDriverIsUnknown takes a device model's server out of a trace that agrees, as
// if a driver had made it that was not hooked.
func TestUnhookedDriverIsUnknown(t *testing.T) {
	h, all := sample(t)
	made := map[uint64]bool{}
	var events []format.Event
	for _, e := range all {
		switch e.Kind {
		case format.KindDMOpEnter:
			op := e.DMOpEnter()
			made[op.ID] = op.Op.Op == xen.OpCreateIOReqServer
			if made[op.ID] {
				continue
			}
		case format.KindDMOpReturn:
			if made[e.DMOpReturn().ID] {
				continue
			}
		}
		if !e.Kind.InKeyFrame() {
			events = append(events, e)
		}
	}
	seq := func(yield func(format.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
	r, err := Run(h, seq, Options{})
	if err != nil || r.Differ == 0 {
		t.Fatalf("want differences without the header's word, or this test shows nothing: %+v, %v", r.Tally, err)
	}
	h.Unhooked = []string{"xengt-gvt: no such function"}
	r, err = Run(h, seq, Options{})
	if err != nil || r.Differ != 0 || r.Undetermined == 0 {
		t.Errorf("want no difference, got %+v, %v", r.Tally, err)
	}
}

// checkChosenParts replays the trace with key-frames.
func checkChosenParts(t *testing.T, h format.Header, events []format.Event, c *format.Choice) {
	t.Helper()
	var kept []format.Event
	for e := range without(events, c) {
		kept = append(kept, e)
	}
	all := framed(t, h, kept, func(_ *Mirror, e format.Event) bool { return e.Seq%10_000 < 2 })
	r, _ := runAll(t, h, all, Options{})
	if r.KeyFrames == 0 || r.KeyFrameMismatches != 0 || r.Differ != 0 {
		t.Errorf("%v: %d key-frames, %d contradicted, %+v", c, r.KeyFrames, r.KeyFrameMismatches, r.Tally)
	}
}

// TestForgettingOnceIsEnough compares a session that forgets only what may have changed
// since it last did with one that forgets before each event.
func TestForgettingOnceIsEnough(t *testing.T) {
	h, events := generated(t, 10_000)
	for i := range events {
		if e := &events[i]; e.Seq%3 == 0 && (e.Kind == format.KindIOReq || e.Kind == format.KindIOResp) {
			e.Server = xen.NoServer
		}
	}
	for _, c := range []format.Choice{
		{Kinds: []string{"ioreq", "ioresp"}},
		{Kinds: []string{"ioreq", "ioresp", "buf_ioreq", "dm_op_enter", "dm_op_return"}},
		{Servers: []xen.ServerID{0}},
	} {
		h.Chosen, h.Partial = &c, true
		var reports [2]Report
		for i := range reports {
			s, err := begin(h, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for e := range without(events, &c) {
				if i == 1 {
					s.changes++
				}
				s.take(&e)
			}
			s.finish()
			reports[i] = s.report
		}
		if reports[0].Agree+reports[0].Undetermined == 0 || !reflect.DeepEqual(reports[0], reports[1]) {
			t.Errorf("chosen %v: a session that forgets once reports %+v\none that forgets each time %+v", &c, reports[0], reports[1])
		}
	}
}
