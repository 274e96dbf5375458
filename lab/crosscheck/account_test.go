package crosscheck

import (
	"iter"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/xen"
)

func pairsOf[T any](all ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func TestBalanceAddsUp(t *testing.T) {
	log := pairsOf(dm.Line{Buf: &dm.BufLine{Server: 1}}, dm.Line{Buf: &dm.BufLine{Server: 2}}, dm.Line{Total: &dm.TotalLine{Sync: 10, BufSlots: 20}})
	ready := format.IOReq{ID: 1, Req: xen.IOReq{State: xen.StateReady}}.Event(format.KindIOReq, 1)
	taken := format.IOReq{ID: 1}.Event(format.KindIOResp, 1)
	idle := format.IOReq{}.Event(format.KindIOReq, 1)
	events := pairsOf(
		ready, idle, ready, taken, taken, // of which the second answers nothing
		format.RingCount{Server: 1, Captured: 12, Lost: 5}.Event(2),
		format.RingCount{Server: 2, Captured: 3}.Event(2),
		format.RingCount{Server: 0, Captured: 3, Lost: 1}.Event(2),
		format.Lost{Probe: format.ProbeIOReq, Reason: format.ReasonShare, Count: 9}.Event(3),
		format.Lost{Probe: format.ProbePrivcmd, Reason: format.ReasonShare, Count: 2}.Event(3))
	a, err := Balance(log, 5, events)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Sum{5, 10, 15}); a.Requests != want || !a.Requests.Exact() {
		t.Errorf("requests: %v, want %v", a.Requests, want)
	}
	if want := (Sum{15, 5, 20}); a.Slots != want || !a.Slots.Exact() {
		t.Errorf("slots: %v, want %v", a.Slots, want)
	}
	if a.Answers != (Sum{4, 1, 15}) || a.ByReason[format.ReasonShare] != 11 {
		t.Errorf("answers %v, by reason %v", a.Answers, a.ByReason)
	}
}
