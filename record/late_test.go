package record

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

func lateDecoder(servers ...format.ServerFound) *decoder {
	d := newDecoder()
	d.late.pages[testPID] = 1
	for _, s := range servers {
		d.late.found[s.Dom] = append(d.late.found[s.Dom], s)
	}
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

func TestTwoOldMappingsAreNotTold(t *testing.T) {
	d := lateDecoder(format.ServerFound{Dom: testDom, Server: 2}, format.ServerFound{Dom: testDom, Server: 3})
	d.late.pages[testPID] = 2
	q := xen.IOReq{EPort: 5, State: xen.StateReady}
	got := decodeAll(d, rawDMOpOf(1, xen.NewDMOp(xen.MapIORange{ID: 3})), rawSlot(rawSlotIn, 9, xen.NoServer, q))
	if last := got[len(got)-1]; last.Server != xen.NoServer {
		t.Errorf("server %v", last.Server)
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
