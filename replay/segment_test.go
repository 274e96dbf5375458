package replay

import (
	"iter"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

func seqOf(events []format.Event) iter.Seq2[format.Event, error] {
	return (&tape{events: events}).seq2()
}

// framed returns events with key-frames where due says so.
func framed(tb testing.TB, h format.Header, events []format.Event, due func(*Mirror, format.Event) bool) []format.Event {
	tb.Helper()
	var out []format.Event
	for e, err := range withKeyFrames(h, seqOf(events), due) {
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// split cuts events at their key-frames; each part but perhaps the first begins
// with one.
func split(events []format.Event) [][]format.Event {
	var parts [][]format.Event
	start := 0
	for i, e := range events {
		if e.Kind == format.KindKeyFrame && i > start {
			parts = append(parts, events[start:i])
			start = i
		}
	}
	return append(parts, events[start:])
}

func runAll(tb testing.TB, h format.Header, events []format.Event, o Options) (Report, []Verdict) {
	tb.Helper()
	var vs []Verdict
	o.OnVerdict = func(v Verdict) { vs = append(vs, v) }
	r, err := Run(h, seqOf(events), o)
	if err != nil {
		tb.Fatal(err)
	}
	checkCounts(tb, r, vs)
	checkBrief(tb, h, events, r, o)
	checkSideBySide(tb, h, events, r, vs, o)
	return r, vs
}

// checkBrief fails unless a replay that hands out no verdicts, which judges plain
// requests and answers in short, comes to the same report.
func checkBrief(tb testing.TB, h format.Header, events []format.Event, want Report, o Options) {
	tb.Helper()
	o.OnVerdict = nil
	got, err := Run(h, seqOf(events), o)
	if err != nil {
		tb.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		tb.Errorf("without verdicts\n%+v, with them\n%+v", got, want)
	}
}

// sum adds what of a part's report adds up to the whole's.
func sum(to *Report, r Report) {
	to.Events += r.Events
	to.Agree += r.Agree
	to.Differ += r.Differ
	to.Undetermined += r.Undetermined
	to.Lost += r.Lost
	to.Spurious += r.Spurious
	to.Unjudged += r.Unjudged
	to.Unlearned += r.Unlearned
	to.Rings += r.Rings
	to.RingMismatches += r.RingMismatches
	to.KeyFrames += r.KeyFrames
	to.KeyFrameMismatches += r.KeyFrameMismatches
	for why, n := range r.Unknown {
		if to.Unknown == nil {
			to.Unknown = map[string]uint64{}
		}
		to.Unknown[why] += n
	}
	to.Cost.add((*engine.Cost)(&r.Cost))
}

// checkParts fails unless the parts between key-frames have the verdicts, the
// counts and the costs of the whole. It returns the whole's.
func checkParts(tb testing.TB, h format.Header, events []format.Event, o Options) (Report, []Verdict) {
	tb.Helper()
	whole, want := runAll(tb, h, events, o)
	if whole.KeyFrameMismatches != 0 {
		tb.Errorf("%d of %d key-frames: %s", whole.KeyFrameMismatches, whole.KeyFrames, whole.FirstMismatch)
	}
	var got []Verdict
	var total Report
	for _, p := range split(events) {
		r, vs := runAll(tb, h, p, o)
		got = append(got, vs...)
		sum(&total, r)
		if r.FirstMismatch != "" {
			tb.Errorf("a part's key-frame: %s", r.FirstMismatch)
		}
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) {
			tb.Fatalf("%d verdicts in parts, %d in the whole", len(got), len(want))
		}
		if got[i] != want[i] {
			tb.Fatalf("verdict %d\nin a part   %v\nin the whole %v", i, got[i], want[i])
		}
	}
	var sums Report
	sum(&sums, whole)
	if !reflect.DeepEqual(total, sums) {
		tb.Errorf("parts sum to\n%+v, the whole is\n%+v", total, sums)
	}
	return whole, want
}

func always(*Mirror, format.Event) bool { return true }

func before1(seq uint64) func(*Mirror, format.Event) bool {
	return func(_ *Mirror, e format.Event) bool { return e.Seq == seq }
}

// everywhere cuts a trace at each boundary alone, and at all of them.
func everywhere(t *testing.T, h format.Header, events []format.Event) {
	t.Helper()
	for _, e := range events {
		checkParts(t, h, framed(t, h, events, before1(e.Seq)), Options{})
	}
	checkParts(t, h, framed(t, h, events, always), Options{})
	if t.Failed() {
		t.FailNow()
	}
}

// stretch gives the events of a tape other times: gaps that now and then are
// long enough for a calm moment.
func stretch(events []format.Event, rng *rand.Rand) {
	now := uint64(1e9)
	for i := range events {
		now += rng.Uint64N(200_000)
		if rng.IntN(12) == 0 {
			now += 2 * quietNS
		}
		events[i].Time = now
	}
}

// stories are small sessions that have something open at many boundaries.
var stories = map[string]func() *tape{
	"short": shortSession,
	"in flight": func() *tape {
		t := &tape{}
		t.server(dom, 0, 0x60, 0x6f)
		a := t.enter(dom, mapping(0, xen.SpacePort, 0x100, 0x10f))
		b := t.enter(dom, unmapping(0, xen.SpacePort, 0x60, 0x60))
		q := t.in(dom, 0, 0, 0x100) // a took effect
		r := t.in(dom, 0, 1, 0x60)  // b did not
		t.leave(dom, b, xen.OK, nil)
		t.out(q)
		t.in(dom, 0, 2, 0x60) // routed before b
		t.leave(dom, a, xen.OK, nil)
		t.out(r)
		return t
	},
	"typed pages": func() *tape {
		t := &tape{}
		t.server(dom, 0, 0x60, 0x64)
		t.server(dom, 1, 0x70, 0x74)
		t.dm(dom, claimOf(1), xen.OK)
		for g := xen.GFN(0x100); g < 0x140; g += 8 {
			t.dm(dom, xen.SetMemType{Type: xen.MemIOReqServer, First: g, Nr: 4}, xen.OK)
		}
		t.out(t.send(dom, 1, 0, xen.IOReq{Type: xen.TypeCopy, Addr: 0x101 << 12, Size: 4, Count: 1}))
		t.dm(dom, xen.SetMemType{Type: xen.MemRAMRW, First: 0x101, Nr: 1}, xen.OK)
		t.out(t.send(dom, 1, 0, xen.IOReq{Type: xen.TypeCopy, Addr: 0x109 << 12, Size: 4, Count: 1}))
		t.dm(dom, xen.MapMemType{ID: 1, Type: xen.MemIOReqServer}, xen.OK)
		t.dm(dom, xen.DestroyIOReqServer{ID: 1}, xen.OK)
		return t
	},
	"latch and pci": func() *tape {
		t := &tape{}
		t.create(dom, xen.BufAtomic, 0)
		t.acquire(dom, 0, 0, 2, 0)
		t.dm(dom, mapping(0, xen.SpacePort, 0xcf8, 0xcff), xen.OK)
		t.dm(dom, mapping(0, xen.SpacePCI, 0x10, 0x17), xen.OK)
		t.enable(dom, 0, 1)
		q := xen.IOReq{Type: xen.TypePIO, Addr: 0xcf8, Size: 4, Count: 1, Data: 0x80001010}
		w := format.IOReq{Dom: dom, ID: t.id(), DataKnown: true, Req: q}
		w.Req.State, w.Req.EPort = xen.StateReady, 7
		t.add(w.Event(format.KindIOReq, 0))
		t.out(w)
		for range 2 {
			t.out(t.send(dom, 0, 0, xen.IOReq{Type: xen.TypePCIConfig, Dir: xen.DirRead, Addr: xen.PCIAddr(0x10, 0x10), Size: 4, Count: 1}))
		}
		t.out(t.send(dom, 0, 0, xen.IOReq{Type: xen.TypePCIConfig, Dir: xen.DirRead, Addr: xen.PCIAddr(0x11, 0x10), Size: 4, Count: 1}))
		return t
	},
	"lives": func() *tape {
		t := &tape{}
		t.createDomain(dom)
		t.server(dom, 0, 0x60, 0x64)
		q := t.in(dom, 0, 0, 0x60)
		late := t.enter(dom, mapping(0, xen.SpacePort, 0x70, 0x7f))
		doom := t.enter(dom, xen.DestroyIOReqServer{ID: 0})
		t.in(dom, 0, 1, 0x61)
		t.leave(dom, doom, xen.OK, nil)
		t.out(q)
		t.destroyDomain(dom, 0)
		t.dm(dom, xen.DestroyIOReqServer{ID: 0}, xen.ESrch)
		t.createDomain(dom)
		t.leave(dom, late, xen.OK, nil)
		t.server(dom, 0, 0x60, 0x64)
		t.do(dom, 0, 0, 0x60)
		return t
	},
	"late and lossy": func() *tape {
		t := &tape{}
		t.add(format.Clock{WallNS: 5}.Event(0))
		t.add(format.DomainFound{Dom: dom}.Event(0))
		t.add(format.ServerFound{Dom: dom, Server: 0, BufPort: 4}.Event(0))
		t.add(format.PortFound{Dom: dom, Local: 20, RemoteInDom: 4}.Event(0))
		t.add(format.Unlearned{Dom: dom, Server: 0, What: format.WhatRanges}.Event(0))
		t.add(format.Process{PID: 100, Comm: "qemu"}.Event(0))
		t.do(dom, 0, 0, 0x60)
		t.do(dom, 0, 0, 0x60)
		t.create(dom, xen.BufOff, 1)
		t.do(dom, 1, 1, 0x61)
		t.in(dom, 0, 2, 0x99)
		t.lost(format.ProbeRing, 3)
		t.add(format.Clock{WallNS: 6}.Event(0))
		t.lost(format.ProbeIOResp, 2)
		t.do(dom, 0, 2, 0x60)
		id := t.enter(dom, mapping(1, xen.SpacePort, 0x70, 0x7f))
		t.lost(format.ProbePrivcmd, 1)
		t.do(dom, 1, 0, 0x70)
		t.leave(dom, id, xen.OK, nil)
		t.add(format.ProcessExit{PID: 100}.Event(0))
		t.server(other, 0, 0x60, 0x64)
		return t
	},
	"jailed": func() *tape {
		t := &tape{}
		t.server(dom, 0, 0x60, 0x64)
		id := t.id()
		t.add(format.IoctlEnter{Dom: dom, ID: id, Caller: format.Caller{PID: 100, TID: 100}, Cmd: xen.PrivcmdRestrict}.Event(0))
		t.add(format.IoctlReturn{Dom: dom, ID: id}.Event(0))
		t.dm(other, xen.CreateIOReqServer{}, xen.EPerm)
		bind := t.id()
		t.add(format.IoctlEnter{Dom: dom, ID: bind, Cmd: xen.EvtchnBindInterdomain, Arg: 5}.Event(0))
		t.add(format.IoctlReturn{Dom: dom, ID: bind, Ret: 61}.Event(0))
		t.add(format.BufIOReq{Dom: dom, ID: t.id(), Type: xen.TypeCopy, Addr: 0xa0000, Size: 8}.Event(0))
		t.dm(dom, mapping(0, xen.SpaceMemory, 0xa0000, 0xbffff), xen.OK)
		t.add(format.BufIOReq{Dom: dom, ID: t.id(), Type: xen.TypeCopy, Addr: 0xa0000, Size: 4}.Event(0))
		t.in(dom, 5, 0, 0x99)
		t.in(dom, 0, 0, 0x60)
		return t
	},
}

// TestPartsAreTheWhole cuts each story at every boundary, alone and all at once,
// with moments that are calm and moments that are not.
func TestPartsAreTheWhole(t *testing.T) {
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			everywhere(t, header, story().events)
			for seed := range uint64(4) {
				events := story().events
				stretch(events, rand.New(rand.NewPCG(seed, 8)))
				everywhere(t, header, events)
			}
		})
	}
}

// TestKeyFramesCarryAllThatMatters: with a key-frame at every boundary a story
// has the verdicts and the costs that it has without any, but for what may have
// taken effect before a key-frame that was not calm.
func TestKeyFramesCarryAllThatMatters(t *testing.T) {
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(5) {
				events := story().events
				if seed > 0 {
					stretch(events, rand.New(rand.NewPCG(seed, 9)))
				}
				plain, want := runAll(t, header, events, Options{})
				r, got := runAll(t, header, framed(t, header, events, always), Options{})
				if len(got) != len(want) {
					t.Fatalf("seed %d: %d verdicts, without key-frames %d", seed, len(got), len(want))
				}
				for i, v := range got {
					if v.Kind != want[i].Kind && v.Why != whyEarlier && want[i].Why != whyDisputed {
						t.Errorf("seed %d:\ngot  %v\nwant %v", seed, v, want[i])
					}
				}
				if r.Cost != plain.Cost && r.Unknown[whyEarlier] == 0 {
					t.Errorf("seed %d: cost %+v, without key-frames %+v", seed, r.Cost, plain.Cost)
				}
				if r.Unjudged != plain.Unjudged || r.Spurious != plain.Spurious || r.Lost != plain.Lost {
					t.Errorf("seed %d: counts %+v\nwithout key-frames %+v", seed, r, plain)
				}
				if len(r.Domains) != len(plain.Domains) {
					t.Errorf("seed %d: %d domains, without key-frames %d", seed, len(r.Domains), len(plain.Domains))
				}
			}
		})
	}
}
