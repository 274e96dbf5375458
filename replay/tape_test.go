package replay

import (
	"iter"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

var header = format.Header{XenVersion: "4.17.7", Paging: "npt", CPUVendor: "AuthenticAMD"}

const (
	dom   = xen.DomID(3)
	other = xen.DomID(4)
)

// tape builds a trace event by event.
type tape struct {
	events []format.Event
	ids    uint64
}

func (t *tape) add(e format.Event) format.Event {
	e.Seq, e.Time = uint64(len(t.events)), uint64(len(t.events))*1000
	t.events = append(t.events, e)
	return e
}

func (t *tape) id() uint64 { t.ids++; return t.ids }

func (t *tape) seq2() iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		for _, e := range t.events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// enter begins a dm_op and returns its id.
func (t *tape) enter(d xen.DomID, b xen.Body) uint64 {
	id := t.id()
	op := xen.NewDMOp(b)
	t.add(format.DMOpEnter{
		Dom: d, ID: id, Caller: format.Caller{PID: 100, TID: 100}, NrBufs: 1, Known: true, Size0: xen.DMOpSize, Op: op,
	}.Event(0))
	return id
}

// leave ends a dm_op; out is the union as Xen left it, nil if it was not read.
func (t *tape) leave(d xen.DomID, id uint64, ret xen.Errno, out xen.Body) {
	r := format.DMOpReturn{Dom: d, ID: id, Ret: -int64(ret)}
	if out != nil {
		r.Known, r.Words = true, xen.NewDMOp(out).Words()
	}
	t.add(r.Event(0))
}

func (t *tape) dm(d xen.DomID, b xen.Body, ret xen.Errno) { t.leave(d, t.enter(d, b), ret, b) }

func (t *tape) create(d xen.DomID, mode xen.BufMode, id xen.ServerID) {
	in := xen.CreateIOReqServer{HandleBufIOReq: mode}
	call := t.enter(d, in)
	in.ID = id
	t.leave(d, call, xen.OK, in)
}

func (t *tape) acquire(d xen.DomID, s xen.ServerID, frame uint32, num uint64, ret int64) {
	id := t.id()
	t.add(format.MmapResourceEnter{Dom: d, ID: id, ResID: uint32(s), Frame: frame, Num: num}.Event(0))
	t.add(format.IoctlReturn{Dom: d, ID: id, Ret: ret}.Event(0))
}

func (t *tape) enable(d xen.DomID, s xen.ServerID, on uint8) {
	t.dm(d, xen.SetIOReqServerState{ID: s, Enabled: on}, xen.OK)
}

func mapping(s xen.ServerID, space xen.Space, first, last uint64) xen.MapIORange {
	return xen.MapIORange{ID: s, Range: xen.Range{Space: space, First: first, Last: last}}
}

func unmapping(s xen.ServerID, space xen.Space, first, last uint64) xen.UnmapIORange {
	return xen.UnmapIORange(mapping(s, space, first, last))
}

// server makes a whole enabled server that owns ports.
func (t *tape) server(d xen.DomID, id xen.ServerID, first, last uint64) {
	t.create(d, xen.BufAtomic, id)
	t.acquire(d, id, 0, 2, 0)
	t.dm(d, mapping(id, xen.SpacePort, first, last), xen.OK)
	t.enable(d, id, 1)
}

// in is a port read by vcpu that server s finds in its slot.
func (t *tape) in(d xen.DomID, s xen.ServerID, vcpu xen.VCPU, port uint64) format.IOReq {
	return t.send(d, s, vcpu, xen.IOReq{Type: xen.TypePIO, Dir: xen.DirRead, Addr: port, Size: 1, Count: 1})
}

func (t *tape) send(d xen.DomID, s xen.ServerID, vcpu xen.VCPU, req xen.IOReq) format.IOReq {
	req.State, req.EPort = xen.StateReady, 7
	q := format.IOReq{Dom: d, Server: s, VCPU: vcpu, ID: t.id(), Port: 9, Req: req}
	t.add(q.Event(format.KindIOReq, 0))
	return q
}

// out answers q.
func (t *tape) out(q format.IOReq) {
	q.Req.State = xen.StateRespReady
	t.add(q.Event(format.KindIOResp, 0))
}

// do is a port read with its answer.
func (t *tape) do(d xen.DomID, s xen.ServerID, vcpu xen.VCPU, port uint64) {
	t.out(t.in(d, s, vcpu, port))
}

func (t *tape) hyper(d xen.DomID, nr xen.Hypercall, sub uint64, in, out [4]uint64, ret int64) {
	id := t.id()
	t.add(format.HypercallEnter{Dom: d, ID: id, Nr: nr, Sub: sub, Known: true, Words: in}.Event(0))
	t.add(format.HypercallReturn{Dom: d, ID: id, Ret: ret, Known: true, Words: out}.Event(0))
}

func (t *tape) destroyDomain(d xen.DomID, ret int64) {
	w := [4]uint64{xen.DomctlDestroy, uint64(d)}
	t.hyper(d, xen.HyperDomctl, xen.DomctlDestroy, w, w, ret)
}

func (t *tape) createDomain(d xen.DomID) {
	t.hyper(xen.DomInvalid, xen.HyperDomctl, xen.DomctlCreate, [4]uint64{xen.DomctlCreate}, [4]uint64{xen.DomctlCreate, uint64(d)}, 0)
}

func (t *tape) lost(p format.Probe, n uint64) {
	t.add(format.Lost{Dom: xen.DomInvalid, Server: xen.NoServer, Probe: p, Reason: format.ReasonNoSpace, CPU: 1, Count: n}.Event(0))
}

// replay runs the tape under the test's header.
func (t *tape) replay(tb testing.TB) (Report, []Verdict) {
	tb.Helper()
	return t.replayAs(tb, header)
}

func (t *tape) replayAs(tb testing.TB, h format.Header) (Report, []Verdict) {
	tb.Helper()
	var vs []Verdict
	r, err := Run(h, t.seq2(), Options{OnVerdict: func(v Verdict) { vs = append(vs, v) }})
	if err != nil {
		tb.Fatal(err)
	}
	checkCounts(tb, r, vs)
	return r, vs
}

// checkCounts tests what holds of every report.
func checkCounts(tb testing.TB, r Report, vs []Verdict) {
	tb.Helper()
	n := map[VerdictKind]uint64{}
	for _, v := range vs {
		n[v.Kind]++
	}
	if n[Agree] != r.Agree || n[Differ] != r.Differ || n[Undetermined] != r.Undetermined {
		tb.Errorf("verdicts %v, report %+v", n, r.Tally)
	}
	var unknown uint64
	for why, k := range r.Unknown {
		unknown += k
		if why == "" {
			tb.Error("an undetermined verdict without a reason")
		}
	}
	if unknown != r.Undetermined {
		tb.Errorf("reasons sum to %d, undetermined %d", unknown, r.Undetermined)
	}
	if (r.FirstDifference != nil) != (r.Differ > 0) {
		tb.Errorf("first difference %v with %d differences", r.FirstDifference, r.Differ)
	}
}

// want compares the verdict counts.
func want(tb testing.TB, r Report, vs []Verdict, agree, differ, undetermined uint64) {
	tb.Helper()
	if r.Agree == agree && r.Differ == differ && r.Undetermined == undetermined {
		return
	}
	tb.Errorf("agree %d differ %d undetermined %d, want %d %d %d",
		r.Agree, r.Differ, r.Undetermined, agree, differ, undetermined)
	for _, v := range vs {
		if v.Kind != Agree {
			tb.Logf("%d %s: %s: want %q got %q: %s", v.Event, v.EventKind, v.Kind, v.Want, v.Got, v.Why)
		}
	}
}

// claimOf is how a server asks for the pages that are ioreq_server.
func claimOf(id xen.ServerID) xen.MapMemType {
	return xen.MapMemType{ID: id, Type: xen.MemIOReqServer, Flags: xen.AccessWrite}
}
