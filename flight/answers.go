package flight

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/analyze"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// maxPorts is how many event channels, processes or domains a trigger knows.
const maxPorts = 4096

// A request is one that a device model has taken.
type request struct {
	time   uint64
	dom    xen.DomID
	server xen.ServerID
	pid    uint32
}

func (r request) String() string { return fmt.Sprintf("dom%d server %s", r.dom, r.server) }

// taken returns the request in e, if e is one that a device model has to answer.
func taken(e *format.Event) (q format.IOReq, r request, ok bool) {
	if e.Kind != format.KindIOReq {
		return q, r, false
	}
	q = e.IOReq()
	if q.Req.State != xen.StateReady || q.FromAnswer {
		return q, r, false
	}
	return q, request{e.Time, q.Dom, q.Server, q.Caller.PID}, true
}

// slowAnswer fires when a request has been without an answer for too long, or when
// its answer comes after that; and when an event channel on which requests came
// before is not read for so long. What a process that has ended owed is not waited
// for: that is noReceiver's.
type slowAnswer struct {
	limit    uint64 // ns
	requests analyze.Requests[request]
	ports    map[xen.Port]uint32           // on which requests came, with the process that took them
	unread   analyze.InFlight[portWaiting] // by port
	said     slowness
}

type portWaiting struct {
	time uint64
	pid  uint32
}

// slowness is what slowAnswer saw.
type slowness struct {
	request  request
	answered bool
	port     xen.Port // of a notification that was not read, else 0
	since    uint64
	now      uint64
}

func (s *slowAnswer) why() string {
	x, after := s.said, spanned(s.said.since, s.said.now)
	switch {
	case x.port != 0:
		return fmt.Sprintf("process %d has not read event channel %d for %v", x.request.pid, x.port, after)
	case x.answered:
		return fmt.Sprintf("%v answered after %v", x.request, after)
	}
	return fmt.Sprintf("%v has not answered for %v", x.request, after)
}

func (s *slowAnswer) watch(e *format.Event) bool {
	switch e.Kind {
	case format.KindIOReq:
		s.take(e)
	case format.KindIOResp:
		if r, ok := s.requests.End(e.W[0]); ok && late(r.time, e.Time, s.limit) {
			s.said = slowness{request: r, answered: true, since: r.time, now: e.Time}
			return true
		}
	case format.KindEvtchnInterrupt:
		p := e.PortEvent().Port
		if pid, ok := s.ports[p]; ok {
			s.unread.Begin(uint64(p), portWaiting{e.Time, pid})
		}
	case format.KindEvtchnRead:
		s.unread.End(uint64(e.PortEvent().Port))
	case format.KindProcessExit:
		s.exit(e.ProcessExit().PID)
	}
	return s.overdue(e.Time)
}

func (s *slowAnswer) take(e *format.Event) {
	q, r, ok := taken(e)
	if !ok {
		return
	}
	s.requests.Begin(&q, r)
	port := q.Port
	if s.ports == nil {
		s.ports = make(map[xen.Port]uint32)
	}
	if _, known := s.ports[port]; known || len(s.ports) < maxPorts {
		s.ports[port] = r.pid
	}
}

// late says whether more than limit lies between two times; those of events can
// go back a little.
func late(from, now, limit uint64) bool { return now > from && now-from > limit }

// overdue looks at what has waited longest.
func (s *slowAnswer) overdue(now uint64) bool {
	if id, r := s.requests.Oldest(); r != nil && late(r.time, now, s.limit) {
		s.said = slowness{request: *r, since: r.time, now: now}
		s.requests.End(id)
		return true
	}
	if port, w := s.unread.Oldest(); w != nil && late(w.time, now, s.limit) {
		s.said = slowness{request: request{pid: w.pid}, port: xen.Port(port), since: w.time, now: now}
		s.unread.End(port)
		return true
	}
	return false
}

func (s *slowAnswer) exit(pid uint32) {
	for id, r := range s.requests.All() {
		if r.pid == pid {
			s.requests.End(id)
		}
	}
	for port, owner := range s.ports {
		if owner == pid {
			delete(s.ports, port)
			s.unread.End(uint64(port))
		}
	}
}

// noReceiver fires when nobody will answer a request: the process that took it
// ended, its server was destroyed, or it came to a server that was destroyed
// before.
type noReceiver struct {
	requests analyze.Requests[request]
	calls    analyze.InFlight[serverKey] // destroy_ioreq_server and create_ioreq_server
	gone     analyze.InFlight[struct{}]  // servers that were destroyed last
	said     string
	saidOf   request
}

type serverKey struct {
	dom xen.DomID
	id  xen.ServerID
}

func (k serverKey) number() uint64 { return uint64(k.dom)<<16 | uint64(k.id) }

func (n *noReceiver) why() string { return fmt.Sprintf("a request to %v %s", n.saidOf, n.said) }

func (n *noReceiver) watch(e *format.Event) bool {
	switch e.Kind {
	case format.KindIOReq:
		q, r, ok := taken(e)
		if !ok {
			return false
		}
		n.requests.Begin(&q, r)
		// Where more come the server was made anew, and that was lost.
		_, gone := n.gone.End(serverKey{r.dom, r.server}.number())
		return gone && n.fires(r, "that was destroyed")
	case format.KindIOResp:
		n.requests.End(e.W[0])
	case format.KindProcessExit:
		pid := e.ProcessExit().PID
		return n.orphans("whose process ended", func(r request) bool { return r.pid == pid })
	case format.KindDMOpEnter:
		if d := e.DMOpEnter(); d.Known && d.Op.Op == xen.OpDestroyIOReqServer {
			n.calls.Begin(d.ID, serverKey{d.Dom, d.Op.DecodeBody().(xen.DestroyIOReqServer).ID})
		} else if d.Known && d.Op.Op == xen.OpCreateIOReqServer {
			n.calls.Begin(d.ID, serverKey{d.Dom, xen.NoServer})
		}
	case format.KindDMOpReturn:
		return n.returned(e)
	}
	return false
}

func (n *noReceiver) returned(e *format.Event) bool {
	d := e.DMOpReturn()
	key, ok := n.calls.End(d.ID)
	if !ok || d.Ret != 0 {
		return false
	}
	if key.id == xen.NoServer { // a new one; its id is an output
		op := xen.DMOpFromWords(xen.OpCreateIOReqServer, 0, d.Words)
		n.gone.End(serverKey{key.dom, op.DecodeBody().(xen.CreateIOReqServer).ID}.number())
		return false
	}
	n.gone.Begin(key.number(), struct{}{})
	return n.orphans("that was destroyed", func(r request) bool { return r.dom == key.dom && r.server == key.id })
}

// orphans forgets the requests that nobody will answer, and fires if there are any.
func (n *noReceiver) orphans(why string, of func(request) bool) bool {
	fires := false
	for id, r := range n.requests.All() {
		if of(r) {
			n.requests.End(id)
			fires = n.fires(r, why)
		}
	}
	return fires
}

func (n *noReceiver) fires(r request, why string) bool {
	n.saidOf, n.said = r, why
	return true
}
