package record

import (
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

func TestPseudonymsKeepEqualityOnly(t *testing.T) {
	p := newPseudonym()
	a := p.of(0x41, 1)
	if a == 0x41 || a != p.of(0xff41, 1) || a == p.of(0x42, 1) || a == p.of(0x41, 2) {
		t.Errorf("%#x, %#x, %#x, %#x", a, p.of(0xff41, 1), p.of(0x42, 1), p.of(0x41, 2))
	}
	if newPseudonym().of(0x41, 1) == a {
		t.Error("two captures have the same key")
	}
}

func TestHashedDataStandsForTheData(t *testing.T) {
	d := newDecoder()
	d.hashed = newPseudonym()
	request := func(addr, data uint64) uint64 {
		q := xen.IOReq{Addr: addr, Data: data, Size: 1, Count: 1, EPort: 9, State: xen.StateReady}
		ev := decodeAll(d, rawSlot(rawSlotIn, 10, 1, q))
		r := ev[len(ev)-1].IOReq()
		if !r.DataKnown {
			t.Errorf("request to %#x: data unknown", addr)
		}
		return r.Req.Data
	}
	if a, b := request(0x60, 0x1e), request(0x60, 0x1e); a != b || a == 0x1e {
		t.Errorf("%#x and %#x", a, b)
	}
	if got := request(0xcf8, 0x80); got != 0x80 {
		t.Errorf("PCI configuration: %#x", got)
	}
}
