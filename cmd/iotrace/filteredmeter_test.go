package main

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestFilteredMeterAsksAboutOpenRequests begins with a key-frame in which two requests
// have no answer: what the filter says of a request it says of its copy there.
func TestFilteredMeterAsksAboutOpenRequests(t *testing.T) {
	request := func(id, addr uint64) format.IOReq {
		return format.IOReq{Dom: 1, Server: 2, ID: id, Req: xen.IOReq{Type: xen.TypePIO, Addr: addr, State: xen.StateReady}}
	}
	wanted, other := request(1, 0x60), request(2, 0x64)
	var m filteredMeter
	if err := m.filter.Set("kind==ioreq && addr==0x60"); err != nil {
		t.Fatal(err)
	}
	add := func(e format.Event) { m.Add(&e) }
	add(format.OpenEvent(wanted.Event(format.KindIOReq, 1)))
	add(format.OpenEvent(other.Event(format.KindIOReq, 2)))
	if l := m.Load(10, allRows); l.Events != 0 || len(l.Servers) != 1 || l.Servers[0].Unanswered != 1 {
		t.Errorf("%+v, want one request without an answer", l)
	}
	add(other.Event(format.KindIOResp, 3))
	add(wanted.Event(format.KindIOResp, 4))
	if l := m.Load(10, allRows); l.Events != 1 || l.Servers[0].Answers != 1 || l.Servers[0].Unanswered != 0 {
		t.Errorf("%+v, want one answer", l)
	}
}

// TestFilteredMeterSeesServersEnd destroys a server with a request that the filter let
// pass: what destroys it is not counted, but heeded.
func TestFilteredMeterSeesServersEnd(t *testing.T) {
	var m filteredMeter
	if err := m.filter.Set("kind==ioreq"); err != nil {
		t.Fatal(err)
	}
	for _, e := range []format.Event{
		format.IOReq{Dom: 1, Server: 2, ID: 1, Req: xen.IOReq{State: xen.StateReady}}.Event(format.KindIOReq, 1),
		format.DMOpEnter{Dom: 1, ID: 2, Known: true, Op: xen.NewDMOp(xen.DestroyIOReqServer{ID: 2})}.Event(2),
		format.DMOpReturn{Dom: 1, ID: 2}.Event(3),
	} {
		m.Add(&e)
	}
	if l := m.Load(10, allRows); l.Events != 1 || len(l.Servers) != 1 || l.Servers[0].Unanswered != 0 || len(l.Domains) != 0 {
		t.Errorf("%+v, want one request that nobody will answer", l)
	}
}
