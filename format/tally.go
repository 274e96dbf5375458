package format

import (
	"cmp"
	"slices"

	"github.com/iotrace-xen/iotrace/xen"
)

// maxTotals is how many entries each list of Totals has at most.
const maxTotals = 1024

// Totals are facts about all events of a trace. They stand in its index, so
// that they are known without reading the events. All but Kinds and KeyFrames
// leave out the events of key-frames.
type Totals struct {
	Events    uint64           `json:"events"`
	FirstTime uint64           `json:"first_time"` // earliest
	LastTime  uint64           `json:"last_time"`
	KeyFrames uint64           `json:"key_frames"`
	Kinds     []KindTotal      `json:"kinds"`     // ascending
	Domains   []xen.DomID      `json:"domains"`   // ascending; those that an event proves to exist
	Servers   []ServerTotal    `json:"servers"`   // by domain, then id
	Processes []ProcessTotal   `json:"processes"` // in order of appearance
	Lost      uint64           `json:"lost"`      // things that Lost events count
	LostBy    []LostTotal      `json:"lost_by"`   // by probe, then reason
	Unlearned []UnlearnedTotal `json:"unlearned"` // in order of appearance
	Cut       bool             `json:"cut"`       // a list had more than 1024 entries and misses some
}

// KindTotal counts the events of one kind.
type KindTotal struct {
	Kind   Kind   `json:"kind"`
	Events uint64 `json:"events"`
}

// ServerTotal counts what one ioreq server was seen to receive.
type ServerTotal struct {
	Dom      xen.DomID    `json:"dom"`
	Server   xen.ServerID `json:"server"`
	Sync     uint64       `json:"ioreqs"`     // synchronous requests taken in state READY
	Answers  uint64       `json:"ioresps"`    // synchronous answers
	Buffered uint64       `json:"buf_ioreqs"` // requests from the buffered ring
}

// ProcessTotal is one Process event.
type ProcessTotal struct {
	PID  uint32 `json:"pid"`
	Comm string `json:"comm"`
}

// UnlearnedTotal is one Unlearned event.
type UnlearnedTotal struct {
	Dom    xen.DomID    `json:"dom"`
	Server xen.ServerID `json:"server"`
	What   What         `json:"what"`
}

// LostTotal counts what one probe lost for one reason.
type LostTotal struct {
	Probe  Probe  `json:"probe"`
	Reason Reason `json:"reason"`
	Count  uint64 `json:"count"`
}

// A Tally adds up Totals in bounded memory. The zero value is ready.
type Tally struct {
	sum     Totals
	kinds   [256]uint64
	domains [1 << 16 / 64]uint64 // a bit each
	nrDoms  int
	servers []ServerTotal
	index   map[serverKey]int
	recent  [8]int32 // places in servers, plus one, by a hash of the key
}

type serverKey struct {
	dom xen.DomID
	id  xen.ServerID
}

// Add counts one event.
func (t *Tally) Add(e *Event) {
	t.kinds[e.Kind]++
	if e.Kind.InKeyFrame() {
		return
	}
	t.time(e.Time, e.Time)
	t.sum.Events++
	t.add(e, 1)
}

// addShape counts n events that are like e in all that the tally looks at but
// their times, which lie between two.
func (t *Tally) addShape(e *Event, n int, first, last uint64) {
	t.kinds[e.Kind] += uint64(n)
	if !e.Kind.InKeyFrame() {
		t.time(first, last)
		t.sum.Events += uint64(n)
		t.add(e, uint64(n))
	}
}

// looks returns in which bits of an event of kind k the tally looks for more
// than how many there are; all is true if each is different.
func looks(k Kind) (lanes [numLanes]uint64, all bool) {
	lanes[laneIDs] = 1<<(2*idBits) - 1
	switch k {
	case KindLost, KindProcess, KindUnlearned:
		return lanes, true
	case KindIOReq:
		lanes[3] = stateBits
	case KindDMOpReturn, KindHypercallReturn, KindIoctlReturn:
		lanes[1] = ^uint64(0)
	}
	return lanes, false
}

// stateBits are those of the slot's state in word 3 of a request.
const stateBits = 15 << 16

// time widens the tally's range of times.
func (t *Tally) time(first, last uint64) {
	if t.sum.Events == 0 {
		t.sum.FirstTime, t.sum.LastTime = first, last
	}
	t.sum.FirstTime, t.sum.LastTime = min(t.sum.FirstTime, first), max(t.sum.LastTime, last)
}

// add counts what n events like e show.
func (t *Tally) add(e *Event, n uint64) {
	if t.domains[e.Dom/64]>>(e.Dom%64)&1 == 0 && showsDomain(e) {
		t.domain(e.Dom)
	}
	t.content(e, n)
}

// showsDomain reports whether e proves that the guest it names exists. A call
// alone does not: xenstored and others ask for domids that nobody has.
func showsDomain(e *Event) bool {
	if e.Dom == xen.Dom0 || e.Dom >= xen.DomSelf {
		return false
	}
	switch e.Kind {
	case KindDMOpEnter, KindHypercallEnter, KindMmapResourceEnter, KindIoctlEnter:
		return false
	case KindDMOpReturn, KindHypercallReturn:
		return int64(e.W[1]) != -int64(xen.ESrch)
	case KindIoctlReturn:
		return int64(e.W[1]) >= 0
	}
	return true
}

// room returns how many domains and servers there may be more.
func (t *Tally) room() int { return maxTotals - max(t.nrDoms, len(t.servers)) }

func (t *Tally) domain(d xen.DomID) {
	if t.nrDoms == maxTotals {
		t.sum.Cut = true
		return
	}
	t.nrDoms++
	t.domains[d/64] |= 1 << (d % 64)
}

func (t *Tally) content(e *Event, n uint64) {
	switch e.Kind {
	case KindIOReq:
		if xen.State(e.W[3]&stateBits>>16) == xen.StateReady {
			t.server(e).Sync += n
		}
	case KindIOResp:
		t.server(e).Answers += n
	case KindBufIOReq:
		t.server(e).Buffered += n
	case KindServerFound, KindMmapResourceEnter:
		if e.Server != xen.NoServer {
			t.server(e)
		}
	case KindLost:
		t.lost(e.Lost())
	case KindProcess:
		t.sum.Processes = addTotal(t, t.sum.Processes, ProcessTotal(e.Process()))
	case KindUnlearned:
		t.sum.Unlearned = addTotal(t, t.sum.Unlearned, UnlearnedTotal(e.Unlearned()))
	}
}

// server returns where the requests of e's server are counted.
func (t *Tally) server(e *Event) *ServerTotal {
	place := &t.recent[(uint16(e.Dom)*2+uint16(e.Server))%uint16(len(t.recent))]
	if i := *place - 1; i >= 0 && t.servers[i].Dom == e.Dom && t.servers[i].Server == e.Server {
		return &t.servers[i]
	}
	key := serverKey{e.Dom, e.Server}
	i, ok := t.index[key]
	if !ok {
		if i = len(t.servers); i == maxTotals {
			t.sum.Cut = true
			return new(ServerTotal)
		}
		if t.index == nil {
			t.index = make(map[serverKey]int)
		}
		t.index[key] = i
		t.servers = append(t.servers, ServerTotal{Dom: e.Dom, Server: e.Server})
	}
	*place = int32(i) + 1
	return &t.servers[i]
}

func (t *Tally) lost(l Lost) {
	t.sum.Lost += l.Count
	for i := range t.sum.LostBy {
		if s := &t.sum.LostBy[i]; s.Probe == l.Probe && s.Reason == l.Reason {
			s.Count += l.Count
			return
		}
	}
	t.sum.LostBy = addTotal(t, t.sum.LostBy, LostTotal{l.Probe, l.Reason, l.Count})
}

// addTotal appends x to one of t's lists, if there is room.
func addTotal[T any](t *Tally, list []T, x T) []T {
	if len(list) == maxTotals {
		t.sum.Cut = true
		return list
	}
	return append(list, x)
}

// Totals returns the facts about the events added so far.
func (t *Tally) Totals() Totals {
	sum := t.sum
	sum.KeyFrames = t.kinds[KindKeyFrame]
	sum.Processes, sum.Unlearned = slices.Clone(sum.Processes), slices.Clone(sum.Unlearned)
	for k, n := range t.kinds {
		if n > 0 {
			sum.Kinds = append(sum.Kinds, KindTotal{Kind(k), n})
		}
	}
	for w, bits := range t.domains {
		for b := range 64 {
			if bits>>b&1 != 0 {
				sum.Domains = append(sum.Domains, xen.DomID(64*w+b))
			}
		}
	}
	sum.Servers = slices.Clone(t.servers)
	slices.SortFunc(sum.Servers, func(a, b ServerTotal) int {
		return cmp.Or(cmp.Compare(a.Dom, b.Dom), cmp.Compare(a.Server, b.Server))
	})
	sum.LostBy = slices.Clone(sum.LostBy)
	slices.SortFunc(sum.LostBy, func(a, b LostTotal) int {
		return cmp.Or(cmp.Compare(a.Probe, b.Probe), cmp.Compare(a.Reason, b.Reason))
	})
	return sum
}

// addAll adds all events.
func (t *Tally) addAll(events []Event) {
	for i := range events {
		t.Add(&events[i])
	}
}
