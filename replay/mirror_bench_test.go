package replay

import (
	"math/rand/v2"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// benchSession is what a recorder sees of a busy guest: requests with their
// event channels and notifications, a clock now and then.
func benchSession(n int) []format.Event {
	t := &tape{}
	t.server(dom, 0, 0x60, 0x64)
	rng := rand.New(rand.NewPCG(1, 1))
	for len(t.events) < n {
		v := xen.VCPU(rng.IntN(4))
		t.add(format.PortEvent{Port: 9}.Event(format.KindEvtchnInterrupt, 0))
		t.add(format.PortEvent{Dom: dom, Port: 9}.Event(format.KindEvtchnRead, 0))
		q := t.in(dom, 0, v, 0x60)
		t.out(q)
		id := t.id()
		t.add(format.IoctlEnter{Dom: dom, ID: id, Cmd: xen.EvtchnNotify, Arg: 9}.Event(0))
		t.add(format.IoctlReturn{Dom: dom, ID: id}.Event(0))
		t.add(format.PortEvent{Dom: dom, Port: 9}.Event(format.KindEvtchnUnmask, 0))
		if rng.IntN(1000) == 0 {
			t.add(format.Clock{}.Event(0))
		}
	}
	return t.events
}

// BenchmarkMirror is what a recorder pays for its key-frames, an event.
func BenchmarkMirror(b *testing.B) {
	events := benchSession(300_000)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		m, err := NewMirror(header)
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			if m.Due(e) {
				m.KeyFrame(e.Time)
			}
			m.Step(e)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(events))/b.Elapsed().Seconds()/1e6, "Mevent/s")
}

// BenchmarkKeyFrame makes a key-frame of a domain with many typed pages and
// ranges, and starts anew there.
func BenchmarkKeyFrame(b *testing.B) {
	t := &tape{}
	t.server(dom, 0, 0x60, 0x64)
	t.dm(dom, claimOf(0), xen.OK)
	for g := range xen.GFN(8000) {
		t.dm(dom, xen.SetMemType{Type: xen.MemIOReqServer, First: 3 * g, Nr: 1}, xen.OK)
	}
	m, err := NewMirror(header)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range t.events {
		m.Step(e)
	}
	b.ResetTimer()
	n := 0
	for range b.N {
		n = len(m.KeyFrame(1e12))
	}
	b.ReportMetric(float64(n), "events")
}
