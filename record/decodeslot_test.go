package record

import (
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestAnswerThatXenHasTaken: Xen may have taken an answer before the device model notifies
// it, and have put the vCPU's next request there. That the slot has the same request as
// before says nothing.
func TestAnswerThatXenHasTaken(t *testing.T) {
	q := xen.IOReq{Addr: 0x5678, Size: 4, Count: 1, EPort: 9, Type: xen.TypePIO, State: xen.StateReady}
	free, done, next := q, q, q
	free.State, done.State, next.Addr = xen.StateNone, xen.StateRespReady, 0x567c
	in := func(q xen.IOReq) []byte { return rawSlot(rawSlotIn, 1, 1, q) }
	out := func(q xen.IOReq) []byte { return rawSlot(rawSlotOut, 1, 1, q) }
	for _, c := range []struct {
		what     string
		raw      [][]byte
		answered []bool // the requests, in order
		lost     uint64
	}{
		{"the slot is free", [][]byte{in(q), out(free)}, []bool{true}, 0},
		{"it has the next request", [][]byte{in(q), out(next), in(next)}, []bool{true, false}, 0},
		{"which is answered", [][]byte{in(q), out(next), in(next), out(done)}, []bool{true, true}, 0},
		{"it has the same request", [][]byte{in(q), out(q)}, []bool{false}, 0},
		{"which is answered then", [][]byte{in(q), out(q), out(done)}, []bool{true}, 0},
		{"the request came unseen", [][]byte{in(free), out(free)}, nil, 1},
		{"and the next one is there", [][]byte{in(free), out(next), in(next), out(done)}, []bool{true}, 1},
		{"a second notification", [][]byte{in(q), out(done), out(free), out(next)}, []bool{true}, 0},
	} {
		var answered []bool
		var lost uint64
		of := map[uint64]int{}
		for _, e := range decodeAll(newDecoder(), c.raw...) {
			switch r := e.IOReq(); {
			case e.Kind == format.KindLost && e.Lost().Probe == format.ProbeIOReq:
				lost += e.Lost().Count
			case e.Kind == format.KindIOReq && r.Req.State == xen.StateReady:
				of[r.ID] = len(answered)
				answered = append(answered, false)
			case e.Kind == format.KindIOResp:
				if i, ok := of[r.ID]; ok {
					answered[i] = true
				}
			}
		}
		if !slices.Equal(answered, c.answered) || lost != c.lost {
			t.Errorf("%s: answered %v, %d lost; want %v, %d", c.what, answered, lost, c.answered, c.lost)
		}
	}
}
