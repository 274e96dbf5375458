package record

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

func lateDecoder(servers ...format.ServerFound) *decoder {
	d := newDecoder()
	d.late.pages[testPID] = candidates{all: 1}
	for _, s := range servers {
		d.late.found[s.Dom] = append(d.late.found[s.Dom], s)
	}
	return d
}

func candidatesOf(d *decoder, c candidates) *decoder {
	d.late.pages[testPID] = c
	return d
}

func TestOldMappingGetsItsServerOnlyWhenCertain(t *testing.T) {
	q := xen.IOReq{EPort: 5, State: xen.StateReady}
	slot := rawSlot(rawSlotIn, 9, xen.NoServer, q)
	readRing := rawRecord(rawRead, 1)
	le.PutUint32(readRing[36:], 30)
	le.PutUint16(readRing[40:], testDom)
	one := format.ServerFound{Dom: testDom, Server: 2, BufPort: 30}
	two := format.ServerFound{Dom: testDom, Server: 3, BufPort: 31}
	for _, c := range []struct {
		name   string
		d      *decoder
		before [][]byte
		want   xen.ServerID
	}{
		{"only server", lateDecoder(one), nil, 2},
		{"two servers", lateDecoder(one, two), nil, xen.NoServer},
		{"its ring port", lateDecoder(one, two), [][]byte{readRing}, 2},
		{"its dm_op", lateDecoder(one, two), [][]byte{rawDMOpOf(1, xen.NewDMOp(xen.MapIORange{ID: 3}))}, 3},
		{"both named", lateDecoder(one, two), [][]byte{readRing, rawDMOpOf(1, xen.NewDMOp(xen.MapIORange{ID: 3}))}, xen.NoServer},
		{"a younger server named", lateDecoder(one, two), [][]byte{rawDMOpOf(1, xen.NewDMOp(xen.MapIORange{ID: 4}))}, xen.NoServer},
		{"a ring's port, one pair among pages", candidatesOf(lateDecoder(one, two), candidates{all: 9, pairs: 1}), [][]byte{readRing}, 2},
		{"a ring's port, two pairs", candidatesOf(lateDecoder(one, two), candidates{all: 2, pairs: 2}), [][]byte{readRing}, xen.NoServer},
		{"no ring, one pair among pages", candidatesOf(lateDecoder(one, format.ServerFound{Dom: testDom, Server: 3}), candidates{all: 9, pairs: 1}),
			[][]byte{rawDMOpOf(1, xen.NewDMOp(xen.MapIORange{ID: 3}))}, xen.NoServer},
		{"one of its id created since", lateDecoder(one, two),
			append(rawCall(1, 2, xen.CreateIOReqServer{ID: 3}), rawDMOpOf(3, xen.NewDMOp(xen.MapIORange{ID: 3}))), xen.NoServer},
		{"named before its end", lateDecoder(one, two),
			append([][]byte{readRing}, rawCall(1, 2, xen.DestroyIOReqServer{ID: 2})...), 2},
		{"none found", lateDecoder(), nil, xen.NoServer},
	} {
		got := decodeAll(c.d, append(c.before, slot, slot)...)
		last := got[len(got)-1]
		if last.Kind != format.KindIOReq || last.Server != c.want {
			t.Errorf("%s: server %v, want %v", c.name, last.Server, c.want)
		}
		unlearned := 0
		for _, e := range got {
			if e.Kind == format.KindUnlearned && e.Unlearned().What == format.WhatServerOfPage {
				unlearned++
			}
		}
		if (unlearned == 1) != (c.want == xen.NoServer) {
			t.Errorf("%s: %d unlearned events", c.name, unlearned)
		}
	}
}

// TestElimination: with one of two servers known by its vCPU's port, a mapping
// with another port for that vCPU is the other's; one with the same port is not, nor is
// any if what is known is of a younger server with the id.
func TestElimination(t *testing.T) {
	for _, c := range []struct {
		eport  xen.Port
		before [][]byte
		want   xen.ServerID
	}{{6, nil, 3}, {5, nil, xen.NoServer}, {6, rawCall(1, 2, xen.CreateIOReqServer{ID: 2}), xen.NoServer}} {
		d := lateDecoder(format.ServerFound{Dom: testDom, Server: 2}, format.ServerFound{Dom: testDom, Server: 3})
		known := rawSlot(rawSlotIn, 1, 2, xen.IOReq{EPort: 5, State: xen.StateReady})
		old := rawSlot(rawSlotIn, 2, xen.NoServer, xen.IOReq{EPort: c.eport, State: xen.StateReady})
		le.PutUint16(old[46:], 1) // another mapping
		got := decodeAll(d, append(c.before, known, old)...)
		if last := got[len(got)-1]; last.Server != c.want {
			t.Errorf("port %d, %d records before: server %v, want %v", c.eport, len(c.before), last.Server, c.want)
		}
	}
}

func TestTwoOldMappingsAreNotTold(t *testing.T) {
	d := lateDecoder(format.ServerFound{Dom: testDom, Server: 2}, format.ServerFound{Dom: testDom, Server: 3})
	d.late.pages[testPID] = candidates{all: 2}
	q := xen.IOReq{EPort: 5, State: xen.StateReady}
	got := decodeAll(d, rawDMOpOf(1, xen.NewDMOp(xen.MapIORange{ID: 3})), rawSlot(rawSlotIn, 9, xen.NoServer, q))
	if last := got[len(got)-1]; last.Server != xen.NoServer {
		t.Errorf("server %v", last.Server)
	}
}

// TestRingApartFromSlots: a page that was mapped by itself, as those are that were
// mapped by frame number, has its server's slots and not its ring. That is said once.
func TestRingApartFromSlots(t *testing.T) {
	slot := rawSlot(rawSlotIn, 9, xen.NoServer, xen.IOReq{EPort: 5, State: xen.StateReady})
	for _, c := range []struct {
		port  xen.Port
		pairs int
		want  int
	}{{30, 0, 1}, {30, 1, 0}, {0, 0, 0}} {
		d := candidatesOf(lateDecoder(format.ServerFound{Dom: testDom, Server: 2, BufPort: c.port}), candidates{all: 1, pairs: c.pairs})
		n := 0
		for _, e := range decodeAll(d, slot, slot) {
			if u := e.Unlearned(); e.Kind == format.KindUnlearned && u.What == format.WhatRing && u.Server == 2 {
				n++
			}
		}
		if n != c.want {
			t.Errorf("port %d, %d pairs: told of %d rings, want %d", c.port, c.pairs, n, c.want)
		}
	}
}

func TestServerPagesByTheirSize(t *testing.T) {
	const maps = `55d0a0000000-55d0a0100000 r-xp 00000000 fe:00 1234  /usr/bin/qemu
7f0000000000-7f0000002000 rw-s 00000000 00:06 90   /dev/xen/privcmd
7f0000010000-7f0000011000 rw-s 00000000 00:06 90   /dev/xen/privcmd
7f0000100000-7f0000200000 rw-s 00000000 00:06 90   /dev/xen/privcmd
7f0000300000-7f0000301000 rw-s 00000000 00:06 91   /dev/xen/gntdev
nonsense
zz-yy rw-s 00000000 00:06 90   /dev/xen/privcmd
`
	got := serverPages(maps, "/dev/xen/privcmd")
	want := []pagePair{{0x7f0000000000, 0x7f0000001000}, {0, 0x7f0000010000}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%x, want %x", got, want)
	}
}
