package replay

import (
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

func TestRequestBetweenEntryAndReturn(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	m := mapping(0, xen.SpacePort, 0x3f8, 0x3ff)
	call := tp.enter(dom, m)
	tp.do(dom, 0, 0, 0x3f8) // only the new state explains it
	tp.leave(dom, call, xen.OK, m)
	tp.do(dom, 0, 0, 0x3f9)
	r, vs := tp.replay(t)
	want(t, r, vs, 4+2+1+2, 0, 0)
}

func TestRequestBeforeEntryIsNotExcused(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	q := tp.in(dom, 0, 0, 0x3f8)
	m := mapping(0, xen.SpacePort, 0x3f8, 0x3ff)
	tp.dm(dom, m, xen.OK)
	tp.out(q)
	r, _ := tp.replay(t)
	if r.Differ == 0 || r.FirstDifference.Event != uint64(len(tp.events)-4) {
		t.Errorf("%+v", r.FirstDifference)
	}
}

func TestEarlyCallMustReturnWhatItDid(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	m := mapping(0, xen.SpacePort, 0x3f8, 0x3ff)
	call := tp.enter(dom, m)
	tp.do(dom, 0, 0, 0x3f8)
	tp.leave(dom, call, xen.EExist, m)
	r, vs := tp.replay(t)
	want(t, r, vs, 4+2, 1, 0)
}

func TestRequestRoutedBeforeFinishedCall(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.server(dom, 1, 0x60, 0x64) // scanned first
	tp.dm(dom, unmapping(1, xen.SpacePort, 0x60, 0x64), xen.OK)
	tp.do(dom, 1, 0, 0x60) // found late: sent before the unmap
	tp.do(dom, 0, 0, 0x60)
	r, vs := tp.replay(t)
	want(t, r, vs, 4+4+1+4, 0, 0)
}

func TestAnswerBoundsHowOldARouteMayBe(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.server(dom, 1, 0x60, 0x64)
	tp.dm(dom, unmapping(1, xen.SpacePort, 0x60, 0x64), xen.OK)
	tp.do(dom, 0, 0, 0x60)
	tp.in(dom, 1, 0, 0x60) // the vCPU was answered after the unmap
	r, vs := tp.replay(t)
	want(t, r, vs, 4+4+1+2, 1, 0)
}

func TestEmptySlotBoundsHowOldARouteMayBe(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.dm(dom, unmapping(0, xen.SpacePort, 0x60, 0x64), xen.OK)
	q := tp.in(dom, 0, 0, 0x60)
	spurious := q
	spurious.Req.State = xen.StateNone
	last := len(tp.events) - 1
	tp.events[last] = spurious.Event(20, 0)
	tp.events[last].Seq = uint64(last)
	tp.in(dom, 0, 0, 0x60)
	r, vs := tp.replay(t)
	want(t, r, vs, 4+1, 1, 0)
	if r.Spurious != 1 {
		t.Errorf("spurious %d", r.Spurious)
	}
}

func TestOverlappingClaims(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.server(dom, 1, 0x3f8, 0x3ff)
	a := tp.enter(dom, claimOf(0))
	b := tp.enter(dom, claimOf(1))
	tp.leave(dom, b, xen.EBusy, claimOf(1)) // so a came first
	tp.leave(dom, a, xen.OK, claimOf(0))
	tp.dm(dom, claimOf(1), xen.EBusy)
	r, vs := tp.replay(t)
	want(t, r, vs, 8+3, 0, 0)
}

func TestOverlappingClaimsCannotBothFail(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.server(dom, 1, 0x3f8, 0x3ff)
	a := tp.enter(dom, claimOf(0))
	b := tp.enter(dom, claimOf(1))
	tp.leave(dom, b, xen.EBusy, claimOf(1))
	tp.leave(dom, a, xen.EBusy, claimOf(0))
	r, vs := tp.replay(t)
	want(t, r, vs, 8+1, 1, 0)
}

func TestCallBeforeOneThatReturnedFirst(t *testing.T) {
	claim := claimOf(1)
	release := xen.MapMemType{ID: 0, Type: xen.MemIOReqServer}
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.server(dom, 1, 0x3f8, 0x3ff)
	tp.dm(dom, claimOf(0), xen.OK)
	a := tp.enter(dom, claim)
	tp.dm(dom, release, xen.OK)
	tp.leave(dom, a, xen.EBusy, claim) // before the release
	tp.dm(dom, claim, xen.OK)
	r, vs := tp.replay(t)
	want(t, r, vs, 8+4, 0, 0)
}

func TestOverlappingCreates(t *testing.T) {
	tp := &tape{}
	a := tp.enter(dom, xen.CreateIOReqServer{})
	b := tp.enter(dom, xen.CreateIOReqServer{})
	tp.leave(dom, b, xen.OK, xen.CreateIOReqServer{ID: 1})
	tp.leave(dom, a, xen.OK, xen.CreateIOReqServer{ID: 0})
	tp.create(dom, xen.BufOff, 2)
	r, vs := tp.replay(t)
	want(t, r, vs, 3, 0, 0)
}

func TestTwoEarlyCalls(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.create(dom, xen.BufOff, 1)
	tp.acquire(dom, 1, 1, 1, 0)
	m := mapping(1, xen.SpacePort, 0x3f8, 0x3ff)
	on := xen.SetIOReqServerState{ID: 1, Enabled: 1}
	a := tp.enter(dom, on)
	b := tp.enter(dom, m)
	tp.do(dom, 1, 0, 0x3f8)
	tp.leave(dom, a, xen.OK, on)
	tp.leave(dom, b, xen.OK, m)
	r, vs := tp.replay(t)
	want(t, r, vs, 6+2+2, 0, 0)
}

// TestLongPast overflows the kept steps and checks that the model stays right.
func TestLongPast(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	for i := range uint64(3 * keep) {
		tp.do(dom, 0, 0, 0x60)
		if i%100 == 0 {
			tp.dm(dom, mapping(0, xen.SpacePort, 0x1000+i, 0x1000+i), xen.OK)
		}
	}
	m := mapping(0, xen.SpacePort, 0x3f8, 0x3ff)
	call := tp.enter(dom, m)
	tp.do(dom, 0, 0, 0x3f8)
	tp.leave(dom, call, xen.OK, m)
	tp.dm(dom, mapping(0, xen.SpacePort, 0x1000, 0x1000), xen.EExist)
	r, vs := tp.replay(t)
	want(t, r, vs, 4+6*keep+62+2+1+1, 0, 0)
}
