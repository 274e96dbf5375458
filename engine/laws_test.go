package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

func profile(t testing.TB) Profile {
	t.Helper()
	p, err := ProfileFor(Release{4, 17}, NPT)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// snapshot returns what can be compared of a state: all but what is derived
// from it and what only Learn needs.
func snapshot(d *Domain) Domain {
	c := *d.Clone()
	c.routes, c.last, c.layout, c.pages.shared, c.pages.recent = routes{}, last{}, nil, false, 0
	return c
}

func sameState(t *testing.T, what string, a, b *Domain) {
	t.Helper()
	if p, q := a.layout.export(), b.layout.export(); !reflect.DeepEqual(p, q) {
		t.Fatalf("%s: layouts differ\n%+v\n%+v", what, p, q)
	}
	x, y := reflect.ValueOf(snapshot(a)), reflect.ValueOf(snapshot(b))
	for i := range x.NumField() {
		p, q := fmt.Sprint(x.Field(i)), fmt.Sprint(y.Field(i))
		if p != q {
			t.Fatalf("%s: states differ in %s\n%s\n%s", what, x.Type().Field(i).Name, p, q)
		}
	}
}

// TestStepIsDeterministic: the same operations have the same effects, and a
// prefix has the effects of the prefix.
func TestStepIsDeterministic(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		a, b := omniscient(profile(t)), omniscient(profile(t))
		for i := range 5000 {
			op := randomOp(rnd)
			c := a.Clone()
			x, _ := a.Step(op)
			y, _ := b.Step(op)
			z, _ := c.Step(op)
			if x != y || x != z {
				t.Fatalf("step %d: %+v\n%+v\n%+v\n%+v", i, op, x, y, z)
			}
		}
		sameState(t, "after all", a, b)
	})
}

// TestCopiesShareNothing: a copy made in the memory of another has the state that it
// was made of, whatever becomes of either.
func TestCopiesShareNothing(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		d, used := omniscient(profile(t)), omniscient(profile(t))
		for range 50 {
			for range 40 {
				d.Step(randomOp(rnd))
				used.Step(randomOp(rnd))
			}
			d.CopyTo(used)
			sameState(t, "at once", d, used)
			before := d.Clone()
			for range 40 {
				d.Step(randomOp(rnd))
			}
			sameState(t, "when the first has gone on", before, used)
			before = d.Clone()
			for range 40 {
				used.Step(randomOp(rnd))
			}
			sameState(t, "when the copy has gone on", before, d)
		}
	})
}

// TestAFailedCallChangesNothing: but set_mem_type that got to some pages, and
// acquire_resource, which allocates first.
func TestAFailedCallChangesNothing(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		d := omniscient(profile(t))
		for i := range 5000 {
			op := randomOp(rnd)
			before := d.Clone()
			e, _ := d.Step(op)
			if op.Kind != OpDM || !e.Ret.Known || e.Ret.Errno == xen.OK || e.Cost.PW > 0 {
				continue
			}
			sameState(t, "failed call", before, d)
			if e.Out != (Out{}) {
				t.Fatalf("step %d: a failed call hands back %+v", i, e.Out)
			}
		}
	})
}

// TestLearnAfterAgreementChangesNothing: what a known result already said, the
// recording does not say again.
func TestLearnAfterAgreementChangesNothing(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		d := omniscient(profile(t))
		for i := range 5000 {
			op := randomOp(rnd)
			e, _ := d.Step(op)
			want := RouteServer
			if op.Access.Buffered {
				want = RouteBuffered
			}
			if !e.Ret.Known && e.Route.Kind != want {
				continue
			}
			before := d.Clone()
			c := d.Learn(op, seenOf(op, e))
			if op.DM.Op == xen.OpGetIOReqServerInfo { // it keeps the words
				continue
			}
			if c != (Cost{}) {
				t.Fatalf("step %d: %+v: costs %+v again", i, op, c)
			}
			sameState(t, "learnt", before, d)
		}
	})
}

// seenOf is what a recording shows of an operation with this effect.
func seenOf(op Op, e Effect) Seen {
	s := Seen{Errno: e.Ret.Errno, Server: xen.NoServer, OutKnown: true}
	w := op.DM.Words()
	for i := range w {
		s.Words[i] = w[i]&^e.Out.Mask[i] | e.Out.Words[i]
	}
	if e.Route.Kind == RouteServer || e.Route.Kind == RouteBuffered {
		s.Server, s.Type, s.Addr = e.Route.Server, e.Route.Type, e.Route.Addr
	}
	return s
}

// TestSetMemTypeIsOnePageAtATime: a run of n pages leaves the state of n runs
// of one page that end with the first refusal, and costs the same but for the
// hypercalls.
func TestSetMemTypeIsOnePageAtATime(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		a := typable(t)
		a.tables.cover(0, 0x1000) // no superpage
		b := a.Clone()
		for i := range 3000 {
			m := xen.SetMemType{
				Type: xen.MemType(rnd.IntN(5)), Nr: 1 + rnd.Uint32N(20), First: xen.GFN(0xff0 + rnd.Uint64N(64)),
			}
			if i%50 == 0 { // back to where most changes are possible
				a.pages.set(0xff0, 0x1100, setRAMRW)
				b.pages.set(0xff0, 0x1100, setRAMRW)
			}
			run := step(t, a, call(m))
			var one Effect
			var sum Cost
			for g := range xen.GFN(m.Nr) {
				one = step(t, b, call(xen.SetMemType{Type: m.Type, Nr: 1, First: m.First + g}))
				sum.Add(&one.Cost)
				if one.Ret.Errno != xen.OK {
					break
				}
			}
			sum.HC = 1
			if run.Ret != one.Ret || run.Cost != sum {
				t.Fatalf("step %d: %+v\n%+v\n%+v, costs %+v", i, m, run, one, sum)
			}
			sameState(t, "typed", a, b)
		}
	})
}

func call(b xen.Body) Op { return Op{Kind: OpDM, NrBufs: 1, Size0: xen.DMOpSize, DM: xen.NewDMOp(b)} }

func step(t testing.TB, d *Domain, op Op) Effect {
	t.Helper()
	e, err := d.Step(op)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestClaimAndReleaseRestorePages: typing pages and releasing the claim leaves
// every page as it was.
func TestClaimAndReleaseRestorePages(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		d := omniscient(profile(t))
		d.servers[2].become(0, xen.BufOff)
		before := d.Clone()
		for range 50 {
			step(t, d, call(xen.MapMemType{ID: 2, Type: xen.MemIOReqServer, Flags: xen.AccessWrite}))
			for range rnd.IntN(20) {
				step(t, d, call(xen.SetMemType{
					Type: xen.MemIOReqServer, Nr: 1 + rnd.Uint32N(3), First: xen.GFN(rnd.Uint64N(worldBase + worldPages)),
				}))
			}
			step(t, d, call(xen.MapMemType{ID: 2, Type: xen.MemIOReqServer}))
			if !slices.Equal(d.pages.runs, before.pages.runs) || d.pages.rest != before.pages.rest || d.claim != before.claim {
				t.Fatalf("pages %+v, claim %+v; were %+v, %+v", d.pages, d.claim, before.pages, before.claim)
			}
		}
	})
}

// TestUnknownKind: the one error there is changes nothing.
func TestUnknownKind(t *testing.T) {
	d := omniscient(profile(t))
	before := d.Clone()
	for _, k := range []OpKind{0, numOps, 255} {
		if _, err := d.Step(Op{Kind: k}); !errors.Is(err, ErrUnknownOp) {
			t.Errorf("kind %d: error %v", k, err)
		}
	}
	sameState(t, "unknown kind", before, d)
}

// TestAccessOfARequest: every delivered request is the request of the access it is
// turned back into.
func TestAccessOfARequest(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		d := omniscient(profile(t))
		for i := range 5000 {
			op := randomOp(rnd)
			e, _ := d.Step(op)
			if op.Kind != OpAccess || e.Route.Kind != RouteServer {
				continue
			}
			q := xen.IOReq{
				Type: e.Route.Type, Addr: e.Route.Addr, Count: e.Route.Count, Size: op.Access.Size, Dir: op.Access.Dir,
				DF: op.Access.DF, DataIsPtr: op.Access.DataIsPtr, Data: op.Access.Data,
			}
			again := step(t, d, Op{Kind: OpAccess, Access: accessOf(op.Access.VCPU, q)})
			again.Route.Why = e.Route.Why // the ring is no part of a request
			if again.Route != e.Route {
				t.Fatalf("step %d: %+v\n%+v\n%+v", i, op.Access, e.Route, again.Route)
			}
		}
	})
}

// TestClonesPartOnlyWhereTheyChange: a change of ranges in a domain or in one of its
// copies is seen in no other.
func TestClonesPartOnlyWhereTheyChange(t *testing.T) {
	d := omniscient(profile(t))
	at := func(first uint64) xen.Range { return xen.Range{First: first, Last: first + 1} }
	do := func(d *Domain, b xen.Body) {
		if e := step(t, d, call(b)); !e.Ret.ok() {
			t.Fatalf("%+v: %v", b, e.Ret)
		}
	}
	do(d, xen.CreateIOReqServer{})
	do(d, xen.MapIORange{Range: at(0)})
	do(d, xen.MapIORange{Range: at(8)})
	var kept Domain
	d.CopyTo(&kept)
	all := []*Domain{d, d.Clone(), d.Clone(), &kept}
	for i, d := range all {
		do(d, xen.UnmapIORange{Range: at(0)})
		do(d, xen.MapIORange{Range: at(16 + 8*uint64(i))})
	}
	for i, d := range all {
		want := rangeset{{8, 9}, {16 + 8*uint64(i), 17 + 8*uint64(i)}}
		if got := d.servers[0].ranges[xen.SpacePort]; !slices.Equal(got, want) {
			t.Errorf("domain %d stores %v, want %v", i, got, want)
		}
	}
	all[1].CopyTo(&kept)
	all[1].Clone().CopyTo(all[2])
	do(&kept, xen.UnmapIORange{Range: at(8)})
	do(all[2], xen.UnmapIORange{Range: at(8)})
	if got := all[1].servers[0].ranges[xen.SpacePort]; !slices.Equal(got, rangeset{{8, 9}, {24, 25}}) {
		t.Errorf("copies changed their original: %v", got)
	}
}

func accessOf(v xen.VCPU, q xen.IOReq) (a Access) {
	a.Of(v, &q)
	return a
}
