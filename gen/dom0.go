package gen

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// When a session begins, by the clocks of its host.
const (
	startNS = 10_000_000_000
	wallNS  = 1_767_225_600_000_000_000 // 2026-01-01
)

// The ports by which xenstored and dom0's kernel talk.
const (
	storePort  xen.Port = 21
	kernelPort xen.Port = 6
)

// xenstored is the process that keeps the store.
var xenstored = format.Caller{PID: 900, TID: 900}

// clock is the turn that reads the clocks, once a second.
func clock(s *stream) {
	s.add(clockAt(s.now))
	s.sleep(1e9)
}

// store returns the turns of xenstored.
func (h *host) store() func(*stream) {
	period := max(50e6, 500*1e9/h.cfg.Rate) // a small part of the rate
	known := false
	return func(s *stream) {
		if !known {
			s.add(format.PortFound{Local: kernelPort, RemoteInDom: storePort}.Event(0))
			s.add(format.PortFound{Local: storePort, RemoteInDom: kernelPort}.Event(0))
			s.add(format.Process{PID: xenstored.PID, Comm: "xenstored"}.Event(0))
			known = true
		}
		s.storeTalk(xenstored)
		s.sleep(h.dice.between(period/2, period*3/2))
	}
}

// storeTalk is one exchange of xenstored with a client in dom0.
func (s *stream) storeTalk(by format.Caller) {
	s.interrupt(storePort)
	s.wait(20_000)
	s.add(format.PortEvent{Port: storePort, Caller: by}.Event(format.KindEvtchnRead, 0))
	s.wait(2_000)
	s.add(format.PortEvent{Port: storePort, Caller: by}.Event(format.KindEvtchnUnmask, 0))
	for range s.host.dice.between(1, 3) {
		s.wait(10_000)
		s.ioctl(xen.Dom0, by, xen.EvtchnNotify, uint64(storePort), 0)
	}
}

// clockAt is a reading of all clocks. The TSC has 2.8 GHz.
func clockAt(t uint64) format.Event {
	since := t - startNS
	return format.Clock{
		WallNS: wallNS + since, RawNS: t - startNS/8 - since>>20, TSC: t/5*14 + 4_200_000_000, XenNS: t + 7_340_000_000,
	}.Event(t)
}

// finish closes the trace.
func (h *host) finish(yield func(format.Event) bool) {
	s := &stream{host: h, now: h.last}
	tail := 1 + uint64(len(h.rings))
	for h.emitted+h.queued+tail+2 <= h.cfg.Events {
		s.wait(50_000)
		s.domctl(xen.Dom0, xenstored, xen.DomctlGetInfo)
	}
	if h.emitted+h.queued+tail < h.cfg.Events {
		s.wait(50_000)
		s.interrupt(storePort)
	}
	s.wait(50_000)
	for _, m := range h.rings {
		s.add(m.account())
	}
	s.add(clockAt(s.now))
	for s.head < len(s.queue) {
		if !h.emit(s.pop(), yield) {
			return
		}
	}
}
