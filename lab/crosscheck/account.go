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
	server, err := a.happened(log, handled)
	if err != nil {
		return a, err
	}
	for e, err := range events {
		if err != nil {
			return a, err
		}
		a.add(e, server)
	}
	return a, nil
}

// happened takes the other device model's totals and returns its server with a ring.
func (a *Account) happened(log iter.Seq2[dm.Line, error], handled int) (server xen.ServerID, err error) {
	server = xen.NoServer
	for line, err := range log {
		if err != nil {
			return server, err
		}
		if line.Buf != nil {
			server = line.Buf.Server
		}
		if t := line.Total; t != nil {
			a.Requests.Happened = uint64(t.Sync + handled)
			a.Answers.Happened = a.Requests.Happened
			a.Slots.Happened = uint64(t.BufSlots)
		}
	}
	return server, nil
}

func (a *Account) add(e format.Event, server xen.ServerID) {
	switch e.Kind {
	case format.KindIOReq:
		a.Requests.Recorded += count(e.IOReq().Req.State == xen.StateReady)
	case format.KindIOResp:
		a.Answers.Recorded += count(e.IOReq().Req.State == xen.StateRespReady)
	case format.KindRingCount:
		r := e.RingCount()
		if r.Server == server {
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

func count(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}
