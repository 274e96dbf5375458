package analyze

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A Summary says what a trace contains. Its JSON keys are stable.
type Summary struct {
	Events     uint64            `json:"events"`
	DurationNS uint64            `json:"duration_ns"` // from the first event to the last, CLOCK_MONOTONIC
	Domains    []xen.DomID       `json:"domains"`     // ascending; those that an event names
	Servers    []Server          `json:"servers"`     // by domain, then id
	Processes  []Process         `json:"processes"`   // in order of appearance
	Kinds      map[string]uint64 `json:"kinds"`       // events of each kind that occurs
	Lost       uint64            `json:"lost"`        // things counted as missing, of all probes
	LostBy     map[string]uint64 `json:"lost_by"`     // probe/reason to count
	Unlearned  []string          `json:"unlearned"`   // what a late attach could not learn, in order
}

// Server counts what one ioreq server was seen to receive.
type Server struct {
	Dom      xen.DomID    `json:"dom"`
	ID       xen.ServerID `json:"server"`
	Sync     uint64       `json:"ioreqs"`     // synchronous requests taken in state READY
	Answers  uint64       `json:"ioresps"`    // synchronous answers
	Buffered uint64       `json:"buf_ioreqs"` // requests from the buffered ring
}

// Process is a device model or another caller of Xen in dom0.
type Process struct {
	PID  uint32 `json:"pid"`
	Comm string `json:"comm"`
}

type serverKey struct {
	dom xen.DomID
	id  xen.ServerID
}

// A Summarizer builds a Summary. The zero value is ready.
type Summarizer struct {
	sum         Summary
	kinds       [256]uint64
	domains     map[xen.DomID]bool
	servers     map[serverKey]*Server
	first, last uint64
}

// Add folds in one event. What a key-frame repeats is not counted again.
func (s *Summarizer) Add(e format.Event) {
	if e.Kind.InKeyFrame() {
		return
	}
	if s.domains == nil {
		s.domains, s.servers, s.sum.LostBy = map[xen.DomID]bool{}, map[serverKey]*Server{}, map[string]uint64{}
		s.first, s.last = e.Time, e.Time
	}
	s.sum.Events++
	s.kinds[e.Kind]++
	// Events of several CPUs may stand a little out of time order.
	s.first, s.last = min(s.first, e.Time), max(s.last, e.Time)
	if showsDomain(e) {
		s.domains[e.Dom] = true
	}
	s.addContent(e)
}

// showsDomain reports whether e proves that the guest it names exists. A call
// alone does not: xenstored and others ask for domids that nobody has.
func showsDomain(e format.Event) bool {
	if e.Dom == xen.Dom0 || e.Dom >= xen.DomSelf {
		return false
	}
	switch e.Kind {
	case format.KindDMOpEnter, format.KindHypercallEnter, format.KindMmapResourceEnter, format.KindIoctlEnter:
		return false
	case format.KindDMOpReturn:
		return e.DMOpReturn().Ret != -int64(xen.ESrch)
	case format.KindHypercallReturn:
		return e.HypercallReturn().Ret != -int64(xen.ESrch)
	case format.KindIoctlReturn:
		return e.IoctlReturn().Ret >= 0
	}
	return true
}

func (s *Summarizer) addContent(e format.Event) {
	switch e.Kind {
	case format.KindLost:
		l := e.Lost()
		s.sum.Lost += l.Count
		s.sum.LostBy[l.Probe.String()+"/"+l.Reason.String()] += l.Count
	case format.KindProcess:
		p := e.Process()
		s.sum.Processes = append(s.sum.Processes, Process{p.PID, p.Comm})
	case format.KindUnlearned:
		s.sum.Unlearned = append(s.sum.Unlearned, unlearned(e.Unlearned()))
	case format.KindIOReq:
		if e.IOReq().Req.State == xen.StateReady {
			s.server(e).Sync++
		}
	case format.KindIOResp:
		s.server(e).Answers++
	case format.KindBufIOReq:
		s.server(e).Buffered++
	case format.KindServerFound, format.KindMmapResourceEnter:
		if e.Server != xen.NoServer {
			s.server(e)
		}
	}
}

func unlearned(u format.Unlearned) string {
	name := "some domain"
	if u.Dom < xen.DomSelf {
		name = "domain " + strconv.FormatUint(uint64(u.Dom), 10)
	}
	if u.Server != xen.NoServer {
		name += " server " + u.Server.String()
	}
	return name + ": " + u.What.String()
}

func (s *Summarizer) server(e format.Event) *Server {
	k := serverKey{e.Dom, e.Server}
	if s.servers[k] == nil {
		s.servers[k] = &Server{Dom: e.Dom, ID: e.Server}
	}
	return s.servers[k]
}

// Summary returns the facts about the events added so far.
func (s *Summarizer) Summary() Summary {
	sum := s.sum
	sum.DurationNS = s.last - s.first
	sum.Kinds = map[string]uint64{}
	for k, n := range s.kinds {
		if n > 0 {
			sum.Kinds[format.Kind(k).String()] = n
		}
	}
	sum.Domains, sum.Servers = []xen.DomID{}, []Server{}
	for d := range s.domains {
		sum.Domains = append(sum.Domains, d)
	}
	slices.Sort(sum.Domains)
	for _, srv := range s.servers {
		sum.Servers = append(sum.Servers, *srv)
	}
	slices.SortFunc(sum.Servers, func(a, b Server) int {
		return cmp.Or(cmp.Compare(a.Dom, b.Dom), cmp.Compare(a.ID, b.ID))
	})
	return sum
}
