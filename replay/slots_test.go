package replay

import (
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// two returns a tape with two servers and the number of calls that made them.
func two() (*tape, uint64) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.server(dom, 1, 0x3f8, 0x3ff)
	return tp, 8
}

func (t *tape) outAs(q format.IOReq, s xen.State) {
	q.Req.State = s
	t.add(q.Event(format.KindIOResp, 0))
}

func TestWrongReceiver(t *testing.T) {
	tp, n := two()
	tp.do(dom, 1, 0, 0x60)
	tp.do(dom, 0, 0, 0x60)
	r, vs := tp.replay(t)
	want(t, r, vs, n+2, 1, 1) // the answer to a request that should not be there is not judged
	v := r.FirstDifference
	if v.Want != "server 0: pio 0x60" || v.Got != "server 1: pio 0x60" || v.EventKind != "ioreq" {
		t.Errorf("%+v", v)
	}
}

func TestNoReceiver(t *testing.T) {
	tp, n := two()
	tp.do(dom, 1, 0, 0x99)
	r, vs := tp.replay(t)
	want(t, r, vs, n, 1, 1)
	if r.FirstDifference.Want != "no server" {
		t.Errorf("%+v", r.FirstDifference)
	}
}

func TestSecondRequestWhileOneWaits(t *testing.T) {
	for _, s := range []xen.ServerID{0, 1} { // the same slot, and another of the vCPU
		tp, n := two()
		tp.in(dom, 0, 0, 0x60)
		tp.in(dom, s, 0, []uint64{0x60, 0x3f8}[s])
		r, vs := tp.replay(t)
		want(t, r, vs, n+1, 1, 0)
		if r.FirstDifference.Why != whyUnanswered {
			t.Errorf("%+v", r.FirstDifference)
		}
	}
}

func TestVCPUsDoNotWaitForEachOther(t *testing.T) {
	tp, n := two()
	a := tp.in(dom, 0, 0, 0x60)
	b := tp.in(dom, 0, 1, 0x60)
	c := tp.in(dom, 1, 2, 0x3f8)
	tp.out(b)
	tp.out(a)
	tp.out(c)
	r, vs := tp.replay(t)
	want(t, r, vs, n+6, 0, 0)
}

func TestDestroyReleasesTheVCPU(t *testing.T) {
	tp, n := two()
	tp.in(dom, 0, 0, 0x60)
	call := tp.enter(dom, xen.DestroyIOReqServer{ID: 0})
	tp.do(dom, 1, 0, 0x3f8)
	tp.leave(dom, call, xen.OK, xen.DestroyIOReqServer{ID: 0})
	r, vs := tp.replay(t)
	want(t, r, vs, n+4, 0, 0)
	if r.Unanswered != 0 {
		t.Errorf("unanswered %d", r.Unanswered)
	}
}

func TestSameRequestSeenTwice(t *testing.T) {
	tp, n := two()
	q := tp.in(dom, 0, 0, 0x60)
	tp.add(q.Event(format.KindIOReq, 0))
	tp.out(q)
	r, vs := tp.replay(t)
	want(t, r, vs, n+2, 0, 0)
	if r.Spurious != 1 {
		t.Errorf("spurious %d", r.Spurious)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name                        string
		do                          func(*tape, format.IOReq)
		agree, differ, undetermined uint64
	}{
		{"at once", func(tp *tape, q format.IOReq) { tp.out(q) }, 1, 0, 0},
		{"notified on the way", func(tp *tape, q format.IOReq) {
			tp.outAs(q, xen.StateInProcess)
			tp.out(q)
		}, 1, 0, 0},
		{"slot cleared", func(tp *tape, q format.IOReq) { tp.outAs(q, xen.StateNone) }, 1, 0, 0},
		{"slot cleared, with an id of its own", func(tp *tape, q format.IOReq) {
			q.ID += 1000
			tp.outAs(q, xen.StateNone)
			tp.do(dom, 0, 0, 0x60)
		}, 3, 0, 0},
		{"notified once more", func(tp *tape, q format.IOReq) {
			tp.out(q)
			q.ID += 1000
			tp.outAs(q, xen.StateNone)
			tp.outAs(q, xen.StateReady)
		}, 1, 0, 0},
		{"no such state", func(tp *tape, q format.IOReq) { tp.outAs(q, 9) }, 0, 1, 0},
		{"next request was there already", func(tp *tape, q format.IOReq) {
			tp.outAs(q, xen.StateReady)
			tp.do(dom, 0, 0, 0x60)
		}, 2, 0, 1},
		{"another request's", func(tp *tape, q format.IOReq) {
			q.ID += 1000
			tp.out(q)
		}, 0, 1, 0},
		{"another server's slot", func(tp *tape, q format.IOReq) {
			q.Server = 1
			tp.out(q)
		}, 0, 1, 0},
		{"in-place emulation", func(tp *tape, q format.IOReq) {
			q.Req.Addr, q.Req.Type, q.Req.Data = 0, xen.TypeCopy, 5
			tp.out(q)
		}, 1, 0, 0},
		{"twice", func(tp *tape, q format.IOReq) {
			tp.out(q)
			tp.out(q)
		}, 1, 0, 1},
	} {
		tp, n := two()
		c.do(tp, tp.in(dom, 0, 0, 0x60))
		r, vs := tp.replay(t)
		t.Log(c.name)
		want(t, r, vs, n+1+c.agree, c.differ, c.undetermined)
	}
}

func TestSpuriousReadIsNoRequest(t *testing.T) {
	tp, n := two()
	for _, s := range []xen.State{xen.StateNone, xen.StateInProcess, xen.StateRespReady} {
		tp.add(format.IOReq{Dom: dom, Server: 0, ID: tp.id(), Req: xen.IOReq{State: s}}.Event(format.KindIOReq, 0))
	}
	tp.add(format.IOReq{Dom: xen.DomInvalid, Server: xen.NoServer, VCPU: xen.NoVCPU}.Event(format.KindIOReq, 0))
	r, vs := tp.replay(t)
	want(t, r, vs, n, 0, 0)
	if r.Spurious != 4 {
		t.Errorf("spurious %d", r.Spurious)
	}
}

func TestUnboundSlot(t *testing.T) {
	tp := &tape{}
	tp.do(xen.DomInvalid, xen.NoServer, xen.NoVCPU, 0x60)
	r, vs := tp.replay(t)
	want(t, r, vs, 0, 0, 2)
	if r.Unknown[whyUnbound] != 2 {
		t.Errorf("%v", r.Unknown)
	}
}

func TestBroadcast(t *testing.T) {
	tp, n := two()
	tp.create(dom, xen.BufOff, 2) // not enabled
	inval := xen.IOReq{Type: xen.TypeInvalidate, Size: 4, Data: ^uint64(0)}
	a := tp.send(dom, 0, 0, inval)
	b := tp.send(dom, 1, 0, inval)
	tp.out(a)
	tp.out(b)
	tp.send(dom, 2, 1, inval)
	r, vs := tp.replay(t)
	want(t, r, vs, n+1+4, 1, 0)
}

func TestPCIRequest(t *testing.T) {
	tp, n := two()
	tp.dm(dom, mapping(1, xen.SpacePort, 0xcf8, 0xcff), xen.OK)
	tp.dm(dom, mapping(0, xen.SpacePCI, 0x10, 0x10), xen.OK)
	tp.out(tp.send(dom, 1, 0, xen.IOReq{Type: xen.TypePIO, Addr: 0xcf8, Size: 4, Count: 1, Data: 0x80001004}))
	tp.events[len(tp.events)-2].W[3] |= 1 << 11 // data_known
	cfg := xen.IOReq{Type: xen.TypePCIConfig, Dir: xen.DirRead, Addr: xen.PCIAddr(0x10, 4), Size: 4, Count: 1}
	tp.out(tp.send(dom, 0, 0, cfg))
	cfg.Addr = xen.PCIAddr(0x10, 8) // not what CF8 says
	tp.send(dom, 0, 0, cfg)
	r, vs := tp.replay(t)
	want(t, r, vs, n+2+4, 1, 0)
	if v := r.FirstDifference; v != nil && v.Got != "server 0: pci_config 0000:00:02.0 reg 0x8" {
		t.Errorf("%+v", v)
	}
}

func (t *tape) ring(s xen.ServerID, addr uint32) {
	t.add(format.BufIOReq{Dom: dom, Server: s, ID: t.id(), Type: xen.TypeCopy, Addr: addr, Size: 4}.Event(0))
}

func TestBufferedRequest(t *testing.T) {
	tp, n := two()
	vga := mapping(0, xen.SpaceMemory, 0xa0000, 0xbffff)
	tp.dm(dom, vga, xen.OK)
	tp.ring(0, 0xa0000)
	tp.ring(1, 0xa0000)
	r, vs := tp.replay(t)
	want(t, r, vs, n+2, 1, 0)
}

// TestBufferedRequestWaited: a slot of the ring is seen long after it was
// written.
func TestBufferedRequestWaited(t *testing.T) {
	tp, n := two()
	tp.dm(dom, mapping(0, xen.SpaceMemory, 0xa0000, 0xbffff), xen.OK)
	tp.dm(dom, xen.UnmapIORange(mapping(0, xen.SpaceMemory, 0xa0000, 0xbffff)), xen.OK)
	tp.ring(0, 0xa0000)
	r, vs := tp.replay(t)
	want(t, r, vs, n+3, 0, 0)
}
