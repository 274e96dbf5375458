package gen

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// rules are what holds of every recording, checked event by event without a
// model: ids, calls, slots, processes, ports, rings.
type rules struct {
	tb       testing.TB
	n        uint64
	last     uint64
	behind   int // events whose time is before that of an earlier one
	id       uint64
	calls    map[uint64]format.Kind // of the return that is due
	requests map[uint64]format.IOReq
	waiting  map[vcpuKey]int // requests that are not answered
	process  map[uint32]bool
	slots    map[serverKey]uint64 // seen in the ring
	counts   [256]int
	dmops    map[xen.DMOpCode]int
	types    map[xen.IOReqType]int
	ended    bool // the last event was a reading of the clocks
}

type vcpuKey struct {
	dom  xen.DomID
	vcpu xen.VCPU
}

type serverKey struct {
	dom    xen.DomID
	server xen.ServerID
}

func newRules(tb testing.TB) *rules {
	return &rules{
		tb: tb, calls: map[uint64]format.Kind{}, requests: map[uint64]format.IOReq{}, waiting: map[vcpuKey]int{},
		process: map[uint32]bool{}, slots: map[serverKey]uint64{}, dmops: map[xen.DMOpCode]int{}, types: map[xen.IOReqType]int{},
	}
}

func (r *rules) bad(e format.Event, why string) {
	r.tb.Helper()
	r.tb.Fatalf("%s: %s", why, format.AppendText(nil, e))
}

func (r *rules) add(e format.Event) {
	r.tb.Helper()
	if e.Seq != r.n {
		r.bad(e, "not the next sequence number")
	}
	r.n++
	r.counts[e.Kind]++
	if e.Time < r.last {
		r.behind++
		if r.last-e.Time > skewNS {
			r.bad(e, "more out of order than clocks can be")
		}
	}
	r.last = max(r.last, e.Time)
	r.ended = e.Kind == format.KindClock
	switch e.Kind {
	case format.KindProcess:
		if pid := e.Process().PID; r.process[pid] {
			r.bad(e, "the process is there already")
		} else {
			r.process[pid] = true
		}
	case format.KindProcessExit:
		delete(r.process, e.ProcessExit().PID)
	case format.KindDMOpEnter, format.KindHypercallEnter, format.KindMmapResourceEnter, format.KindIoctlEnter:
		r.enter(e)
	case format.KindDMOpBuf:
		if r.calls[e.DMOpBuf().ID] != format.KindDMOpReturn {
			r.bad(e, "no such call")
		}
	case format.KindDMOpReturn, format.KindHypercallReturn, format.KindIoctlReturn:
		r.leave(e)
	case format.KindIOReq, format.KindIOResp:
		r.slot(e)
	case format.KindBufIOReq:
		b := e.BufIOReq()
		r.fresh(e, b.ID)
		r.slots[serverKey{b.Dom, b.Server}] += 1 + uint64(b.Size/8)
	case format.KindRingCount:
		c := e.RingCount()
		if at := (serverKey{c.Dom, c.Server}); r.slots[at] != c.Captured || c.Lost != 0 {
			r.bad(e, "the account of the ring is wrong")
		} else {
			delete(r.slots, at)
		}
	}
}

// fresh wants the next id.
func (r *rules) fresh(e format.Event, id uint64) {
	r.tb.Helper()
	if r.id++; id != r.id {
		r.bad(e, "not the next id")
	}
}

var returns = map[format.Kind]format.Kind{
	format.KindDMOpEnter: format.KindDMOpReturn, format.KindHypercallEnter: format.KindHypercallReturn,
	format.KindMmapResourceEnter: format.KindIoctlReturn, format.KindIoctlEnter: format.KindIoctlReturn,
}

func (r *rules) enter(e format.Event) {
	r.tb.Helper()
	r.fresh(e, e.W[0])
	if !r.process[uint32(e.W[1])] {
		if int(r.n) > 3*maxTurn {
			r.bad(e, "the process is not known")
		}
	}
	r.calls[e.W[0]] = returns[e.Kind]
	if e.Kind == format.KindDMOpEnter {
		r.dmops[e.DMOpEnter().Op.Op]++
	}
}

func (r *rules) leave(e format.Event) {
	r.tb.Helper()
	if r.calls[e.W[0]] != e.Kind {
		r.bad(e, "a return without its entry")
	}
	delete(r.calls, e.W[0])
}

func (r *rules) slot(e format.Event) {
	r.tb.Helper()
	q := e.IOReq()
	at := vcpuKey{q.Dom, q.VCPU}
	if e.Kind == format.KindIOReq {
		r.fresh(e, q.ID)
		if q.Req.State != xen.StateReady {
			return
		}
		if r.waiting[at]++; r.waiting[at] > 1 {
			r.bad(e, "the vCPU waits for another answer")
		}
		r.types[q.Req.Type]++
		r.requests[q.ID] = q
		return
	}
	was, ok := r.requests[q.ID]
	if !ok || q.Req.State != xen.StateRespReady || was.Server != q.Server || was.VCPU != q.VCPU || was.Req.Addr != q.Req.Addr {
		r.bad(e, "an answer without its request")
	}
	delete(r.requests, q.ID)
	r.waiting[at]--
}

// end checks what holds of a whole trace.
func (r *rules) end(events uint64) {
	r.tb.Helper()
	if r.n != events {
		r.tb.Fatalf("%d events, want %d", r.n, events)
	}
	if len(r.calls) != 0 || len(r.requests) != 0 || !r.ended {
		r.tb.Fatalf("left over: %d calls, %d requests; ends with clocks: %v", len(r.calls), len(r.requests), r.ended)
	}
	for at, n := range r.slots {
		r.tb.Fatalf("%v: the account of %d slots was not closed", at, n)
	}
}

// obeyed checks cfg's session against the rules.
func obeyed(tb testing.TB, cfg Config) *rules {
	tb.Helper()
	r := newRules(tb)
	for e := range generate(tb, cfg).Events() {
		r.add(e)
	}
	r.end(cfg.Events)
	return r
}
