package record

import (
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestPortToldBehindItsRead has a capture begin to know a port while a request waits for
// its answer: the read was seen, as of a port of which nothing is known, and is not missed.
func TestPortToldBehindItsRead(t *testing.T) {
	h := newByHand(t)
	if err := h.coll.Maps[fentryMapPorts].Put(uint32(handPort), &fentryPort{}); err != nil {
		t.Fatal(err)
	}
	h.put(xen.IOReq{EPort: handRemote, State: xen.StateReady, Size: 1, Count: 1})
	h.read()
	s := &snapshot{probes: &probes{coll: h.coll}}
	if err := s.tellPort(format.PortFound{Dom: testDom, Local: handPort, RemoteInDom: handRemote}); err != nil {
		t.Fatal(err)
	}
	h.unmask()
	h.notify()
	got, want := kindsOf(h.decode(newDecoder())), []format.Kind{
		format.KindEvtchnRead, format.KindIOReq, format.KindEvtchnUnmask, format.KindIOResp,
	}
	if !slices.Equal(got, want) {
		t.Errorf("want %v\ngot %v", want, got)
	}
}
