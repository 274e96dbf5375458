package replay

import (
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

func (t *tape) bufWrite(s xen.ServerID, size uint32) {
	t.add(format.BufIOReq{Dom: dom, Server: s, ID: t.id(), Type: xen.TypeCopy, Dir: xen.DirWrite, Addr: 0xa0000, Size: size}.Event(0))
}

func (t *tape) lostSlots(s xen.ServerID, n uint64) {
	t.add(format.Lost{Dom: dom, Server: s, Probe: format.ProbeRing, Reason: format.ReasonOverrun, Count: n}.Event(0))
}

func (t *tape) ringCount(s xen.ServerID, captured, lost uint64) {
	t.add(format.RingCount{Dom: dom, Server: s, Captured: captured, Lost: lost}.Event(0))
}

// ringSession has two rings. The first server's account is closed twice, with one slot
// more than told the second time.
func ringSession() *tape {
	t := &tape{}
	t.server(dom, 0, 0x3f8, 0x3ff)
	t.server(dom, 1, 0x60, 0x64)
	t.bufWrite(1, 4)
	t.bufWrite(0, 8) // two slots
	t.lostSlots(1, 5)
	t.bufWrite(1, 2)
	t.ringCount(1, 2, 5)
	t.ringCount(0, 2, 0)
	t.bufWrite(0, 1)
	t.bufWrite(0, 1)
	t.ringCount(0, 1, 0)
	return t
}

func TestRingAccountsMustAddUp(t *testing.T) {
	tp := ringSession()
	r, _ := runAll(t, header, tp.events, Options{})
	if r.Rings != 3 || r.RingMismatches != 1 {
		t.Fatalf("want one account of three that does not add up, got %d of %d: %s", r.RingMismatches, r.Rings, r.FirstRingMismatch)
	}
	const want = "dom3 server 0: 1 slots captured and 0 lost, the events before it have 2 and 0"
	if !strings.HasSuffix(r.FirstRingMismatch, want) {
		t.Errorf("want %q, got %q", want, r.FirstRingMismatch)
	}
	everywhere(t, header, tp.events)
	var text strings.Builder
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "accounts of rings that the events before them contradict: 1 of 3\n  event ") {
		t.Errorf("%v, %s", err, &text)
	}
}

// TestRingAccountsOfPartsAreNotJudged: a late recorder has not seen all, one that was
// told to choose has not recorded all, and a damaged file has not kept all.
func TestRingAccountsOfPartsAreNotJudged(t *testing.T) {
	late, chosen := header, header
	late.Partial = true
	chosen.Chosen = &format.Choice{Ports: []format.Span{{First: 1, Last: 2}}}
	for name, h := range map[string]format.Header{"late": late, "chosen": chosen} {
		if r, _ := runAll(t, h, ringSession().events, Options{}); r.Rings != 0 || r.RingMismatches != 0 {
			t.Errorf("%s: %d of %d accounts judged wrong: %s", name, r.RingMismatches, r.Rings, r.FirstRingMismatch)
		}
	}
	tp := ringSession()
	tp.events = tp.events[:len(tp.events)-1]
	tp.lost(format.ProbeFile, 1)
	tp.ringCount(0, 1, 0)
	if r, _ := runAll(t, header, tp.events, Options{}); r.Rings != 2 || r.RingMismatches != 0 {
		t.Errorf("behind damage: %d of %d accounts judged wrong: %s", r.RingMismatches, r.Rings, r.FirstRingMismatch)
	}
}
