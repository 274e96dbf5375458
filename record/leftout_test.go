//go:build linux && amd64

package record

import (
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestAnswerGoesTheWayOfItsRequest has Xen take answers before the device model makes its
// call for them, as it may after a broadcast: the slot then has the vCPU's next request,
// which may be wanted, too, or not.
func TestAnswerGoesTheWayOfItsRequest(t *testing.T) {
	slot := func(port uint64, state xen.State) xen.IOReq {
		return xen.IOReq{Type: xen.TypePIO, Addr: port, Size: 1, Count: 1, EPort: handRemote, State: state}
	}
	const wanted, other = 0x3f8, 0x70
	free, ready, done := xen.StateNone, xen.StateReady, xen.StateRespReady
	h, d := newByHand(t, func(s *fentrySettings) {
		s.add(uint32(xen.TypePIO), format.Span{First: wanted, Last: wanted + 7})
	}), newDecoder()
	for _, c := range []struct {
		name     string
		in, out  xen.IOReq // what the read and the notify find
		recorded string
	}{
		{"wanted", slot(wanted, ready), slot(wanted, done), "ioreq ioresp"},
		{"not wanted", slot(other, ready), slot(other, done), ""},
		{"wanted and taken", slot(wanted, ready), slot(wanted, free), "ioreq ioresp"},
		{"wanted, and the next is not", slot(wanted, ready), slot(other, ready), "ioreq ioresp"},
		{"not wanted, and the next is", slot(other, ready), slot(wanted, ready), ""},
		{"came behind the look, wanted", slot(other, free), slot(wanted, done), "ioreq ioreq ioresp"},
		{"came behind the look, not wanted", slot(wanted, free), slot(other, done), "ioreq"},
		{"came behind the look, and the next is not wanted", slot(wanted, free), slot(other, ready), "ioreq lost ioresp"},
	} {
		h.request(slot(wanted, ready)) // nothing is left of the case before
		h.decode(d)
		var got []string
		h.put(c.in)
		h.event()
		h.read()
		h.unmask()
		h.put(c.out)
		h.notify()
		for _, e := range h.decode(d) {
			switch e.Kind {
			case format.KindIOReq, format.KindIOResp, format.KindLost:
				got = append(got, e.Kind.String())
			}
		}
		if got := strings.Join(got, " "); got != c.recorded {
			t.Errorf("%s: recorded %q, want %q", c.name, got, c.recorded)
		}
	}
}
