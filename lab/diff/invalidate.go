package diff

import (
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// Broadcast appends a request that went to several servers at once, in whatever order
// they took it.
func (o Outcome) Broadcast(server xen.ServerID, q xen.IOReq) Outcome {
	i := len(o)
	for i > 0 && strings.Contains(o[i-1], " "+q.Type.String()+" ") {
		i--
	}
	o = append(o, Request(server, q, 0))
	slices.Sort(o[i:])
	return o
}

// Beside puts the line of a request in front of the broadcasts at the end of the
// outcome: they came together.
func (o Outcome) Beside(line string) Outcome {
	i := len(o)
	for i > 0 && strings.Contains(o[i-1], " "+xen.TypeInvalidate.String()+" ") {
		i--
	}
	return slices.Insert(o, i, line)
}

// removed notes that a call of dom0's has taken pages out of the p2m of a domain that
// runs, since it had set that many entries: each vCPU will say so to all servers before
// it goes on (ioreq_request_mapcache_invalidate in p2m_remove_page).
func (m *Model) removed(sets uint64) {
	if !m.running || !m.flushes || m.domain.SetEntries() == sets {
		return
	}
	for v := range m.stale {
		m.stale[v] = true
	}
}

// invalidate is what a vCPU broadcasts when pages have left (send_invalidate_req): at
// its next hypercall or exit, or behind the answer that it has waited for, though its
// instruction may have made another request by then, whose server is passed over
// (vcpu_ioreq_handle_completion; seen on 4.17). It may be the end of Xen. to are the
// servers that it went to.
func (m *Model) invalidate(v xen.VCPU) (o Outcome, to engine.Servers, err error) {
	if !m.stale[v] {
		return nil, 0, nil
	}
	m.stale[v] = false
	q := xen.IOReq{Type: xen.TypeInvalidate, Size: 4, Dir: xen.DirWrite, Data: ^uint64(0)}
	e, err := m.domain.Step(engine.Op{Kind: engine.OpAccess, Access: engine.Access{VCPU: v, Type: q.Type, Size: q.Size, Dir: q.Dir}})
	if err != nil {
		return nil, 0, err
	}
	if e.Route.Kind == engine.RouteXenCrash {
		return Outcome{Panic}, 0, nil
	}
	for id := range xen.ServerID(engine.MaxServers) {
		if !e.Route.Sure.Has(id) {
			continue
		}
		o = o.Broadcast(id, q)
		answer := engine.Answer{VCPU: v, Server: id, State: xen.StateRespReady}
		if _, err := m.domain.Step(engine.Op{Kind: engine.OpAnswer, Answer: answer}); err != nil {
			return nil, 0, err
		}
	}
	return o, e.Route.Sure, nil
}
