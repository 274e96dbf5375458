package analyze

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A Load is what a Meter has measured. Its JSON keys are stable; rates are told to
// a tenth.
type Load struct {
	SpanNS     uint64       `json:"span_ns"` // what rates are meant over
	Events     uint64       `json:"events"`
	EventsPerS float64      `json:"events_per_s"`
	Lost       uint64       `json:"lost"`    // things that Lost events count
	Servers    []ServerLoad `json:"servers"` // those with most requests first
	Domains    []DomainLoad `json:"domains"` // those with most calls first
	Cut        bool         `json:"cut"`     // there were more servers or domains
}

// ServerLoad is what one ioreq server had to do.
type ServerLoad struct {
	Dom          xen.DomID    `json:"dom"`
	Server       xen.ServerID `json:"server"` // null if it is not known
	Requests     uint64       `json:"requests"`
	RequestsPerS float64      `json:"requests_per_s"`
	Buffered     uint64       `json:"buffered"`
	BufferedPerS float64      `json:"buffered_per_s"`
	Answers      uint64       `json:"answers"`       // those whose requests were seen
	AnswerP50NS  uint64       `json:"answer_p50_ns"` // from when the device model took the request to its answer
	AnswerP99NS  uint64       `json:"answer_p99_ns"`
	AnswerMaxNS  uint64       `json:"answer_max_ns"`
	Unanswered   int          `json:"unanswered"` // at the end
	Busiest      []PlaceLoad  `json:"busiest"`
}

// PlaceLoad is what came to one place: a port, a page of memory or a PCI
// function.
type PlaceLoad struct {
	Space    string `json:"space"` // port, page or pci
	Addr     string `json:"addr"`  // 0x3f8; a page's is its frame's number; a function's is 0000:00:02.0
	Requests uint64 `json:"requests"`
	Over     uint64 `json:"over"` // how many of these may have gone elsewhere; half at most
}

// DomainLoad is what was called about one domain.
type DomainLoad struct {
	Dom       *xen.DomID `json:"dom"` // null for calls about none
	Calls     uint64     `json:"calls"`
	CallsPerS float64    `json:"calls_per_s"`
	Errors    uint64     `json:"errors"`
	Lost      uint64     `json:"lost"`
	Busiest   []CallLoad `json:"busiest"`
}

// CallLoad is how often one call was made.
type CallLoad struct {
	Call  string `json:"call"`
	Calls uint64 `json:"calls"`
	Over  uint64 `json:"over"`
}

// busiest is how many places of a server, and calls about a domain, are told.
const busiest = 5

// Load returns what was measured since the last Reset, with rates over so many
// nanoseconds, and of at most so many servers and domains; idle ones are left out.
func (m *Meter) Load(spanNS uint64, rows int) Load {
	l := Load{
		SpanNS: spanNS, Events: m.events, EventsPerS: perSecond(m.events, spanNS), Lost: m.lost,
		Servers: []ServerLoad{}, Domains: []DomainLoad{}, Cut: m.cut,
	}
	waiting := map[serverKey]int{}
	for _, r := range m.taken.All() {
		m.server(r.key)
		waiting[r.key]++
	}
	for k, s := range m.servers {
		if n := waiting[k]; n > 0 || !s.idle() {
			l.Servers = append(l.Servers, s.load(k, spanNS, n))
		}
	}
	slices.SortFunc(l.Servers, func(a, b ServerLoad) int {
		return cmp.Or(cmp.Compare(b.Requests+b.Buffered, a.Requests+a.Buffered), cmp.Compare(a.Dom, b.Dom), cmp.Compare(a.Server, b.Server))
	})
	for dom, d := range m.domains {
		if !d.idle() {
			l.Domains = append(l.Domains, d.load(dom, spanNS))
		}
	}
	slices.SortFunc(l.Domains, func(a, b DomainLoad) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(number(a.Dom), number(b.Dom)))
	})
	l.Cut = l.Cut || len(l.Servers) > rows || len(l.Domains) > rows
	l.Servers, l.Domains = l.Servers[:min(rows, len(l.Servers))], l.Domains[:min(rows, len(l.Domains))]
	return l
}

// number orders domains, none last.
func number(dom *xen.DomID) xen.DomID {
	if dom == nil {
		return xen.DomInvalid
	}
	return *dom
}

func perSecond(n, spanNS uint64) float64 {
	if spanNS == 0 {
		return 0
	}
	return math.Round(float64(n)*1e10/float64(spanNS)) / 10
}

func (s *serverMeter) load(k serverKey, spanNS uint64, waiting int) ServerLoad {
	l := ServerLoad{
		Dom: k.dom, Server: k.id, Requests: s.requests, RequestsPerS: perSecond(s.requests, spanNS),
		Buffered: s.buffered, BufferedPerS: perSecond(s.buffered, spanNS), Answers: s.answers.Count(),
		AnswerP50NS: s.answers.Quantile(0.5), AnswerP99NS: s.answers.Quantile(0.99), AnswerMaxNS: s.answers.Max(),
		Unanswered: waiting, Busiest: []PlaceLoad{},
	}
	for _, c := range s.places.sure(busiest) {
		space, addr := placeOf(c.Key)
		l.Busiest = append(l.Busiest, PlaceLoad{space, addr, c.Count, c.Over})
	}
	return l
}

func (d *domainMeter) load(dom xen.DomID, spanNS uint64) DomainLoad {
	l := DomainLoad{Calls: d.calls, CallsPerS: perSecond(d.calls, spanNS), Errors: d.errors, Lost: d.lost, Busiest: []CallLoad{}}
	if dom < xen.DomSelf {
		l.Dom = &dom
	}
	for _, c := range d.names.sure(busiest) {
		l.Busiest = append(l.Busiest, CallLoad{callOf(c.Key), c.Count, c.Over})
	}
	return l
}

// A place's key is its address with the type of the requests above it: guest
// physical addresses have at most 52 bits.
const (
	placeShift = 56
	placeMask  = 1<<placeShift - 1
)

func placeKey(t xen.IOReqType, addr uint64) uint64 {
	switch t {
	case xen.TypeCopy:
		addr >>= xen.PageShift
	case xen.TypePCIConfig:
		addr >>= 32 // the register, see xen.PCIAddr
	}
	return uint64(t)<<placeShift | addr&placeMask
}

func placeOf(key uint64) (space, addr string) {
	n := key & placeMask
	switch t := xen.IOReqType(key >> placeShift); t {
	case xen.TypePIO:
		return "port", fmt.Sprintf("%#x", n)
	case xen.TypeCopy:
		return "page", fmt.Sprintf("%#x", n)
	case xen.TypePCIConfig:
		return "pci", xen.SBDF(n).String()
	default:
		return t.String(), fmt.Sprintf("%#x", n)
	}
}

// A call's key is the kind of its entry and which one of these it is.
const callShift = 56

func callKey(e *format.Event) uint64 {
	var n uint64
	switch e.Kind {
	case format.KindDMOpEnter:
		n = uint64(e.DMOpEnter().Op.Op)
	case format.KindHypercallEnter:
		n = uint64(e.HypercallEnter().Nr)
	case format.KindIoctlEnter:
		n = uint64(e.IoctlEnter().Cmd)
	}
	return uint64(e.Kind)<<callShift | n&(1<<callShift-1)
}

func callOf(key uint64) string {
	n := key & (1<<callShift - 1)
	switch format.Kind(key >> callShift) {
	case format.KindDMOpEnter:
		return xen.DMOpCode(n).String()
	case format.KindHypercallEnter:
		return xen.Hypercall(n).String()
	case format.KindIoctlEnter:
		return xen.Ioctl(n).String()
	}
	return "mmap_resource"
}
