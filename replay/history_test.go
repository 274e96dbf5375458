package replay

import (
	"testing"
	"unsafe"

	"github.com/iotrace-xen/iotrace/format"
)

// TestStepAsksWhatItsEventDid: a step keeps of an event all that the model and
// the judge look at, and is no larger than a cache line.
func TestStepAsksWhatItsEventDid(t *testing.T) {
	if n := unsafe.Sizeof(step{}); n > 64 {
		t.Errorf("a step has %d bytes", n)
	}
	_, events := generated(t, 20_000)
	seen := map[format.Kind]int{}
	for i := range events {
		e := &events[i]
		var st step
		var first, again trial
		switch e.Kind {
		case format.KindIOReq:
			first.slot.Unpack(e)
			first.askRequest()
			st.slot(e)
		case format.KindIOResp:
			first.slot.Unpack(e)
			first.askAnswer()
			st.slot(e)
		case format.KindBufIOReq:
			first.ring.Unpack(e)
			first.askRing()
			st.ring(e)
		default:
			continue
		}
		seen[e.Kind]++
		again.ask(&st)
		if again.op != first.op || *again.rec != *first.rec {
			t.Fatalf("%s\nfirst %+v\nagain %+v", format.AppendText(nil, *e), first.op, again.op)
		}
	}
	if len(seen) != 3 {
		t.Errorf("not all kinds were met: %v", seen)
	}
}

// TestPastServesAgain: the room of a past that ends is the room of the next, and
// its calls are free but for those that have not returned.
func TestPastServesAgain(t *testing.T) {
	s := &session{pasts: newPasts()}
	old, done, open := &domain{}, &call{left: true}, &call{}
	old.past.rewrite(append(make([]step, 0, 128), step{}, step{call: done}, step{call: open, early: true}))
	s.bury(old)
	if len(s.spare) != 1 || s.spare[0] != done {
		t.Errorf("%d calls are free", len(s.spare))
	}
	var next, third history
	if s.pasts.begin(&next); cap(next.steps) != 128 || len(next.steps) != 0 || old.past.steps != nil {
		t.Errorf("%d steps in a room for %d", len(next.steps), cap(next.steps))
	}
	if s.pasts.begin(&third); third.steps != nil {
		t.Error("one room serves two pasts")
	}
}
