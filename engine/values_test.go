package engine

import (
	"reflect"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// TestAccepts is the table of who may have got a request.
func TestAccepts(t *testing.T) {
	for _, c := range []struct {
		route Route
		id    xen.ServerID
		want  Tri
	}{
		{Route{Kind: RouteUnknown, Server: 2}, 2, Maybe},
		{Route{Kind: RouteUnknown, Server: 2}, 3, Maybe},
		{Route{Kind: RouteServer, Server: 2}, 2, Yes},
		{Route{Kind: RouteServer, Server: 2}, 3, No},
		{Route{Kind: RouteBuffered, Server: 2}, 2, Yes},
		{Route{Kind: RouteBroadcast, Sure: 1 << 2, Open: 1 << 3}, 2, Yes},
		{Route{Kind: RouteBroadcast, Sure: 1 << 2, Open: 1 << 3}, 3, Maybe},
		{Route{Kind: RouteBroadcast, Sure: 1 << 2, Open: 1 << 3}, 4, No},
		{Route{Kind: RouteBroadcast, Sure: 0xff}, xen.NoServer, No},
		{Route{Kind: RouteNull, Server: 2}, 2, No},
		{Route{Kind: RouteRefault}, 0, No},
		{Route{Kind: RouteRAM}, 0, No},
		{Route{Kind: RouteXenCrash}, 0, No},
	} {
		if got := c.route.Accepts(c.id); got != c.want {
			t.Errorf("%+v: server %v: %v, want %v", c.route, c.id, got, c.want)
		}
	}
}

// TestNames covers the texts that reports print.
func TestNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Maybe.String(), "maybe"}, {No.String(), "no"}, {Yes.String(), "yes"},
		{P2MMMIODM.String(), "mmio_dm"}, {P2MType(200).String(), "?"},
		{setAll.String(), "unknown"}, {setUntyped.String(), "untyped"}, {(setRAMRW | setPaged).String(), "ram_rw|paged"},
		{NPT.String(), "npt"}, {EPT.String(), "ept"}, {Release{4, 20}.String(), "4.20"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestFoundIgnoresImpossibleIDs: an id of no slot is no server.
func TestFoundIgnoresImpossibleIDs(t *testing.T) {
	d := New(Config{Dom: 1, Profile: profile(t), Complete: true})
	before := d.Clone()
	d.Found(maxServers, Yes)
	d.Found(xen.NoServer, Yes)
	sameState(t, "found nothing", before, d)
}

// TestCostAdd adds every field.
func TestCostAdd(t *testing.T) {
	var c, d, want Cost
	for i := range reflect.TypeOf(c).NumField() {
		n := uint64(i + 1)
		reflect.ValueOf(&c).Elem().Field(i).SetUint(n)
		reflect.ValueOf(&d).Elem().Field(i).SetUint(100 * n)
		reflect.ValueOf(&want).Elem().Field(i).SetUint(101 * n)
	}
	if c.Add(&d); c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

// TestCloneIsIndependent: stepping a clone leaves the original alone.
func TestCloneIsIndependent(t *testing.T) {
	d, ops := crowded(t)
	c := d.Clone()
	before := d.Clone()
	for id := range xen.ServerID(maxServers) {
		step(t, c, call(xen.UnmapIORange{ID: id, Range: xen.Range{Space: xen.SpaceMemory, First: 0xf000_0000 + uint64(id)*0x100, Last: 0xf000_0000 + uint64(id)*0x100}}))
		step(t, c, call(xen.DestroyIOReqServer{ID: id}))
	}
	sameState(t, "cloned", before, d)
	if e := step(t, d, ops[0]); e.Route.Kind != RouteServer {
		t.Errorf("the original routes %+v", e.Route)
	}
	if e := step(t, c, ops[0]); e.Route.Kind != RouteNull {
		t.Errorf("the clone routes %+v", e.Route)
	}
}
