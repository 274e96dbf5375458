package engine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// TestPartialKnowledgeIsNeverWrong plays operations on a domain of which
// everything is known, as if it were real Xen, and shows the recording of it,
// which holds only what dom0 sees, to domains that begin late or lose events.
// Whatever those say they know must be so.
func TestPartialKnowledgeIsNeverWrong(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		var known, total int
		for round := range 2 * len(Profiles()) {
			p := Profiles()[round%len(Profiles())]
			w := witness{t: t, rnd: rnd, xen: omniscient(p), found: round%2 == 0, forgets: round%3 == 0}
			w.complete = round%5 == 0
			if !w.complete && round%3 == 0 { // where there can be one
				_, _ = w.xen.Step(Op{Kind: OpParam, Param: Param{Index: ParamIOReqPFN}})
			}
			if w.xen.latch.ext = (&Config{Profile: p}).extendedCF8(); w.xen.latch.ext == Maybe {
				w.xen.latch.ext = No + Tri(round/2%2)
			}
			if w.xen.hap = Yes; round%4 == 1 {
				w.xen.hap = No
			}
			w.play(500)
			known += w.known
			total += w.total
		}
		t.Logf("%d of %d results were known", known, total)
		if known < total/3 {
			t.Errorf("only %d of %d results were known", known, total)
		}
	})
}

// witness plays one session.
type witness struct {
	t                        *testing.T
	rnd                      *rand.Rand
	xen, late                *Domain
	complete, found, forgets bool
	known, total             int
}

func (w *witness) play(n int) {
	begin := w.rnd.IntN(n / 2)
	if w.complete {
		begin = 0
	}
	for i := range n {
		if i == begin {
			w.attach()
		}
		op := w.xen.spoken(randomOp(w.rnd))
		want := w.real(op)
		if w.late == nil || !w.visible(op, want) {
			continue
		}
		if w.forgets && w.rnd.IntN(60) == 0 {
			_, _ = w.late.Step(Op{Kind: OpForget, Forget: Forget(1 << w.rnd.IntN(5))})
		}
		if op.Kind == OpAccess {
			op.Access = w.delivered(op.Access, want.Route)
		}
		got, _ := w.late.Step(op)
		w.compare(i, op, got, want)
		w.late.Learn(op, seenOf(op, want))
	}
}

// real is what real Xen does. The highest page of its guest is the highest of
// the world, which no Domain ever knows.
func (w *witness) real(op Op) Effect {
	if m, ok := typing(op); ok && m.First+xen.GFN(m.Nr) > worldBase+worldPages {
		return Effect{Ret: fail(xen.EInval, "beyond max_mapped_pfn")}
	}
	var before *Domain
	if op.Kind == OpAccess || op.Kind == OpAnswer {
		before = w.xen.Clone()
	}
	e, _ := w.xen.Step(op)
	if e.Route.Kind == RouteDomainCrash || e.Route.Kind == RouteXenCrash || e.Slot.Kind == SlotIllegal {
		w.xen = before // the guest lives on: it never did that
	}
	return e
}

// typing returns the set_mem_type that an operation is, if its entry lets it
// pass.
func typing(op Op) (m xen.SetMemType, ok bool) {
	if op.Kind == OpHVM {
		op, _ = op.asDM()
	}
	if op.Kind != OpDM || op.Size0 < xen.DMOpHeaderSize+bodySize(op.DM.Op) {
		return m, false
	}
	m, ok = op.DM.DecodeBody().(xen.SetMemType)
	return m, ok
}

// attach begins the recording.
func (w *witness) attach() {
	w.late = New(Config{Dom: 1, Profile: w.xen.cfg.Profile, Complete: w.complete})
	if !w.found || w.complete {
		return
	}
	for id := range w.xen.servers {
		if s := &w.xen.servers[id]; s.exists == Yes {
			w.late.Found(w.xen.idAt(place(id)), s.ring)
		}
	}
	w.late.noOthers()
}

// visible says whether dom0 sees the operation: calls and delivered requests,
// but no call whose result real Xen would owe to something not modelled, and no
// access after which the domain is dead.
func (w *witness) visible(op Op, want Effect) bool {
	switch op.Kind {
	case OpAccess:
		return want.Route.Kind == RouteServer || want.Route.Kind == RouteBuffered
	case OpAnswer:
		return want.Slot.Kind == SlotLegal || want.Slot.Kind == SlotDeath
	}
	if !want.Ret.Known {
		w.fillIn(op)
		return false
	}
	return true
}

// fillIn keeps the all-knowing domain all-knowing after get_info on pages that
// its gfn pool would decide: it lets the call fail. Nor does it make calls on pages
// that were freed.
func (w *witness) fillIn(op Op) {
	crowd := w.xen.counts() && w.xen.listed() == maxServers // the model holds no more
	freed := slices.ContainsFunc(w.xen.servers[:], func(s server) bool { return s.pages == pagesFreed })
	if op.DM.Op != xen.OpGetIOReqServerInfo && !crowd && !freed {
		w.t.Fatalf("not known: %+v", op)
	}
}

// delivered is the access as the recording shows it.
func (w *witness) delivered(a Access, r Route) Access {
	seen := accessOf(a.VCPU, xen.IOReq{
		Type: r.Type, Addr: r.Addr, Count: r.Count, Size: a.Size, Dir: a.Dir, DF: a.DF, DataIsPtr: a.DataIsPtr, Data: a.Data,
	})
	seen.Buffered = r.Kind == RouteBuffered
	return seen
}

func (w *witness) compare(i int, op Op, got, want Effect) {
	w.t.Helper()
	w.total++
	var same bool
	switch op.Kind {
	case OpAccess:
		if got.Route.Kind == RouteUnknown {
			return
		}
		same = got.Route.Kind == want.Route.Kind && got.Route.Server == want.Route.Server &&
			got.Route.Type == want.Route.Type && got.Route.Addr == want.Route.Addr && got.Route.Count == want.Route.Count
	case OpAnswer:
		if got.Slot.Kind == SlotUnknown {
			return
		}
		same = got.Slot == want.Slot
	default:
		if !got.Ret.Known {
			return
		}
		or := got.Ret.Or != xen.OK && got.Ret.Or == want.Ret.Errno
		same = or || got.Ret.Errno == want.Ret.Errno && outAgrees(got.Out, want.Out)
	}
	w.known++
	if !same {
		w.t.Fatalf("step %d: %+v\nknown %+v\nis    %+v", i, op, got, want)
	}
}

func outAgrees(a, b Out) bool {
	for i := range a.Mask {
		both := a.Mask[i] & b.Mask[i]
		if a.Words[i]&both != b.Words[i]&both {
			return false
		}
	}
	return true
}

// TestNoCallNamesTheDefaultServer: the id that stands for the default server is none
// that a recorded create can have handed out, or another call can have named.
func TestNoCallNamesTheDefaultServer(t *testing.T) {
	for _, p := range Profiles() {
		d := New(Config{Dom: 1, Profile: p})
		op := call(xen.CreateIOReqServer{})
		if !p.DMOp {
			op = hvmCall(0, xen.HVMOp{Op: xen.HVMCreateIOReqServer})
		}
		before := d.Clone()
		_, _ = d.Step(op)
		d.Learn(op, Seen{OutKnown: true, Words: [3]uint64{uint64(DefaultServer) << 32}})
		state := call(xen.SetIOReqServerState{ID: DefaultServer, Enabled: 1})
		_, _ = d.Step(state)
		d.Learn(state, Seen{})
		if s := d.servers[placeDefault]; s.owned || s.exists != before.servers[placeDefault].exists {
			t.Errorf("%v: the default server is %+v", p, s)
		}
	}
}

// noOthers notes that no server exists but those that were found or created so
// far.
func (d *Domain) noOthers() {
	for i := range d.servers {
		if d.servers[i].exists == Maybe {
			d.servers[i].gone()
		}
	}
	d.others = No
	d.routes.outdate()
}
