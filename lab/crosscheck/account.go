package crosscheck

import (
	"fmt"
	"iter"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/xen"
)

// An Account is how many requests, answers and ring slots there were: recorded,
// counted as lost, and as the device models count them.
type Account struct {
	Requests, Answers, Slots Sum
	ByReason                 map[format.Reason]uint64 // of all that was lost
}

// A Sum is one line of an Account.
type Sum struct{ Recorded, Lost, Happened uint64 }

// Exact says that nothing is missing without being counted, and nothing counted
// that is not missing.
func (s Sum) Exact() bool { return s.Recorded+s.Lost == s.Happened }

// String has the equation.
func (s Sum) String() string {
	return fmt.Sprintf("%d recorded + %d lost, %d happened", s.Recorded, s.Lost, s.Happened)
}

// Balance makes the account of a trace that holds all of a session of QEMU and one
// other device model. handled is how many requests QEMU's log has, which does not
// tell ring and slots apart: requests and ring slots of QEMU are added up, which
// is right as long as none of its ring entries takes two.
func Balance(log iter.Seq2[dm.Line, error], handled int, events iter.Seq2[format.Event, error]) (Account, error) {
	a := Account{ByReason: map[format.Reason]uint64{}}
	rings, err := a.happened(log, handled)
	if err != nil {
		return a, err
	}
	open := map[uint64]bool{}
	for e, err := range events {
		if err != nil {
			return a, err
		}
		a.add(e, rings, open)
	}
	return a, nil
}

// happened takes the other device model's totals and returns its servers with a ring.
func (a *Account) happened(log iter.Seq2[dm.Line, error], handled int) (rings map[xen.ServerID]bool, err error) {
	rings = map[xen.ServerID]bool{}
	for line, err := range log {
		if err != nil {
			return rings, err
		}
		if line.Buf != nil {
			rings[line.Buf.Server] = true
		}
		if t := line.Total; t != nil {
			a.Requests.Happened = uint64(t.Sync + handled)
			a.Answers.Happened = a.Requests.Happened
			a.Slots.Happened = uint64(t.BufSlots)
		}
	}
	return rings, nil
}

// add adds an event; open has the ids of requests without an answer so far.
func (a *Account) add(e format.Event, rings map[xen.ServerID]bool, open map[uint64]bool) {
	switch e.Kind {
	case format.KindIOReq:
		if q := e.IOReq(); q.Req.State == xen.StateReady {
			a.Requests.Recorded++
			open[q.ID] = true
		}
	case format.KindIOResp:
		if q := e.IOReq(); open[q.ID] || q.Req.State == xen.StateRespReady {
			a.Answers.Recorded++
			delete(open, q.ID)
		}
	case format.KindRingCount:
		r := e.RingCount()
		if rings[r.Server] {
			a.Slots.Recorded, a.Slots.Lost = a.Slots.Recorded+r.Captured, a.Slots.Lost+r.Lost
			return
		}
		for _, s := range []*Sum{&a.Requests, &a.Answers} {
			s.Recorded, s.Lost = s.Recorded+r.Captured, s.Lost+r.Lost
		}
	case format.KindLost:
		l := e.Lost()
		a.ByReason[l.Reason] += l.Count
		switch l.Probe {
		case format.ProbeIOReq:
			a.Requests.Lost += l.Count
		case format.ProbeIOResp:
			a.Answers.Lost += l.Count
		}
	}
}
