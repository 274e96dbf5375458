package analyze

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// maxLoads is how many servers, and how many domains, a Meter tells apart.
const maxLoads = 256

// A Meter measures what a host's device models have to do: per ioreq server the
// requests, how long answers take and which ports and pages are busiest, per
// domain the calls. It takes bounded memory and allocates nothing once it has seen
// the servers and domains. The zero value is ready.
type Meter struct {
	servers map[serverKey]*serverMeter
	domains map[xen.DomID]*domainMeter
	taken   Requests[takenRequest]
	calls   InFlight[xen.DomID]
	ending  InFlight[serverKey] // calls that destroy a server, or a domain where that is NoServer
	events  uint64
	lost    uint64
	cut     bool
}

type serverKey struct {
	dom xen.DomID
	id  xen.ServerID
}

type serverMeter struct {
	requests, buffered uint64
	answers            Histogram
	places             Frequent
}

type domainMeter struct {
	calls, errors, lost uint64
	names               Frequent
}

func (s *serverMeter) idle() bool { return s.requests+s.buffered+s.answers.Count() == 0 }
func (d *domainMeter) idle() bool { return d.calls+d.errors+d.lost == 0 }

type takenRequest struct {
	key  serverKey
	time uint64
	pid  uint32
}

// Add takes the next event. Those of key-frames are no events of the session, but
// tell which requests are open.
func (m *Meter) Add(e *format.Event) {
	if o, open := e.Opened(); open && o.Kind == format.KindIOReq {
		m.take(&o)
	}
	if e.Kind.InKeyFrame() {
		return
	}
	m.Heed(e)
	m.events++
	switch e.Kind {
	case format.KindIOReq:
		m.request(e)
	case format.KindIOResp:
		m.answer(e)
	case format.KindBufIOReq:
		b := e.BufIOReq()
		s := m.server(serverKey{b.Dom, b.Server})
		s.buffered++
		s.places.Add(placeKey(b.Type, uint64(b.Addr)))
	case format.KindDMOpEnter, format.KindHypercallEnter, format.KindMmapResourceEnter, format.KindIoctlEnter:
		m.calls.Begin(e.W[0], e.Dom)
		d := m.domain(e.Dom)
		d.calls++
		d.names.Add(callKey(e))
	case format.KindDMOpReturn, format.KindHypercallReturn, format.KindIoctlReturn:
		m.returned(e)
	case format.KindProcessExit:
		pid := e.ProcessExit().PID
		m.forget(func(r takenRequest) bool { return r.pid == pid })
	case format.KindLost:
		m.Lose(e.Lost())
	}
}

// Heed takes note of the end of servers and domains, whose requests nobody will answer,
// and of no event, for who measures only some of the events.
func (m *Meter) Heed(e *format.Event) {
	switch e.Kind {
	case format.KindDMOpEnter:
		if d := e.DMOpEnter(); d.Known && d.Op.Op == xen.OpDestroyIOReqServer {
			m.ending.Begin(d.ID, serverKey{d.Dom, xen.ServerID(d.Op.Words()[0])}) // as of xen.DestroyIOReqServer, without an allocation
		}
	case format.KindHypercallEnter:
		if h := e.HypercallEnter(); h.Nr == xen.HyperDomctl && h.Sub == xen.DomctlDestroy {
			m.ending.Begin(h.ID, serverKey{h.Dom, xen.NoServer})
		}
	case format.KindDMOpReturn, format.KindHypercallReturn:
		if k, ok := m.ending.End(e.W[0]); ok && e.W[1] == 0 {
			m.forget(func(r takenRequest) bool { return r.key == k || k.id == xen.NoServer && r.key.dom == k.dom })
		}
	}
}

// Lose takes note of a loss and of no event, for who measures only some of the events:
// what was lost may have been any.
func (m *Meter) Lose(l format.Lost) {
	m.lost += l.Count
	m.domain(l.Dom).lost += l.Count
}

// Ends says whether e ends something that m has taken for begun: a request, a call, or
// with a process the requests that it will not answer.
func (m *Meter) Ends(e *format.Event) bool {
	switch e.Kind {
	case format.KindIOResp:
		return m.taken.Has(e.W[0])
	case format.KindDMOpReturn, format.KindHypercallReturn, format.KindIoctlReturn:
		return m.calls.Has(e.W[0])
	case format.KindProcessExit:
		for _, r := range m.taken.All() {
			if r.pid == e.ProcessExit().PID {
				return true
			}
		}
	}
	return false
}

func (m *Meter) request(e *format.Event) {
	q := e.IOReq()
	if q.Req.State != xen.StateReady {
		return
	}
	s := m.server(serverKey{q.Dom, q.Server})
	s.requests++
	s.places.Add(placeKey(q.Req.Type, q.Req.Addr))
	if !q.FromAnswer { // when that one came is not known
		m.take(e)
	}
}

// take begins to wait for an answer.
func (m *Meter) take(e *format.Event) {
	q := e.IOReq()
	m.taken.Begin(&q, takenRequest{serverKey{q.Dom, q.Server}, e.Time, q.Caller.PID})
}

// forget forgets requests that nobody will answer.
func (m *Meter) forget(gone func(takenRequest) bool) {
	for id, r := range m.taken.All() {
		if gone(r) {
			m.taken.End(id)
		}
	}
}

func (m *Meter) answer(e *format.Event) {
	if r, ok := m.taken.End(e.W[0]); ok {
		m.server(r.key).answers.Add(e.Time - min(r.time, e.Time))
	}
}

func (m *Meter) returned(e *format.Event) {
	dom, ok := m.calls.End(e.W[0])
	if !ok {
		dom = e.Dom
	}
	if int64(e.W[1]) < 0 {
		m.domain(dom).errors++
	}
}

// server returns where a server's requests are counted.
func (m *Meter) server(k serverKey) *serverMeter { return meterOf(&m.servers, k, &m.cut) }

// domain returns where what is about a domain is counted; what names none of the
// host's is about none.
func (m *Meter) domain(dom xen.DomID) *domainMeter {
	if dom >= xen.DomSelf {
		dom = xen.DomInvalid
	}
	return meterOf(&m.domains, dom, &m.cut)
}

// meterOf returns the meter of k, a new one if it has none. Beyond maxLoads that is in
// no report, which cut says.
func meterOf[K comparable, M any](all *map[K]*M, k K, cut *bool) *M {
	if found := (*all)[k]; found != nil {
		return found
	}
	fresh := new(M)
	if len(*all) == maxLoads {
		*cut = true
		return fresh
	}
	if *all == nil {
		*all = make(map[K]*M)
	}
	(*all)[k] = fresh
	return fresh
}

// Reset begins a new measurement. What is in flight stays so; servers and domains
// that were idle are forgotten.
func (m *Meter) Reset() {
	for k, s := range m.servers {
		if s.idle() {
			delete(m.servers, k)
			continue
		}
		s.requests, s.buffered = 0, 0
		s.answers.Reset()
		s.places.Reset()
	}
	for dom, d := range m.domains {
		if d.idle() {
			delete(m.domains, dom)
			continue
		}
		*d = domainMeter{}
	}
	m.events, m.lost, m.cut = 0, 0, false
}
