package rewrite

import (
	"errors"
	"iter"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// numbered gives the events numbers as a trace has them.
func numbered(events []format.Event) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		next := uint64(0)
		for _, e := range events {
			e.Seq = next
			if !e.Kind.InKeyFrame() {
				next++
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// texts returns the events of domain 1 as text.
func texts(t *testing.T, events []format.Event) (lines []string) {
	t.Helper()
	for e, err := range OfDomain(1, numbered(events)) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(format.AppendText(nil, e)))
	}
	return lines
}

func TestOfDomain(t *testing.T) {
	lost := format.Lost{Dom: 2, Server: xen.NoServer, Count: 4}.Event(6)
	call := format.HypercallEnter{Dom: xen.DomInvalid, ID: 5, Nr: xen.HyperDomctl}.Event(7)
	got := texts(t, []format.Event{
		format.KeyFrame{Count: 3, Lost: 9}.Event(1),
		format.StateDomain{Dom: 1}.Event(1),
		format.StateDomain{Dom: 2}.Event(1),
		format.Process{PID: 7}.Event(2),                        // about none
		format.DMOpEnter{Dom: 1, ID: 3}.Event(3),               // kept, and its return with it
		format.DMOpEnter{Dom: 2, ID: 4}.Event(4),               // not
		format.DMOpBuf{Dom: xen.DomInvalid, ID: 4}.Event(4),    // a call's buffers go with it
		format.DMOpReturn{Dom: xen.DomInvalid, ID: 3}.Event(5), // whatever domain it names
		format.DMOpReturn{Dom: xen.DomInvalid, ID: 4}.Event(5), //
		format.DMOpReturn{Dom: 1, ID: 4}.Event(5),              // of nothing any more: its domain counts
		lost,
		call,
		format.KeyFrame{Count: 5, Lost: 13}.Event(8),
		format.StateDomain{Dom: 2}.Event(8),
		format.OpenEvent(call),
		format.StateCall{ID: 5}.Event(8),
		format.StateDomain{Dom: 1}.Event(8),
		format.KeyFrame{Count: 2, Lost: 13}.Event(8), // one right behind another
		format.StateDomain{Dom: 2}.Event(8),
	})
	want := []string{
		"=0 0.000000001 keyframe count=2 lost=9",
		"=0 0.000000001 state_domain dom=1",
		"0 0.000000002 process pid=7",
		"1 0.000000003 dm_op_enter dom=1 id=3",
		"4 0.000000005 dm_op_return id=3",
		"6 0.000000005 dm_op_return dom=1 id=4",
		"8 0.000000007 hypercall_enter id=5",
		"=9 0.000000008 keyframe count=4 lost=9",
		"=9 0.000000007 open_hypercall_enter id=5",
		"=9 0.000000008 state_call id=5",
		"=9 0.000000008 state_domain dom=1",
		"=9 0.000000008 keyframe count=1 lost=9",
	}
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d:\n%q", len(got), len(want), got)
	}
	for i, line := range got {
		if len(line) < len(want[i]) || line[:len(want[i])] != want[i] {
			t.Errorf("event %d is %s, want %s", i, line, want[i])
		}
	}
}

// TestOfDomainPassesErrorsOn has a trace end in the middle of a key-frame, whose
// beginning is passed on in front of the error.
func TestOfDomainPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	events := func(yield func(format.Event, error) bool) {
		_ = yield(format.KeyFrame{Count: 3}.Event(1), nil) && yield(format.StateDomain{Dom: 1}.Event(1), nil) && yield(format.Event{}, broken)
	}
	n := 0
	for _, err := range OfDomain(1, events) {
		if n++; err != nil && !(n == 3 && err == broken) || n > 3 {
			t.Errorf("%d: %v", n, err)
		}
	}
	if n != 3 {
		t.Errorf("%d events and errors, want 3", n)
	}
	for range OfDomain(1, events) {
		break // a reader that has seen enough
	}
}
