package flight

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/filter"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// ringFull fires when one look at a buffered ring found as many new entries as a
// ring holds (511 slots), or when entries were gone before they were seen. Xen
// sends a request synchronously while the ring is full, and dom0 does not see why.
// The entries of one look are events in a row with the same time.
type ringFull struct {
	dom    xen.DomID
	server xen.ServerID
	time   uint64
	slots  int
	lost   uint64
}

func (r *ringFull) why() string {
	if r.lost > 0 {
		return fmt.Sprintf("the ring of dom%d server %s lost %d slots", r.dom, r.server, r.lost)
	}
	return fmt.Sprintf("the ring of dom%d server %s had %d new slots", r.dom, r.server, r.slots)
}

func (r *ringFull) watch(e *format.Event) bool {
	switch e.Kind {
	case format.KindLost:
		l := e.Lost()
		*r = ringFull{dom: l.Dom, server: l.Server, lost: l.Count}
		return l.Probe == format.ProbeRing && l.Reason == format.ReasonOverrun
	case format.KindBufIOReq:
		b := e.BufIOReq()
		if b.Dom != r.dom || b.Server != r.server || e.Time != r.time || r.lost > 0 {
			*r = ringFull{dom: b.Dom, server: b.Server, time: e.Time}
		}
		before := r.slots
		r.slots++
		if b.Size == 8 {
			r.slots++
		}
		return before < xen.BufSlots && r.slots >= xen.BufSlots
	}
	return false
}

// modelExit fires when a process ends that has taken or answered requests, or has
// made an ioreq server.
type modelExit struct {
	models map[uint32]xen.DomID // the domain that each served last
	said   uint32
	dom    xen.DomID
}

func (m *modelExit) why() string {
	return fmt.Sprintf("process %d ended, which served dom%d", m.said, m.dom)
}

func (m *modelExit) watch(e *format.Event) bool {
	switch e.Kind {
	case format.KindIOReq, format.KindIOResp:
		m.serves(e.IOReq().Caller.PID, e.Dom)
	case format.KindBufIOReq:
		m.serves(e.BufIOReq().Caller.PID, e.Dom)
	case format.KindDMOpEnter:
		if d := e.DMOpEnter(); d.Known && d.Op.Op == xen.OpCreateIOReqServer {
			m.serves(d.Caller.PID, e.Dom)
		}
	case format.KindProcessExit:
		pid := e.ProcessExit().PID
		dom, ok := m.models[pid]
		delete(m.models, pid)
		m.said, m.dom = pid, dom
		return ok
	}
	return false
}

func (m *modelExit) serves(pid uint32, dom xen.DomID) {
	if known, ok := m.models[pid]; ok && known == dom {
		return
	}
	if m.models == nil {
		m.models = make(map[uint32]xen.DomID)
	}
	if len(m.models) < maxPorts {
		m.models[pid] = dom
	}
}

// filtered fires at events for which an expression holds.
type filtered struct {
	filter *filter.Filter
	said   format.Event
}

func (f *filtered) why() string { return "event " + string(format.AppendText(nil, f.said)) }

func (f *filtered) watch(e *format.Event) bool {
	if !f.filter.Match(e) {
		return false
	}
	f.said = *e
	return true
}
