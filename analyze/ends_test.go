package analyze

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestEnds asks which events end what a Meter has seen begin: a request of process 9,
// number 7, and a call, number 8.
func TestEnds(t *testing.T) {
	request := format.IOReq{Dom: 1, Server: 2, ID: 7, Caller: format.Caller{PID: 9}, Req: xen.IOReq{State: xen.StateReady}}
	begun := []format.Event{request.Event(format.KindIOReq, 1), format.IoctlEnter{ID: 8}.Event(2)}
	answer, other := request.Event(format.KindIOResp, 3), format.IOReq{ID: 6}.Event(format.KindIOResp, 3)
	for _, c := range []struct {
		e    format.Event
		ends bool
	}{
		{answer, true}, {other, false}, {begun[0], false}, {begun[1], false},
		{format.IoctlReturn{ID: 8}.Event(3), true}, {format.IoctlReturn{ID: 7}.Event(3), false},
		{format.ProcessExit{PID: 9}.Event(3), true}, {format.ProcessExit{PID: 8}.Event(3), false},
	} {
		var m Meter
		if m.Ends(&c.e) {
			t.Errorf("%v ends something where nothing has begun", c.e.Kind)
		}
		for i := range begun {
			m.Add(&begun[i])
		}
		if got := m.Ends(&c.e); got != c.ends {
			t.Errorf("%v: %v, want %v", c.e, got, c.ends)
		}
		if m.Add(&c.e); c.ends && m.Ends(&c.e) {
			t.Errorf("%v ends it twice", c.e.Kind)
		}
	}
}
