package replay

import (
	"errors"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestExplainHasTheVerdict explains each event of a session that has one: the
// path is there, and the verdict is that of a replay of the whole.
func TestExplainHasTheVerdict(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.do(dom, 0, 0, 0x60)
	tp.dm(dom, mapping(0, xen.SpacePort, 0x64, 0x70), xen.EExist)
	tp.do(dom, 0, 0, 0x70) // nobody's
	_, vs := tp.replay(t)
	for _, v := range vs {
		x, err := Explain(header, tp.seq2(), func(e format.Event) bool { return e.Seq == v.Event }, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if x.Verdict == nil || *x.Verdict != v || len(x.Reasons) == 0 || x.Kind != v.EventKind || x.Dom != dom {
			t.Errorf("%+v, want %+v", x, v)
		}
	}
}

func TestExplainOfAnEntryHasNoVerdict(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	x, err := Explain(header, tp.seq2(), func(e format.Event) bool { return e.Kind == format.KindDMOpEnter }, Options{})
	if err != nil || x.Verdict != nil || len(x.Reasons) == 0 {
		t.Errorf("%+v %v", x, err)
	}
}

// TestExplainPassesOver asks from a clock on, behind which an event without a path
// and a request come.
func TestExplainPassesOver(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	clock := tp.add(format.Clock{}.Event(0)).Seq
	tp.do(dom, 0, 0, 0x60)
	x, err := Explain(header, tp.seq2(), func(e format.Event) bool { return e.Seq >= clock }, Options{})
	if err != nil || x.Kind != "ioreq" {
		t.Errorf("%+v %v", x, err)
	}
}

// TestExplainOfNothing: a look at a slot that had no request says nothing of Xen.
func TestExplainOfNothing(t *testing.T) {
	for _, state := range []xen.State{xen.StateNone, xen.StateInProcess} {
		tp := &tape{}
		tp.server(dom, 0, 0x60, 0x64)
		seq := tp.add(format.IOReq{Dom: dom, ID: 900, Req: xen.IOReq{State: state}}.Event(format.KindIOReq, 0)).Seq
		if x, err := Explain(header, tp.seq2(), func(e format.Event) bool { return e.Seq == seq }, Options{}); !errors.Is(err, ErrNoPath) {
			t.Errorf("state %v: %v %+v", state, err, x)
		}
	}
}

func TestExplainErrors(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	clock := tp.add(format.Clock{}.Event(0)).Seq
	if _, err := Explain(header, tp.seq2(), func(e format.Event) bool { return e.Seq == clock }, Options{}); !errors.Is(err, ErrNoPath) {
		t.Error(err)
	}
	if _, err := Explain(header, tp.seq2(), func(format.Event) bool { return false }, Options{}); !errors.Is(err, ErrNoEvent) {
		t.Error(err)
	}
	if _, err := Explain(format.Header{}, tp.seq2(), nil, Options{}); err == nil {
		t.Error("no profile, and no error")
	}
}
