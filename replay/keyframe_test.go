package replay

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// richSession has something of everything that a key-frame can carry but an
// ally: dom0 makes all calls of a trace.
func richSession() *tape {
	t := &tape{}
	t.add(format.Clock{WallNS: 5, RawNS: 6, TSC: 7, XenNS: 8}.Event(0))
	t.add(format.DomainFound{Dom: other}.Event(0))
	t.add(format.ServerFound{Dom: other, Server: 2, BufPort: 4}.Event(0))
	t.add(format.PortFound{Dom: other, Local: 20, RemoteInDom: 4}.Event(0))
	t.add(format.Process{PID: 100, Comm: "qemu"}.Event(0))
	qemu := format.Caller{PID: 100, TID: 100}
	for _, e := range []format.IoctlEnter{{Dom: dom, Cmd: xen.EvtchnBindInterdomain, Arg: 5}, {Dom: dom, Cmd: xen.PrivcmdRestrict}} {
		e.ID, e.Caller = t.id(), qemu
		t.add(e.Event(0))
		t.add(format.IoctlReturn{Dom: dom, ID: e.ID, Ret: int64(e.Arg) * 13}.Event(0))
	}
	t.createDomain(7)
	t.server(7, 0, 1, 2)
	t.destroyDomain(7, 0)
	t.server(dom, 0, 0x60, 0x6f)
	t.create(dom, xen.BufOff, 1)
	t.dm(dom, xen.GetIOReqServerInfo{ID: 0, Flags: xen.NoGFNs, BufPort: 9}, xen.OK)
	t.dm(dom, claimOf(0), xen.OK)
	t.dm(dom, xen.SetMemType{Type: xen.MemIOReqServer, First: 0x100, Nr: 16}, xen.OK)
	vram := t.id()
	t.add(format.DMOpEnter{Dom: dom, ID: vram, Caller: qemu, NrBufs: 2, Known: true, Size0: xen.DMOpSize, Op: xen.NewDMOp(xen.TrackDirtyVRAM{First: 0xa0, Nr: 8})}.Event(0))
	t.leave(dom, vram, xen.OK, nil)
	t.in(dom, 0, 0, 0x61)   // taken up below
	t.in(dom, 0, 1, 0x9999) // disputed
	q := t.in(dom, 0, 2, 0x62)
	q.Req.State = xen.StateInProcess
	t.add(q.Event(format.KindIOResp, 0))
	t.add(format.BufIOReq{Dom: dom, ID: t.id(), Type: xen.TypeCopy, Addr: 0xa0000, Size: 8}.Event(0))
	t.add(format.Lost{Dom: dom, Server: 0, Probe: format.ProbeRing, Reason: format.ReasonOverrun, CPU: -1, Count: 3}.Event(0))
	old := t.enter(7, xen.NrVCPUs{})
	t.createDomain(7)
	stale := t.enter(other, xen.CreateIOReqServer{})
	t.add(format.Lost{Dom: other, Server: xen.NoServer, Probe: format.ProbePrivcmd, Count: 2}.Event(0))
	ready := t.enter(dom, mapping(0, xen.SpacePort, 0x100, 0x10f))
	t.in(dom, 0, 3, 0x105) // ready took effect
	doom := t.enter(dom, xen.DestroyIOReqServer{ID: 0})
	buf := t.id()
	t.add(format.DMOpEnter{Dom: dom, ID: buf, Caller: qemu, NrBufs: 2, Known: true, Size0: 16, Op: xen.NewDMOp(xen.ModifiedMemory{NrExtents: 1})}.Event(0))
	t.add(format.DMOpBuf{Dom: dom, ID: buf, Buf: 1, Size: 16, Words: [2]uint64{1, 2}}.Event(0))
	_, _, _, _ = old, stale, ready, doom
	return t
}

func sessionOf(t *testing.T, events []format.Event) *session {
	t.Helper()
	p, _, err := choose(header, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(p, 0, Options{})
	for _, e := range events {
		s.take(&e)
	}
	s.endFrame()
	return s
}

// TestKeyFrameGolden shows a key-frame in words, and that it carries itself on.
func TestKeyFrameGolden(t *testing.T) {
	tp := richSession()
	s := sessionOf(t, tp.events)
	f := s.keyFrame(s.next, 99_000, false)
	var b bytes.Buffer
	for _, e := range f {
		b.Write(append(format.AppendText(nil, e), '\n'))
	}
	golden(t, "testdata/keyframe.golden", b.Bytes())
	again := sessionOf(t, f)
	if again.report.KeyFrameMismatches != 0 || !slices.Equal(again.keyFrame(s.next, 99_000, false), f) {
		t.Errorf("restored, it is another: %s", again.report.FirstMismatch)
	}
}

// TestKeyFrameAtEveryBoundaryCarriesItselfOn: what is restored writes the same.
func TestKeyFrameAtEveryBoundaryCarriesItselfOn(t *testing.T) {
	events := richSession().events
	for n := range events {
		s := sessionOf(t, events[:n])
		f := s.keyFrame(uint64(n), 1, true)
		if again := sessionOf(t, f).keyFrame(uint64(n), 1, true); !slices.Equal(again, f) {
			t.Fatalf("in front of event %d: %v", n, compare(again, f))
		}
	}
}

// TestBadKeyFramesAreNotTaken: each event of a key-frame changed or left out is
// noticed. A changed one has no part in the verdicts.
func TestBadKeyFramesAreNotTaken(t *testing.T) {
	events := framed(t, header, richSession().events, before1(40))
	_, want := runAll(t, header, events, Options{})
	n := 0
	for i, e := range events {
		if !e.Kind.InKeyFrame() {
			continue
		}
		n++
		e.W[1] ^= 1
		spoilt := slices.Clone(events)
		spoilt[i] = e
		for j, bad := range [][]format.Event{spoilt, slices.Delete(slices.Clone(events), i, i+1)} {
			r, got := runAll(t, header, bad, Options{})
			if r.KeyFrames != 1 || r.KeyFrameMismatches != 1 || r.FirstMismatch == "" {
				t.Errorf("%v changed: %d of %d key-frames contradict: %q", e.Kind, r.KeyFrameMismatches, r.KeyFrames, r.FirstMismatch)
			}
			if j == 0 && !slices.Equal(got, want) {
				t.Errorf("%v changed: other verdicts", e.Kind)
			}
		}
	}
	if n < 20 {
		t.Errorf("a key-frame of %d events", n)
	}
}

// TestUnreadableOpeningLeavesAllUnknown: what a bad opening key-frame held
// cannot be told, so nothing differs.
func TestUnreadableOpeningLeavesAllUnknown(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.do(dom, 0, 0, 0x60)
	events := framed(t, header, tp.events, before1(8))[8:]
	events[0].W[0]++ // its count
	r, _ := runAll(t, header, events, Options{})
	if r.Differ != 0 || r.Undetermined == 0 || r.KeyFrameMismatches != 1 {
		t.Errorf("%+v, %s", r.Tally, r.FirstMismatch)
	}
}

// routedEarly is a session in which a request is found at event 10 that was
// routed before the call that returned at 9, gap earlier.
func routedEarly(gap uint64) []format.Event {
	t := &tape{}
	t.server(dom, 0, 0x60, 0x6f)
	t.dm(dom, unmapping(0, xen.SpacePort, 0x60, 0x60), xen.OK)
	t.in(dom, 0, 0, 0x60)
	for i := range t.events[10:] {
		t.events[10+i].Time += gap
	}
	return t.events
}

// TestCalmDecides: behind a calm key-frame a request that contradicts differs,
// behind another it may have been routed before.
func TestCalmDecides(t *testing.T) {
	for _, c := range []struct {
		gap  uint64
		want VerdictKind
	}{{0, Undetermined}, {quietNS - 100_000, Undetermined}, {quietNS, Differ}} {
		events := routedEarly(c.gap)
		r, vs := checkParts(t, header, framed(t, header, events, before1(10)), Options{})
		if v := vs[len(vs)-1]; v.Kind != c.want || c.want == Undetermined && v.Why != whyEarlier {
			t.Errorf("gap %d: %v", c.gap, v)
		}
		if r.KeyFrames != 1 {
			t.Errorf("%d key-frames", r.KeyFrames)
		}
	}
	// With the history, the order is found.
	r, _ := runAll(t, header, routedEarly(quietNS), Options{})
	if r.Differ != 0 {
		t.Errorf("without key-frames: %v", r.FirstDifference)
	}
}

// TestDamageEndsAtTheNextKeyFrame: behind a hole in the file the next key-frame
// is taken at its word, and only that one.
func TestDamageEndsAtTheNextKeyFrame(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.do(dom, 0, 0, 0x60)
	tp.dm(dom, mapping(0, xen.SpacePort, 0x70, 0x70), xen.OK)
	tp.do(dom, 0, 0, 0x70)
	tp.do(dom, 0, 0, 0x71) // what no Xen does
	tp.do(dom, 0, 0, 0x60)
	events := framed(t, header, tp.events, func(_ *Mirror, e format.Event) bool { return e.Seq == 12 || e.Seq == 16 })
	hole := format.Lost{Dom: xen.DomInvalid, Server: xen.NoServer, Probe: format.ProbeFile, Reason: format.ReasonDamaged, CPU: -1, Count: 3}.Event(0)
	hole.Seq = 9
	damaged := append(slices.Clone(events[:9]), hole)
	damaged = append(damaged, events[12:]...)
	r, vs := runAll(t, header, damaged, Options{})
	if r.KeyFrameMismatches != 0 || r.Lost != 3 {
		t.Errorf("mismatches %d (%s), lost %d", r.KeyFrameMismatches, r.FirstMismatch, r.Lost)
	}
	second := slices.IndexFunc(damaged, func(e format.Event) bool { return e.Kind == format.KindKeyFrame && e.Seq == 16 })
	damaged[second].W[1]++ // so much was not lost
	if r, again := runAll(t, header, damaged, Options{}); r.KeyFrameMismatches != 1 || !slices.Equal(again, vs) {
		t.Errorf("a later one: mismatches %d (%s)", r.KeyFrameMismatches, r.FirstMismatch)
	}
	whole, want := runAll(t, header, events, Options{})
	if whole.Differ != 1 || !slices.Equal(vs[len(vs)-6:], want[len(want)-6:]) {
		t.Errorf("behind the hole\n%v\nwant\n%v", vs[len(vs)-6:], want[len(want)-6:])
	}
}

// TestWhatIfKeepsItsState: under another profile the recorded state is another
// Xen's; it is not compared and not taken.
func TestWhatIfKeepsItsState(t *testing.T) {
	p, err := engine.ProfileFor(engine.Release{Major: 4, Minor: 20}, engine.EPT)
	if err != nil {
		t.Fatal(err)
	}
	for name, story := range stories {
		r, _ := runAll(t, header, framed(t, header, story().events, always), Options{Profile: p})
		if r.KeyFrameMismatches != 0 || r.KeyFrames == 0 {
			t.Errorf("%s: %d of %d: %s", name, r.KeyFrameMismatches, r.KeyFrames, r.FirstMismatch)
		}
	}
}

// TestEarlyCallsAcrossAKeyFrame: a call that took effect before the key-frame
// and returns behind it has its verdict from the key-frame. If it returns what
// it cannot have, the order that was found was wrong, and nothing is known.
func TestEarlyCallsAcrossAKeyFrame(t *testing.T) {
	for _, ret := range []xen.Errno{xen.OK, xen.EExist} {
		tp := &tape{}
		tp.server(dom, 0, 0x60, 0x6f)
		id := tp.enter(dom, mapping(0, xen.SpacePort, 0x100, 0x10f))
		tp.do(dom, 0, 0, 0x100)
		cut := uint64(len(tp.events))
		tp.leave(dom, id, ret, nil)
		tp.do(dom, 0, 0, 0x100)
		r, vs := checkParts(t, header, framed(t, header, tp.events, before1(cut)), Options{})
		v := vs[len(vs)-3]
		if ret == xen.OK && (v.Kind != Agree || v.Why != whyApplied || r.Agree != 9) {
			t.Errorf("%v, %+v", v, r.Tally)
		}
		if ret != xen.OK && (v.Kind != Undetermined || v.Why != whyEarlier || r.Differ != 0) {
			t.Errorf("%v, %+v", v, r.Tally)
		}
	}
}

// TestCallsAcrossAKeyFrameMayHaveComeFirst: a call that entered before a
// key-frame and contradicts what is known there took effect before it.
func TestCallsAcrossAKeyFrameMayHaveComeFirst(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x6f)
	id := tp.enter(dom, unmapping(0, xen.SpacePort, 0x60, 0x60))
	tp.dm(dom, unmapping(0, xen.SpacePort, 0x60, 0x6f), xen.OK) // and id came before, with another's mapping between
	tp.leave(dom, id, xen.OK, nil)
	events := framed(t, header, tp.events, before1(uint64(len(tp.events))-1))
	if _, vs := checkParts(t, header, events, Options{}); vs[len(vs)-1].Why != whyEarlier {
		t.Errorf("%v", vs[len(vs)-1])
	}
}

// TestHostileKeyFrames: whatever an opening key-frame says, the session that
// begins with it does not panic, and two runs are alike.
func TestHostileKeyFrames(t *testing.T) {
	tp := richSession()
	s := sessionOf(t, tp.events)
	f := s.keyFrame(s.next, 99_000, true)
	tail := busyWorld(t, 2)
	taken := 0
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 31))
		events := slices.Clone(f)
		for range 1 + rng.IntN(4) {
			e := &events[rng.IntN(len(events))]
			switch rng.IntN(4) {
			case 0:
				e.W[rng.IntN(len(e.W))] = rng.Uint64() >> rng.IntN(64)
			case 1:
				e.W[rng.IntN(3)] ^= 1 << rng.IntN(64)
			case 2:
				e.Dom, e.Server = xen.DomID(rng.IntN(9)), xen.ServerID(rng.IntN(10))
			default:
				e.Kind = format.KindState + format.Kind(rng.IntN(192))
			}
		}
		at := rng.IntN(len(tail) - 200)
		events = append(events, tail[at:at+200]...)
		a, va := runAll(t, header, events, Options{})
		b, vb := runAll(t, header, events, Options{})
		if !reflect.DeepEqual(a, b) || !slices.Equal(va, vb) {
			t.Fatalf("seed %d: two runs differ", seed)
		}
		if a.KeyFrameMismatches == 0 {
			taken++
			checkParts(t, header, framed(t, header, events, cuts(rng, 40)), Options{})
		}
	}
	if taken < 20 || taken > 100 {
		t.Errorf("%d of 120 were taken", taken)
	}
}

// TestPartsOfTheTracesHere cuts the hand-written traces everywhere.
func TestPartsOfTheTracesHere(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no traces in testdata: %v", err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rd, err := format.NewTextReader(f)
		if err != nil {
			t.Fatal(err)
		}
		var events []format.Event
		for e, err := range rd.Events() {
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
		everywhere(t, rd.Header(), events)
	}
}
