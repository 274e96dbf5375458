package lab_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab/dom0"
	"github.com/iotrace-xen/iotrace/xen"
)

// chose checks that the second recorder's trace has, of what the first's has, exactly
// what its choice selects, and guest data only as told.
func (p played) chose(t *testing.T, want format.Choice, data string) {
	t.Helper()
	p.session = dom0.SecondFile
	h := p.trace(t).Header()
	if len(want.PIDs) == 0 && h.Chosen != nil {
		h.Chosen.PIDs = nil // which the test cannot know
	}
	if h.Data != data || !reflect.DeepEqual(h.Chosen, &want) {
		t.Fatalf("header: want data %s and %v, got %s and %v", data, &want, h.Data, h.Chosen)
	}
	part, latePart := p.events(t, want.Servers)
	choice := p.trace(t).Header().Chosen
	p.session = dom0.SessionFile
	all, late := p.events(t, want.Servers)
	s := selection{*choice, late + latePart, map[xen.Port]bool{}, map[xen.Port]xen.DomID{}, map[uint64]format.IoctlEnter{}}
	selected := s.of(all)
	if some, of := len(ofKind(selected, format.KindIOReq)), len(ofKind(all, format.KindIOReq)); some == 0 || some == of {
		t.Errorf("a part: want some requests selected and some not, got %d of %d", some, of)
	}
	for _, k := range comparedKinds {
		if some, _ := choice.HasKind(k); some {
			s.compare(t, k, ofKind(selected, k), part)
		} else if _, left := account(part, k); left > 0 {
			t.Errorf("a part: %v: is not chosen, want none left out, got %d", k, left)
		}
	}
	switch {
	case data == "none":
		keepsNoData(t, part)
	case s.late == 0:
		hidesData(t, ofKind(part, format.KindIOReq), everyOf(ofKind(selected, format.KindIOReq), s.turn(format.KindIOReq)))
	}
}

// comparedKinds are those that can be chosen, but for what says how often probes have
// looked.
var comparedKinds = []format.Kind{
	format.KindIOReq, format.KindIOResp, format.KindBufIOReq, format.KindDMOpEnter, format.KindDMOpBuf, format.KindDMOpReturn,
	format.KindHypercallEnter, format.KindHypercallReturn, format.KindIoctlEnter, format.KindMmapResourceEnter,
	format.KindIoctlReturn, format.KindEvtchnInterrupt, format.KindEvtchnRead, format.KindEvtchnUnmask,
}

// events returns the events of these kinds, and how many requests were seen late: see
// asked.
func (p played) events(t *testing.T, servers []xen.ServerID) (events []format.Event, late int) {
	t.Helper()
	for e, err := range p.trace(t).Events() {
		if err != nil {
			t.Fatalf("%s: %v", p.session, err)
		}
		if e.Kind == format.KindLeftOut || slices.Contains(comparedKinds, e.Kind) {
			events = append(events, e)
		}
	}
	return asked(events, servers)
}

// asked leaves out that a slot held no request when its port was read. One that was seen
// behind that, at the unmask or in its answer, takes its place, and is counted as late:
// of two recorders one may look a moment before the request, and the other find it. A
// server that is not among those that were chosen, if any were, is left out by its slot
// whatever that holds.
func asked(events []format.Event, servers []xen.ServerID) (asked []format.Event, late int) {
	empty, nothing := map[xen.Port]int{}, format.Event{}
	for _, e := range events {
		port := e.IOReq().Port
		switch at, early := empty[port]; {
		case e.Kind == format.KindEvtchnRead:
			delete(empty, e.PortEvent().Port)
		case e.Kind != format.KindIOReq:
		case len(servers) > 0 && !slices.Contains(servers, e.IOReq().Server):
		case e.IOReq().Req.State != xen.StateReady:
			empty[port] = len(asked)
			e = nothing
		case early:
			delete(empty, port)
			asked[at], e = e, nothing
			late++
		}
		asked = append(asked, e)
	}
	return slices.DeleteFunc(asked, func(e format.Event) bool { return e == nothing }), late
}

func TestAsked(t *testing.T) {
	const seven, eight = xen.Port(7), xen.Port(8)
	read := format.PortEvent{Port: seven}.Event(format.KindEvtchnRead, 0)
	request := func(id uint64, p xen.Port, s xen.State) format.Event {
		return format.IOReq{ID: id, Port: p, Req: xen.IOReq{State: s}}.Event(format.KindIOReq, 0)
	}
	empty, other, behind, next := request(1, seven, xen.StateNone), request(2, eight, xen.StateReady), request(3, seven, xen.StateReady), request(4, seven, xen.StateReady)
	got, late := asked([]format.Event{read, empty, other, behind, read, empty, read, next}, nil)
	if want := []format.Event{read, behind, other, read, read, next}; !slices.Equal(got, want) || late != 1 {
		t.Errorf("got %v, %d late, want %v, 1 late", got, late, want)
	}
	others := []format.Event{read, empty, read, behind}
	if got, late := asked(others, []xen.ServerID{1}); !slices.Equal(got, others) || late != 0 {
		t.Errorf("another server's: got %v, %d late", got, late)
	}
}

func ofKind(events []format.Event, k format.Kind) (of []format.Event) {
	for _, e := range events {
		if e.Kind == k {
			of = append(of, e)
		}
	}
	return of
}

// A selection says what a choice selects, but for sampling.
type selection struct {
	choice format.Choice
	late   int                          // requests that one of two recorders saw late
	left   map[xen.Port]bool            // ports whose last request is not selected
	bound  map[xen.Port]xen.DomID       // whose a port is
	calls  map[uint64]format.IoctlEnter // that have not returned
}

func (s *selection) of(events []format.Event) (selected []format.Event) {
	for i, e := range events {
		s.follow(e)
		if e.Kind == format.KindEvtchnInterrupt { // which the trace has without its domain
			e.Dom = xen.DomInvalid
			if dom, ok := s.bound[e.PortEvent().Port]; ok {
				e.Dom = dom
			}
		}
		if next := events[min(i+1, len(events)-1)]; s.wants(e, next) {
			selected = append(selected, e)
		}
	}
	return selected
}

// follow notes whose an event channel is. The first interrupt comes before the bind has
// returned, and is nobody's.
func (s *selection) follow(e format.Event) {
	switch e.Kind {
	case format.KindIoctlEnter:
		s.calls[e.IoctlEnter().ID] = e.IoctlEnter()
	case format.KindIoctlReturn:
		r := e.IoctlReturn()
		switch c := s.calls[r.ID]; {
		case c.Cmd == xen.EvtchnBindInterdomain && r.Ret >= 0:
			s.bound[xen.Port(r.Ret)] = c.Dom
		case c.Cmd == xen.EvtchnUnbind && r.Ret == 0:
			delete(s.bound, xen.Port(c.Arg))
		}
		delete(s.calls, r.ID)
	}
}

// wants follows the ports: the read that brings a request, and the unmask behind it,
// go the request's way.
func (s *selection) wants(e, next format.Event) bool {
	switch e.Kind {
	case format.KindIOReq, format.KindIOResp:
		port := e.IOReq().Port
		s.left[port] = !s.wantsRequest(e)
		return !s.left[port] && s.wantsProcess(e.IOReq().Caller)
	case format.KindBufIOReq:
		return s.wantsRequest(e)
	case format.KindEvtchnRead:
		port := e.PortEvent().Port
		s.left[port] = next.Kind == format.KindIOReq && next.IOReq().Port == port && !s.wantsRequest(next)
		return s.wantsDomain(e) && !s.left[port]
	case format.KindEvtchnUnmask:
		p := e.PortEvent()
		return s.wantsDomain(e) && !s.left[p.Port] && s.wantsProcess(p.Caller)
	}
	return s.wantsDomain(e)
}

func (s *selection) wantsDomain(e format.Event) bool {
	return len(s.choice.Domains) == 0 || slices.Contains(s.choice.Domains, e.Dom)
}

func (s *selection) wantsProcess(c format.Caller) bool {
	return len(s.choice.PIDs) == 0 || slices.Contains(s.choice.PIDs, c.PID)
}

func (s *selection) wantsRequest(e format.Event) bool {
	addr, typ := e.IOReq().Req.Addr, e.IOReq().Req.Type
	if e.Kind == format.KindBufIOReq {
		addr, typ = uint64(e.BufIOReq().Addr), xen.TypeCopy
	}
	in := func(spans []format.Span, at uint64) bool {
		return slices.ContainsFunc(spans, func(s format.Span) bool { return s.Contains(at) })
	}
	c := s.choice
	return s.wantsDomain(e) && (len(c.Servers) == 0 || slices.Contains(c.Servers, e.Server)) &&
		(len(c.Ports)+len(c.GFNs) == 0 || typ == xen.TypePIO && in(c.Ports, addr) ||
			typ == xen.TypeCopy && in(c.GFNs, addr>>xen.PageShift))
}

// compare wants all that is selected of a kind in the part, or, if it is sampled,
// accounted for, with the first of each turn in it. A request that was seen late has its
// turn late, and no choice applies to its read and its unmask.
func (s *selection) compare(t *testing.T, k format.Kind, selected, part []format.Event) {
	t.Helper()
	got, left := account(part, k)
	t.Logf("a part: %v: %d of %d, %d left out", k, len(got), len(selected), left)
	off := int64(len(got)) + int64(left) - int64(len(selected))
	if off != 0 && (k != format.KindEvtchnRead && k != format.KindEvtchnUnmask || max(off, -off) > int64(s.late)) {
		t.Errorf("a part: %v: want %d, got %d and %d left out", k, len(selected), len(got), left)
		return
	}
	if every := s.turn(k); every > 1 {
		if len(got) == 0 || left == 0 {
			t.Errorf("a part: %v: want one in %d, got %d and %d left out", k, every, len(got), left)
		}
		if k != format.KindIOReq {
			return // some go with their requests
		}
		selected = everyOf(selected, every)
	} else if left > 0 || off != 0 {
		return // it goes with a kind that is sampled, or with a request seen late
	}
	if s.late > 0 && s.turn(k) > 1 {
		return
	}
	for i := range min(len(got), len(selected)) {
		if want, got := s.known(selected[i]), s.known(got[i]); want != got {
			t.Errorf("a part: %v %d: want %v, got %v", k, i, want, got)
			return
		}
	}
}

// account returns what a trace has of a kind, and how many sampling has left out.
func account(part []format.Event, k format.Kind) (got []format.Event, left uint64) {
	for _, e := range ofKind(part, format.KindLeftOut) {
		if l := e.LeftOut(); l.Of == k {
			left += l.Count
		}
	}
	return ofKind(part, k), left
}

// turn is of how many events of a kind one is recorded.
func (s *selection) turn(k format.Kind) int { return max(1, int(s.choice.Sampled[k.String()])) }

func everyOf(events []format.Event, n int) (some []format.Event) {
	for i := 0; i < len(events); i += n {
		some = append(some, events[i])
	}
	return some
}

// known leaves out of an event what two recorders may see or call differently.
func (s *selection) known(e format.Event) format.Event {
	e.Seq, e.Time = 0, 0
	if len(s.choice.Servers) == 0 {
		e.Server = xen.NoServer // who attaches late learns it from all that happens
	}
	switch e.Kind {
	case format.KindEvtchnInterrupt, format.KindEvtchnRead, format.KindEvtchnUnmask:
		return e
	case format.KindIOReq, format.KindIOResp:
		r := e.IOReq()
		r.ID, r.DataKnown, r.FromAnswer = 0, false, false
		r.Req.Data, r.Req.State = 0, 0
		return r.Event(e.Kind, 0)
	case format.KindBufIOReq:
		b := e.BufIOReq()
		b.ID, b.Caller, b.Data, b.DataKnown = 0, format.Caller{}, 0, false // any thread may be the one that looks
		return b.Event(0)
	}
	e.W[0] = 0 // the id of a call
	return e
}

// keepsNoData wants no guest data in a trace.
func keepsNoData(t *testing.T, part []format.Event) {
	t.Helper()
	hidden := 0
	for _, e := range part {
		var data uint64
		var known bool
		switch r := e.IOReq(); {
		case e.Kind == format.KindBufIOReq:
			data, known = e.BufIOReq().Data, e.BufIOReq().DataKnown
		case (e.Kind == format.KindIOReq || e.Kind == format.KindIOResp) && !r.Req.Steers():
			data, known = r.Req.Data, r.DataKnown
		default:
			continue
		}
		hidden++
		if known || data != 0 {
			t.Fatalf("want no guest data, got %v", e)
		}
	}
	if hidden == 0 {
		t.Error("want requests without their data, got none")
	}
}

// A value is data that a request has, and its size.
type value struct{ data, size uint64 }

// hidesData wants in the place of each request's data something that is equal where
// the data are, and nowhere else.
func hidesData(t *testing.T, hidden, full []format.Event) {
	t.Helper()
	hashOf, valueOf := map[value]uint64{}, map[uint64]value{}
	for i := range min(len(hidden), len(full)) {
		h, f := hidden[i].IOReq(), full[i].IOReq()
		if !h.DataKnown || !f.DataKnown || f.Req.Steers() {
			continue
		}
		v, hash := value{f.Req.Data & (1<<(8*f.Req.Size) - 1), uint64(f.Req.Size)}, h.Req.Data
		hash0, known := hashOf[v]
		if v0, taken := valueOf[hash]; known && hash0 != hash || taken && v0 != v || hash == v.data {
			t.Fatalf("hash of %+v: got %#x, and %#x elsewhere, which is that of %+v as well", v, hash, hash0, v0)
		}
		hashOf[v], valueOf[hash] = hash, v
	}
	if len(hashOf) < 10 {
		t.Errorf("want hashes of 10 values at the least, got %d", len(hashOf))
	}
}
