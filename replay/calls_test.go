package replay

import (
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

func TestWrongResults(t *testing.T) {
	for _, c := range []struct {
		name      string
		do        func(*tape)
		want, got string
	}{
		{"error instead of success", func(tp *tape) {
			tp.dm(dom, mapping(0, xen.SpacePort, 0x3f8, 0x3ff), xen.EInval)
		}, "map_io_range_to_ioreq_server: ok", "map_io_range_to_ioreq_server: EINVAL"},
		{"success instead of error", func(tp *tape) {
			tp.dm(dom, mapping(0, xen.SpacePort, 0x60, 0x60), xen.OK)
		}, "map_io_range_to_ioreq_server: EEXIST", "map_io_range_to_ioreq_server: ok"},
		{"another id", func(tp *tape) { tp.create(dom, xen.BufOff, 2) },
			"create_ioreq_server: ok id=1", "create_ioreq_server: ok id=2"},
		{"a positive result", func(tp *tape) {
			id := tp.enter(dom, mapping(0, xen.SpacePort, 0x3f8, 0x3ff))
			tp.add(format.DMOpReturn{Dom: dom, ID: id, Ret: 1}.Event(0))
		}, "map_io_range_to_ioreq_server: ok", "map_io_range_to_ioreq_server: 1"},
		{"no errno", func(tp *tape) { tp.acquire(dom, 0, 0, 2, -70000) },
			"acquire_resource: ok", "acquire_resource: -70000"},
	} {
		tp := &tape{}
		tp.server(dom, 0, 0x60, 0x64)
		c.do(tp)
		r, vs := tp.replay(t)
		want(t, r, vs, 4, 1, 0)
		if v := r.FirstDifference; v == nil || v.Want != c.want || v.Got != c.got || v.Event != uint64(len(tp.events)-1) {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

func TestCallThatKillsXenDoesNotReturn(t *testing.T) {
	tp := &tape{}
	tp.create(dom, xen.BufOff, 0)
	tp.dm(dom, xen.GetIOReqServerInfo{ID: 0}, xen.OK)
	tp.acquire(dom, 0, 1, 1, -int64(xen.EPerm)) // frees the pages
	tp.enable(dom, 0, 1)
	r, vs := tp.replay(t)
	want(t, r, vs, 2, 1, 1)
	if v := r.FirstDifference; v == nil || v.Want != "set_ioreq_server_state: crash of Xen" || v.Got != "set_ioreq_server_state: ok" {
		t.Errorf("%+v", v)
	}
}

func TestInfoPortMustStay(t *testing.T) {
	in := xen.GetIOReqServerInfo{ID: 0, Flags: xen.NoGFNs, BufPort: 11}
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.dm(dom, in, xen.OK)
	in.BufPort = 12
	tp.dm(dom, in, xen.OK)
	r, _ := tp.replay(t)
	if r.Differ > 1 || r.Agree < 5 {
		t.Errorf("%+v", r)
	}
}

func TestExhaustionIsNoDifference(t *testing.T) {
	tp := &tape{}
	tp.dm(dom, xen.CreateIOReqServer{}, xen.ENoMem)
	tp.dm(dom, xen.CreateIOReqServer{}, xen.ENoSpc)
	tp.create(dom, xen.BufOff, 0)
	r, vs := tp.replay(t)
	want(t, r, vs, 1, 0, 2)
}

// TestSquashedErrorIsAnyError has a driver tell each error of Xen's as EFAULT:
// where the model has an error they agree, where it has none nobody can tell, and
// what the call was about is not known any more.
func TestSquashedErrorIsAnyError(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	for _, r := range []xen.Range{{First: 0x60, Last: 0x60}, {First: 0x3f8, Last: 0x3ff}} {
		id := tp.enter(dom, xen.MapIORange{Range: r})
		tp.add(format.DMOpReturn{Dom: dom, ID: id, Ret: -int64(xen.EFault), Squashed: true}.Event(0))
	}
	tp.dm(dom, mapping(0, xen.SpacePort, 0x3f8, 0x3ff), xen.OK)
	r, vs := tp.replay(t)
	want(t, r, vs, 5, 0, 2)
}

// TestShadowPagingIsLearned: a trace does not tell a domain's paging. A claim that is
// refused because of it contradicts nothing, and explains what is refused later; one
// that succeeded leaves no room for it.
func TestShadowPagingIsLearned(t *testing.T) {
	claim := xen.MapMemType{Type: xen.MemIOReqServer, Flags: uint32(xen.AccessWrite)}
	release := xen.MapMemType{Type: xen.MemIOReqServer}
	page := xen.SetMemType{Type: xen.MemIOReqServer, First: 0x100, Nr: 1}
	for _, c := range []struct {
		name                    string
		do                      func(*tape)
		agree, differ, unlearnt uint64
	}{
		{"by a claim", func(tp *tape) {
			tp.dm(dom, claim, xen.EOpNotSupp)
			tp.dm(dom, claim, xen.EOpNotSupp)
			tp.dm(dom, release, xen.EOpNotSupp)
		}, 2, 0, 1},
		{"by a page's type", func(tp *tape) {
			tp.dm(dom, page, xen.EOpNotSupp)
			tp.dm(dom, claim, xen.EOpNotSupp)
		}, 1, 0, 1},
		{"after a claim", func(tp *tape) {
			tp.dm(dom, claim, xen.OK)
			tp.dm(dom, release, xen.EOpNotSupp)
		}, 1, 1, 0},
		{"and then a claim", func(tp *tape) {
			tp.dm(dom, claim, xen.EOpNotSupp)
			tp.dm(dom, claim, xen.OK)
		}, 0, 1, 1},
	} {
		tp := &tape{}
		tp.server(dom, 0, 0x60, 0x64)
		c.do(tp)
		r, _ := tp.replay(t)
		if r.Agree != 4+c.agree || r.Differ != c.differ || r.Undetermined != c.unlearnt || r.Unknown[whyHAP] != c.unlearnt {
			t.Errorf("%s: %+v", c.name, r.Tally)
		}
	}
}

func TestLibraryProbeIsNoCall(t *testing.T) {
	tp := &tape{}
	tp.add(format.DMOpEnter{Dom: 32700, ID: 1}.Event(0))
	tp.add(format.DMOpReturn{Dom: 32700, ID: 1}.Event(0))
	r, vs := tp.replay(t)
	want(t, r, vs, 0, 0, 0)
	if len(r.Domains) != 0 || r.Unjudged != 1 {
		t.Errorf("%+v", r)
	}
}

func TestUnknownArguments(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.add(format.DMOpEnter{Dom: dom, ID: 90, NrBufs: 1}.Event(0))
	tp.add(format.DMOpReturn{Dom: dom, ID: 90}.Event(0))
	tp.add(format.DMOpReturn{Dom: dom, ID: 91}.Event(0))
	tp.add(format.HypercallEnter{Dom: dom, ID: 92, Nr: xen.HyperDMOp}.Event(0))
	tp.add(format.HypercallReturn{Dom: dom, ID: 92}.Event(0))
	r, vs := tp.replay(t)
	want(t, r, vs, 4, 0, 3)
	if r.Unknown[whyOpaque] != 2 || r.Unknown[whyOrphan] != 1 {
		t.Errorf("%v", r.Unknown)
	}
}

func TestOutsideTheModel(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.hyper(xen.DomInvalid, xen.HyperSysctl, 3, [4]uint64{}, [4]uint64{}, 0)
	tp.hyper(xen.DomInvalid, xen.HyperXenVersion, 0, [4]uint64{}, [4]uint64{}, 262161)
	tp.dm(dom, xen.InjectMSI{Data: 3}, xen.OK)
	id := tp.id()
	tp.add(format.IoctlEnter{Dom: dom, ID: id, Cmd: xen.EvtchnNotify, Arg: 4}.Event(0))
	tp.add(format.IoctlReturn{Dom: dom, ID: id}.Event(0))
	r, vs := tp.replay(t)
	want(t, r, vs, 4, 0, 0)
	if r.Unjudged != 3 {
		t.Errorf("unjudged %d", r.Unjudged)
	}
}

func TestLegacyOpsAreRefused(t *testing.T) {
	sub := uint64(xen.HVMMapIORange)
	w := [4]uint64{uint64(dom)}
	tp := &tape{}
	tp.hyper(dom, xen.HyperHVMOp, sub, w, w, -int64(xen.ENoSys))
	tp.hyper(dom, xen.HyperHVMOp, sub, w, w, 0)
	tp.hyper(dom, xen.HyperHVMOp, uint64(xen.HVMGetMemType), w, w, 0)
	r, vs := tp.replay(t)
	want(t, r, vs, 1, 1, 0)
	if r.FirstDifference.Want != "ENOSYS" {
		t.Errorf("%+v", r.FirstDifference)
	}
}

func TestAcquireByHypercall(t *testing.T) {
	res := xen.AcquireResource{Dom: dom, ID: 5, NrFrames: 2}.Append(nil)
	var w [4]uint64
	for i, b := range res {
		w[i/8] |= uint64(b) << (i % 8 * 8)
	}
	tp := &tape{}
	tp.create(dom, xen.BufOff, 0)
	tp.hyper(dom, xen.HyperMemoryOp, uint64(xen.MemAcquireResource), w, w, -int64(xen.ENoEnt))
	tp.hyper(dom, xen.HyperMemoryOp, uint64(xen.MemAcquireResource), w, w, 0)
	r, vs := tp.replay(t)
	want(t, r, vs, 2, 1, 0)
}

func TestRestrictedProcess(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	id := tp.id()
	tp.add(format.IoctlEnter{Dom: other, ID: id, Caller: format.Caller{PID: 100}, Cmd: xen.PrivcmdRestrict}.Event(0))
	tp.add(format.IoctlReturn{Dom: other, ID: id}.Event(0))
	tp.dm(dom, mapping(0, xen.SpacePort, 0x3f8, 0x3ff), xen.EPerm) // the driver's, not Xen's
	tp.add(format.ProcessExit{PID: 100}.Event(0))
	tp.dm(dom, mapping(0, xen.SpacePort, 0x3f8, 0x3ff), xen.EPerm)
	r, vs := tp.replay(t)
	want(t, r, vs, 4, 1, 0)
}

// TestMemoryOpsBlurPages: a toolstack's memory_op may have replaced any page.
func TestMemoryOpsBlurPages(t *testing.T) {
	claim := claimOf(0)
	set := xen.SetMemType{Type: xen.MemIOReqServer, First: 0x100, Nr: 1}
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.dm(dom, claim, xen.OK)
	tp.hyper(dom, xen.HyperMemoryOp, uint64(xen.MemPopulatePhysmap), [4]uint64{}, [4]uint64{}, 1)
	tp.dm(dom, set, xen.OK)
	tp.dm(dom, set, xen.EInval)
	tp.hyper(dom, xen.HyperMemoryOp, uint64(xen.MemDecreaseReservation), [4]uint64{}, [4]uint64{}, 1)
	tp.dm(dom, set, xen.OK)
	r, _ := tp.replay(t)
	if r.Differ != 0 {
		t.Errorf("%+v", r.FirstDifference)
	}
}

func TestDifferenceNamesItsRule(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.dm(dom, xen.SetIOReqServerState{ID: 3}, xen.OK)
	r, _ := tp.replay(t)
	if v := r.FirstDifference; v == nil || !strings.Contains(v.Why, "no such server") || v.EventKind != "dm_op_return" || v.TimeNS != 9000 || v.Dom != dom {
		t.Errorf("%+v", v)
	}
}

// TestLegacyOps replays hvm_ops under a release that still took them. Whether
// there are gfns for a server's pages is not in the trace, so a create is not
// known before it returned.
func TestLegacyOps(t *testing.T) {
	old, err := engine.ProfileFor(engine.Release{Major: 4, Minor: 8}, engine.NPT)
	if err != nil {
		t.Fatal(err)
	}
	created := func(id uint64) [4]uint64 { return [4]uint64{uint64(dom) | id<<32} }
	enable := func(id uint64) [4]uint64 { return [4]uint64{uint64(dom) | id<<16 | 1<<32} }
	tp := &tape{}
	tp.hyper(dom, xen.HyperHVMOp, uint64(xen.HVMCreateIOReqServer), created(0), created(1), 0)
	tp.hyper(dom, xen.HyperHVMOp, uint64(xen.HVMCreateIOReqServer), created(0), created(2), 0)
	tp.hyper(dom, xen.HyperHVMOp, uint64(xen.HVMSetIOReqServerState), enable(2), enable(2), 0)
	tp.hyper(dom, xen.HyperHVMOp, uint64(xen.HVMSetIOReqServerState), enable(3), enable(3), 0)
	tp.hyper(dom, xen.HyperHVMOp, uint64(xen.HVMSetMemType)|0x300, created(0), created(0), 0)
	r, err := Run(header, tp.seq2(), Options{Profile: old})
	if err != nil || r.Agree != 1 || r.Undetermined != 2 || r.Differ != 1 || r.Unjudged != 1 {
		t.Errorf("%v %+v", err, r)
	}
	if v := r.FirstDifference; v == nil || v.Want != "set_ioreq_server_state: ENOENT" || v.Got != "set_ioreq_server_state: ok" {
		t.Errorf("%+v", v)
	}
}

func TestResourceCallWithUnknownArguments(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.add(format.HypercallEnter{Dom: xen.DomInvalid, ID: 90, Nr: xen.HyperMemoryOp, Sub: uint64(xen.MemAcquireResource)}.Event(0))
	tp.add(format.HypercallReturn{Dom: xen.DomInvalid, ID: 90}.Event(0))
	tp.in(dom, 5, 0, 0x99)
	r, vs := tp.replay(t)
	want(t, r, vs, 4, 0, 2)
}
