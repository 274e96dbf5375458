package replay

import (
	"math/rand/v2"
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// world is a Xen (the model itself) whose callers and vCPUs run in any order. It
// writes the trace that a recorder in dom0 would get of it.
type world struct {
	*tape
	rng   *rand.Rand
	xen   *engine.Domain
	own   bool        // each thread has a server of its own
	calls []worldCall // by thread
	vcpus []worldVCPU
}

type worldCall struct {
	busy, done bool
	id         uint64
	op         xen.DMOp
	ret        format.DMOpReturn
}

type worldVCPU struct {
	sent, seen bool
	req        format.IOReq
}

func newWorld(t *testing.T, seed uint64, threads, vcpus int) *world {
	p, err := engine.ProfileFor(engine.Release{Major: 4, Minor: 17}, engine.NPT)
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		tape: &tape{}, rng: rand.New(rand.NewPCG(seed, 3)),
		xen:   engine.New(engine.Config{Dom: dom, Profile: p, Complete: true}),
		calls: make([]worldCall, threads), vcpus: make([]worldVCPU, vcpus),
	}
}

// body draws a call: of any thread on any server, or of thread n on its own.
func (w *world) body(n int) xen.Body {
	id := xen.ServerID(w.rng.IntN(3))
	if w.own {
		id = xen.ServerID(n)
	}
	port := uint64(w.rng.IntN(3)) * 4
	switch k := w.rng.IntN(12); {
	case k < 2 && w.own:
	case k == 1 && w.rng.IntN(4) == 0:
		return xen.DestroyIOReqServer{ID: id}
	case k < 2:
		return xen.CreateIOReqServer{HandleBufIOReq: xen.BufOff}
	case k < 4:
		return unmapping(id, xen.SpacePort, port, port+3)
	case k < 6:
		return xen.SetIOReqServerState{ID: id, Enabled: uint8(w.rng.IntN(3))}
	case k < 8:
		return xen.MapMemType{ID: id, Type: xen.MemIOReqServer, Flags: uint32(w.rng.IntN(2)) * xen.AccessWrite}
	}
	return mapping(id, xen.SpacePort, port, port+3)
}

// thread lets one caller go one step: enter, be executed, return.
func (w *world) thread(n int) {
	c := &w.calls[n]
	switch {
	case !c.busy:
		w.begin(n, w.body(n))
	case !c.done:
		c.done = true
		eff, _ := w.xen.Step(engine.Op{Kind: engine.OpDM, NrBufs: 1, Size0: xen.DMOpSize, DM: c.op})
		c.ret = format.DMOpReturn{Dom: dom, ID: c.id, Ret: -int64(eff.Ret.Errno), Known: true, Words: c.op.Words()}
		for i, m := range eff.Out.Mask {
			c.ret.Words[i] = c.ret.Words[i]&^m | eff.Out.Words[i]&m
		}
		if eff.Ret.Errno == xen.OK {
			w.destroyed(c.op.DecodeBody())
		}
	default:
		w.add(c.ret.Event(0))
		c.busy = false
		if c.op.Op == xen.OpCreateIOReqServer && c.ret.Ret == 0 {
			w.page(uint32(c.ret.Words[0] >> 32))
		}
	}
}

// begin enters a call. Nobody uses a server before its page is there.
func (w *world) begin(n int, b xen.Body) {
	c := &w.calls[n]
	*c = worldCall{busy: true, op: xen.NewDMOp(b), id: w.enter(dom, b)}
	if c.op.Op == xen.OpCreateIOReqServer {
		w.thread(n)
		w.thread(n)
	}
}

// page maps the page of a new server.
func (w *world) page(id uint32) {
	res := xen.AcquireResource{Dom: dom, ID: id, Frame: 1, NrFrames: 1}
	_, _ = w.xen.Step(engine.Op{Kind: engine.OpAcquire, Acquire: res})
	w.acquire(dom, xen.ServerID(id), 1, 1, 0)
}

// destroyed lets the vCPUs go that wait for a server that is no more.
func (w *world) destroyed(b xen.Body) {
	gone, ok := b.(xen.DestroyIOReqServer)
	for i := range w.vcpus {
		if v := &w.vcpus[i]; ok && v.sent && v.req.Server == gone.ID {
			*v = worldVCPU{}
		}
	}
}

// guest lets one vCPU go one step: send a request, have it found, be answered.
func (w *world) guest(n int) {
	v := &w.vcpus[n]
	switch {
	case !v.sent:
		req := xen.IOReq{
			Type: xen.TypePIO, Dir: xen.DirRead, Addr: uint64(w.rng.IntN(12)), Size: 1, Count: 1, State: xen.StateReady,
		}
		probe := w.xen.Clone()
		op := engine.Op{Kind: engine.OpAccess}
		op.Access.Of(xen.VCPU(n), &req)
		eff, _ := probe.Step(op)
		if eff.Route.Kind != engine.RouteServer {
			return
		}
		_, _ = w.xen.Step(op)
		*v = worldVCPU{sent: true, req: format.IOReq{Dom: dom, Server: eff.Route.Server, VCPU: xen.VCPU(n), Req: req}}
	case !v.seen:
		v.seen = true
		v.req.ID = w.id()
		w.add(v.req.Event(format.KindIOReq, 0))
	default:
		w.out(v.req)
		*v = worldVCPU{}
	}
}

func (w *world) live(steps int) {
	for range steps {
		if w.rng.IntN(3) == 0 {
			w.thread(w.rng.IntN(len(w.calls)))
		} else {
			w.guest(w.rng.IntN(len(w.vcpus)))
		}
	}
}

// TestDeviceModelsSideBySide: whatever order the calls of device models with a
// server each overlap in, what the model's own Xen did is never a difference.
func TestDeviceModelsSideBySide(t *testing.T) {
	const models = 3
	agree := uint64(0)
	for seed := range uint64(200) {
		w := newWorld(t, seed, models, 2)
		w.own = true
		for n := range models {
			w.begin(n, xen.CreateIOReqServer{HandleBufIOReq: xen.BufOff})
		}
		w.live(400)
		r, _ := w.replay(t)
		agree += r.Agree
		if r.Differ != 0 {
			t.Errorf("seed %d: %d differ, %+v", seed, r.Differ, r.FirstDifference)
		}
	}
	if agree < 200*80 {
		t.Errorf("only %d verdicts agree: the sessions are idle", agree)
	}
}

// TestCallersInEachOthersWay: callers that change the same servers at the same
// time all the time, as no device models do, can defeat the search; but seldom.
func TestCallersInEachOthersWay(t *testing.T) {
	differ, agree := 0, uint64(0)
	for seed := range uint64(400) {
		w := newWorld(t, seed, 2, 2)
		w.live(400)
		r, _ := w.replay(t)
		agree += r.Agree
		if r.Differ != 0 {
			differ++
		}
	}
	if differ > 5 {
		t.Errorf("%d of 400 sessions have differences", differ)
	}
	t.Logf("%d of 400 sessions have differences, %d verdicts agree", differ, agree)
}
