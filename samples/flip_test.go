package samples

import (
	"iter"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/replay"
)

// flips is how many events of a sample get a changed bit, spread over the trace.
const flips = 40

func load(t *testing.T, name string) (format.Header, []format.Event, map[uint64]bool) {
	t.Helper()
	tr := open(t, name)
	var events []format.Event
	for e, err := range tr.Events() {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	agreed := map[uint64]bool{}
	_, err := replay.Run(tr.Header(), sequence(events), replay.Options{OnVerdict: func(v replay.Verdict) {
		if v.Kind == replay.Agree {
			agreed[v.Event] = true
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return tr.Header(), events, agreed
}

func sequence(events []format.Event) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// flip changes the lowest bit of what e records of Xen's decision: the receiver
// of a request, the return value of a dm_op.
func flip(e *format.Event) bool {
	switch e.Kind {
	case format.KindIOReq, format.KindBufIOReq:
		e.Server ^= 1
	case format.KindDMOpReturn:
		e.W[1] ^= 1
	default:
		return false
	}
	return true
}

// TestOneBitIsOneDifference changes one bit of a recorded decision that agreed,
// and demands that replay names that very event first.
func TestOneBitIsOneDifference(t *testing.T) {
	for name := range readme(t) {
		t.Run(name, func(t *testing.T) {
			h, events, agreed := load(t, name)
			var at []int
			for i, e := range events {
				if agreed[e.Seq] && flip(&e) {
					at = append(at, i)
				}
			}
			if len(at) == 0 {
				t.Fatal("no verdict to contradict")
			}
			for n := range min(flips, len(at)) {
				i := at[n*len(at)/min(flips, len(at))]
				was := events[i]
				flip(&events[i])
				rep, err := replay.Run(h, sequence(events), replay.Options{})
				events[i] = was
				if err != nil {
					t.Fatal(err)
				}
				if rep.FirstDifference == nil || rep.FirstDifference.Event != was.Seq {
					t.Errorf("event %d (%v) changed: first difference is %v", was.Seq, was.Kind, rep.FirstDifference)
				}
			}
		})
	}
}
