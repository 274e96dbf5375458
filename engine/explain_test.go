package engine

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestExplainIsStep: whatever is asked of a random domain of each profile, the
// explanation ends as the step does, has reasons, and leaves the domain alone.
func TestExplainIsStep(t *testing.T) {
	for seed, p := range Profiles() {
		rnd := rand.New(rand.NewPCG(uint64(seed), 5))
		d := New(Config{Dom: 1, Profile: p, Complete: seed%3 != 0, EveryAccess: seed%2 == 0})
		for range 400 {
			op := randomOp(rnd)
			before := d.Snapshot()
			x, err := d.Explain(op)
			if err != nil || len(x.Reasons) == 0 {
				t.Fatalf("%v: %+v: %d reasons, %v", p, op, len(x.Reasons), err)
			}
			if !reflect.DeepEqual(d.Snapshot(), before) {
				t.Fatalf("%v: explaining %+v changes the domain", p, op)
			}
			e, _ := d.Step(op)
			if e != x.Effect {
				t.Fatalf("%v: %+v\nis explained as %+v\nand done as   %+v", p, op, x.Effect, e)
			}
			if rnd.IntN(4) == 0 {
				d.Learn(op, Seen{Server: op.Answer.Server, Type: op.Access.Type, Addr: op.Access.Addr, Errno: e.Ret.Errno})
			}
		}
	}
}

func TestExplainRefusesUnknownOps(t *testing.T) {
	if _, err := New(Config{}).Explain(Op{}); err != ErrUnknownOp {
		t.Error(err)
	}
}
