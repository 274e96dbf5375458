package analyze

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestOpenRequestsEnd leaves requests without an answer, of a process that lives on, and
// asks how many are open when something has ended them, or has not: their server or domain
// is destroyed, or another request comes to their slot, which happens where an answer was
// lost and where others have the numbers of the server and the domain.
func TestOpenRequestsEnd(t *testing.T) {
	request := func(dom xen.DomID, server xen.ServerID, vcpu xen.VCPU, id uint64) format.Event {
		q := format.IOReq{Dom: dom, Server: server, VCPU: vcpu, ID: id, Caller: format.Caller{PID: 9}, Req: xen.IOReq{State: xen.StateReady}}
		return q.Event(format.KindIOReq, id)
	}
	destroy := func(server xen.ServerID, ret int64) []format.Event {
		return []format.Event{
			format.DMOpEnter{Dom: 1, ID: 90, Known: true, Op: xen.NewDMOp(xen.DestroyIOReqServer{ID: server})}.Event(90),
			format.DMOpReturn{Dom: 1, ID: 90, Ret: ret}.Event(91),
		}
	}
	domctl := func(sub uint64, ret int64) []format.Event {
		return []format.Event{
			format.HypercallEnter{Dom: 1, ID: 90, Nr: xen.HyperDomctl, Sub: sub}.Event(90),
			format.HypercallReturn{Dom: 1, ID: 90, Ret: ret}.Event(91),
		}
	}
	open := []format.Event{request(1, 2, 0, 1), request(1, 2, 1, 2), request(1, 3, 0, 3), request(2, 2, 0, 4)}
	for _, c := range []struct {
		name string
		then []format.Event
		open int
	}{
		{"nothing", nil, 4},
		{"the server is destroyed", destroy(2, 0), 2},
		{"it is not, for the call failed", destroy(2, -3), 4},
		{"another server is", destroy(4, 0), 4},
		{"the domain is destroyed", domctl(2, 0), 1},
		{"it is not, for the call failed", domctl(2, -11), 4},
		{"it is paused", domctl(3, 0), 4},
		{"the slot has another", []format.Event{request(1, 2, 0, 5)}, 4},
		{"and another", []format.Event{request(1, 2, 0, 5), request(1, 2, 1, 6), request(1, 2, 0, 7)}, 4},
		{"the same in a key-frame", []format.Event{format.OpenEvent(open[0])}, 4},
		{"unknown slots have more", []format.Event{request(1, xen.NoServer, 0, 5), request(1, xen.NoServer, 0, 6), request(1, 2, xen.NoVCPU, 7), request(1, 2, xen.NoVCPU, 8)}, 8},
	} {
		var m Meter
		for _, e := range append(open[:len(open):len(open)], c.then...) {
			m.Add(&e)
		}
		n := 0
		for _, s := range m.Load(1, 10).Servers {
			n += s.Unanswered
		}
		if n != c.open {
			t.Errorf("%s: %d are open, want %d", c.name, n, c.open)
		}
	}
}

// TestIdleServersGo: a server that was destroyed is in no later report.
func TestIdleServersGo(t *testing.T) {
	var m Meter
	for _, e := range []format.Event{
		format.IOReq{Dom: 1, Server: 2, ID: 1, Req: xen.IOReq{State: xen.StateReady}}.Event(format.KindIOReq, 1),
		format.HypercallEnter{Dom: 1, ID: 2, Nr: xen.HyperDomctl, Sub: 2}.Event(2),
		format.HypercallReturn{Dom: 1, ID: 2}.Event(3),
	} {
		m.Add(&e)
	}
	if l := m.Load(1, 10); len(l.Servers) != 1 || len(l.Domains) != 1 {
		t.Errorf("%+v, want what was done", l)
	}
	m.Reset()
	if l := m.Load(1, 10); len(l.Servers) != 0 || len(l.Domains) != 0 {
		t.Errorf("%+v, want nothing", l)
	}
}
