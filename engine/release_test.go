package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/iotrace-xen/iotrace/xen"
)

// listXen is ioreq_server_select as a list of servers, newest first, or an array
// of ids asked from the highest down, without routes and places.
type listXen struct {
	p       Profile
	servers []*listed
	last    xen.ServerID
	fault   bool // there is a default server
}

type listed struct {
	id      xen.ServerID
	enabled bool
	ranges  []span
}

func (l *listXen) create() xen.ServerID {
	s := &listed{id: l.last + 1}
	switch l.p.IDs {
	case IDsCount:
		l.last++
		l.servers = append([]*listed{s}, l.servers...)
		return s.id
	case IDsFromOne:
		s.id = 1
	default:
		s.id = 0
	}
	at := len(l.servers) // the highest id first
	for at > 0 && l.servers[at-1].id == s.id {
		s.id++
		at--
	}
	l.servers = append(l.servers[:at], append([]*listed{s}, l.servers[at:]...)...)
	return s.id
}

func (l *listXen) destroy(id xen.ServerID) bool {
	for i, s := range l.servers {
		if s.id == id {
			l.servers = append(l.servers[:i:i], l.servers[i+1:]...)
			return true
		}
	}
	return false
}

func (l *listXen) choose(first, last uint64) xen.ServerID {
	for _, s := range l.servers {
		for _, r := range s.ranges {
			if s.enabled && r.first <= first && last <= r.last {
				return s.id
			}
		}
	}
	if l.fault {
		return DefaultServer
	}
	return xen.NoServer
}

// TestServersAreAList plays creates, destroys and accesses on every release and
// compares who gets them, and which ids there are, with the list.
func TestServersAreAList(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		for _, p := range Profiles() {
			d := omniscient(p)
			l := &listXen{p: p}
			if p.Default != DefaultNever && rnd.IntN(2) == 0 {
				step(t, d, Op{Kind: OpParam, Param: Param{Index: ParamIOReqPFN}})
				l.fault = true
				l.last++
			}
			for i := range 600 {
				l.turn(t, d, rnd, i)
			}
		}
	})
}

func (l *listXen) turn(t *testing.T, d *Domain, rnd *rand.Rand, i int) {
	t.Helper()
	do := func(b xen.Body) Effect { return step(t, d, d.inItsTime(call(b))) }
	switch n := rnd.IntN(10); {
	case n == 0 && len(l.servers) < 7:
		want := l.create()
		if e := do(xen.CreateIOReqServer{}); !e.Ret.ok() || xen.ServerID(e.Out.Words[0]>>32) != want {
			t.Fatalf("%v step %d: %+v, want id %v", l.p, i, e, want)
		}
		if l.p.Acquire {
			step(t, d, Op{Kind: OpAcquire, Acquire: xen.AcquireResource{Dom: 1, ID: uint32(want), Frame: 1, NrFrames: 1}})
		}
	case n == 1:
		id := l.last - xen.ServerID(rnd.IntN(8)) + xen.ServerID(rnd.IntN(8))
		known := l.destroy(id)
		if e := do(xen.DestroyIOReqServer{ID: id}); e.Ret.ok() != known {
			t.Fatalf("%v step %d: destroy %v: %+v, want %v", l.p, i, id, e.Ret, known)
		}
	case n < 5 && len(l.servers) > 0:
		s := l.servers[rnd.IntN(len(l.servers))]
		first := rnd.Uint64N(64) * 4
		if e := do(xen.MapIORange{ID: s.id, Range: xen.Range{First: first, Last: first + 2}}); e.Ret.ok() {
			s.ranges = append(s.ranges, span{first, first + 2})
		}
		s.enabled = rnd.IntN(4) > 0
		do(xen.SetIOReqServerState{ID: s.id, Enabled: map[bool]uint8{true: 1}[s.enabled]})
	default:
		a := Access{Type: xen.TypePIO, Addr: rnd.Uint64N(256), Size: 1, Count: 1}
		want := l.choose(a.Addr, a.Addr)
		if e := step(t, d, Op{Kind: OpAccess, Access: a}); e.Route.Server != want {
			t.Fatalf("%v step %d: port %#x: %+v, want server %v", l.p, i, a.Addr, e.Route, want)
		}
	}
}

// TestRingIsAQueue compares the ring with what is in it, and its slots with a
// count that never wraps, in a legacy ring.
func TestRingIsAQueue(t *testing.T) {
	eachSeed(t, func(t *testing.T, rnd *rand.Rand) {
		for _, mode := range []xen.BufMode{xen.BufLegacy, xen.BufAtomic} {
			r := ring{known: true, mode: mode}
			var queue []uint32
			sent := uint64(0)
			for i := range 20_000 {
				n := 1 + rnd.Uint32N(2)
				if rnd.IntN(2) == 0 {
					take := min(rnd.IntN(300), len(queue))
					queue = queue[take:]
					r.read += uint32(take)
					continue
				}
				if full := len(queue)+int(n) > xen.BufSlots; r.full(n) != full {
					t.Fatalf("step %d: %d slots used, %d wanted: full %v", i, len(queue), n, !full)
				} else if full {
					continue
				}
				slot := r.push(n)
				if uint64(slot) != sent%xen.BufSlots || r.write-r.read != uint32(len(queue))+n {
					t.Fatalf("step %d: slot %d of %d, pointers %+v", i, slot, sent, r)
				}
				sent += uint64(n)
				for k := range n {
					queue = append(queue, slot+k)
				}
				if mode == xen.BufAtomic && r.read >= xen.BufSlots {
					t.Fatalf("step %d: read pointer %d was not taken down", i, r.read)
				}
			}
		}
	})
}

// TestLegacyRingJumps: where its pointers wrap at 32 bits, 511 does not divide
// them.
func TestLegacyRingJumps(t *testing.T) {
	r := ring{known: true, mode: xen.BufLegacy, read: ^uint32(0), write: ^uint32(0)}
	if a, b := r.push(1), r.push(1); a != (1<<32-1)%xen.BufSlots || b != 0 || (a+1)%xen.BufSlots == b {
		t.Errorf("slots %d and %d", a, b)
	}
}

// TestNoProfileAllocates: accesses in steady state, on every release.
func TestNoProfileAllocates(t *testing.T) {
	for _, p := range Profiles() {
		d := omniscient(p)
		id := xen.ServerID(0)
		if e := step(t, d, d.inItsTime(call(xen.CreateIOReqServer{}))); e.Ret.ok() {
			id = xen.ServerID(e.Out.Words[0] >> 32)
		}
		step(t, d, d.inItsTime(call(xen.SetIOReqServerState{ID: id, Enabled: 1})))
		op := Op{Kind: OpAccess, Access: Access{Type: xen.TypePIO, Addr: 0x10, Size: 1, Count: 1}}
		answer := Op{Kind: OpAnswer, Answer: Answer{Server: id, State: xen.StateRespReady}}
		if n := testing.AllocsPerRun(100, func() {
			_, _ = d.Step(op)
			_, _ = d.Step(answer)
		}); n != 0 {
			t.Errorf("%v: %v allocations", p, n)
		}
	}
}
