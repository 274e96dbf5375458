package engine

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// short is what Sent, Buffered and Answered must not differ in from the long way.
type short struct {
	plain bool
	cost  Cost
	state State
	last  last
}

// plainly puts an access or an answer to d as a recording shows it, to being the
// server that it names.
func plainly(d *Domain, op *Op, q *xen.IOReq, to xen.ServerID) (s short) {
	switch a := &op.Access; {
	case op.Kind == OpAnswer:
		s.plain = d.Answered(op.Answer.VCPU, op.Answer.Server, &s.cost)
	case a.Buffered:
		s.plain = a.Type == xen.TypeCopy && a.Dir == xen.DirWrite && d.Buffered(a.Addr, a.Size, to, &s.cost)
	default:
		s.plain = d.Sent(a.VCPU, q, to, &s.cost)
	}
	s.state, s.last = d.Snapshot(), d.last
	return s
}

// atLength is the same by Step; it is plain if what was recorded is what the model
// has Xen do.
func atLength(t *testing.T, d *Domain, op Op, q *xen.IOReq, to xen.ServerID) (s short) {
	e, err := d.Step(op)
	if err != nil {
		t.Fatal(err)
	}
	if s.plain = e.Slot.Kind == SlotLegal; op.Kind == OpAccess {
		kind := RouteServer
		if op.Access.Buffered {
			kind = RouteBuffered
		}
		s.plain = e.Route.Kind == kind && e.Route.Server == to && e.Route.Type == q.Type && e.Route.Addr == q.Addr
	}
	s.cost, s.state, s.last = e.Cost, d.Snapshot(), d.last
	return s
}

// recordedOp returns what a device model may have seen, often something sensible.
func recordedOp(rnd *rand.Rand) (Op, xen.IOReq) {
	if rnd.IntN(4) == 0 {
		return Op{Kind: OpAnswer, Answer: Answer{
			VCPU: xen.VCPU(rnd.IntN(3)), Server: xen.ServerID(rnd.IntN(4)), State: xen.StateRespReady,
		}}, xen.IOReq{}
	}
	a := randomAccess(rnd)
	switch rnd.IntN(50) {
	case 0, 1, 2, 3, 4, 5, 6, 7:
		a.Type, a.Dir, a.Addr, a.Buffered, a.DataIsPtr = xen.TypeCopy, xen.DirWrite, vgaFirst+rnd.Uint64N(1<<17), true, false
	case 8:
		a.Size, a.Addr = rnd.Uint32N(10), -rnd.Uint64N(16)
	}
	q := xen.IOReq{
		Type: a.Type, Dir: a.Dir, Addr: a.Addr, Data: a.Data, Size: a.Size, Count: a.Count,
		DF: a.DF, DataIsPtr: a.DataIsPtr, State: xen.StateReady,
	}
	op := Op{Kind: OpAccess}
	if op.Access.Of(a.VCPU, &q); a.Buffered {
		op.Access.Buffered, op.Access.VCPU, op.Access.Count = true, xen.NoVCPU, 1
	}
	return op, q
}

// TestPlainIsTheLongWay: what goes the plain way was sent, ends, costs and leaves the
// domain as by Step; what does not leaves it alone; and much goes it.
func TestPlainIsTheLongWay(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		took, all := map[string]int{}, Profiles()
		for i := range 3 * len(all) {
			p := all[i%len(all)]
			d := New(Config{Dom: 1, Profile: p, Complete: i%3 != 0})
			if i%2 == 0 {
				d = omniscient(p)
				d.cfg.EveryAccess = false
			}
			for range 300 {
				step(t, d, randomOp(rnd))
				op, q := recordedOp(rnd)
				to := step(t, d.Clone(), op).Route.Server
				if rnd.IntN(8) == 0 {
					to = d.idAt(place(rnd.IntN(4)))
				}
				before := short{state: d.Snapshot(), last: d.last}
				got := plainly(d.Clone(), &op, &q, to)
				want := atLength(t, d, op, &q, to)
				switch {
				case got.plain && !reflect.DeepEqual(got, want):
					t.Fatalf("%v: %+v\nplainly   %+v\nat length %+v", p, op, got, want)
				case got.plain:
					took[passage(&op)]++
				case !reflect.DeepEqual(got, before):
					t.Fatalf("%v: %+v: not plain, yet\n%+v, before\n%+v", p, op, got, before)
				}
			}
		}
		for _, w := range []string{"slot", "ring", "answer"} {
			if took[w] < 20 {
				t.Errorf("%d of a kind: %s", took[w], w)
			}
		}
	})
}

func passage(op *Op) string {
	switch {
	case op.Kind == OpAnswer:
		return "answer"
	case op.Access.Buffered:
		return "ring"
	}
	return "slot"
}
