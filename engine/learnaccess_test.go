package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// TestLearnedRequestsOutdateRoutes: what requests teach is in the routes at once, and
// one that teaches nothing leaves them as they are.
func TestLearnedRequestsOutdateRoutes(t *testing.T) {
	p, err := ProfileFor(Release{4, 17}, NPT)
	if err != nil {
		t.Fatal(err)
	}
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		unsure := 0
		var d *Domain
		for i := range 4000 {
			if i%40 == 0 {
				d = lateServers(rnd, p)
			}
			a := Access{Type: xen.TypePIO, Addr: 8 * rnd.Uint64N(64), Size: 1 << rnd.IntN(3), Count: 1, Dir: xen.DirRead}
			if rnd.IntN(2) == 0 {
				a.Type, a.Addr = xen.TypeCopy, 0xf0000000+a.Addr
			}
			to := xen.ServerID(rnd.IntN(3))
			learnAccess(d, a, to)
			checkRoutes(t, d, a)
			if learnAccess(d, a, to) == RouteUnknown {
				unsure++
			}
			if d.routes.stale || d.routes.spaces[space(a.Type)].stale {
				t.Fatalf("%+v to server %d, seen again, has outdated the routes", a, to)
			}
			checkRoutes(t, d, a)
		}
		if unsure < 100 {
			t.Errorf("%d requests were not certain the second time: want 100", unsure)
		}
	})
}

// lateServers returns a domain with some of three servers, of which little is known.
func lateServers(rnd *rand.Rand, p Profile) *Domain {
	d := New(Config{Dom: 1, Profile: p})
	for i := range 3 {
		s := &d.servers[i]
		s.exists, s.enabled, s.closed = Tri(rnd.IntN(3)), Tri(rnd.IntN(3)), rnd.IntN(2) == 0
	}
	for i := 3; i < maxServers; i++ {
		d.servers[i].gone()
	}
	return d
}

// learnAccess steps an access that was seen at a server, and says what the model made
// of it.
func learnAccess(d *Domain, a Access, to xen.ServerID) RouteKind {
	op := Op{Kind: OpAccess, Access: a}
	e, _ := d.Step(op)
	d.Learn(op, Seen{Server: to, Type: a.Type, Addr: a.Addr})
	return e.Route.Kind
}

func space(t xen.IOReqType) xen.Space {
	if t == xen.TypePIO {
		return xen.SpacePort
	}
	return xen.SpaceMemory
}

// checkRoutes compares the routes around an access with the loop over servers.
func checkRoutes(t *testing.T, d *Domain, a Access) {
	t.Helper()
	for _, at := range []uint64{a.Addr - 8, a.Addr, a.Addr + 8} {
		var r Route
		id, ok := d.choose(&r, space(a.Type), at, at+3)
		if wantID, want, nodes := d.slowChoose(space(a.Type), at, at+3); id != wantID || ok != want || r.Nodes != nodes {
			t.Fatalf("%#x: server %v %v by %d nodes, want %v %v by %d", at, id, ok, r.Nodes, wantID, want, nodes)
		}
	}
}
