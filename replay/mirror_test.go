package replay

import (
	"errors"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// paced returns the places at which a pacer has key-frames among n events that
// are gap ns apart, with a Clock and a Lost event each clocks events. calm says
// which moments are.
func paced(n, clocks int, gap uint64, calm func(i int) bool) (at []int) {
	var p Pacer
	for i := range n {
		e := format.Event{Kind: format.KindIOReq, Time: uint64(i) * gap}
		if clocks != 0 && i%clocks == 0 {
			e.Kind = format.KindClock
		} else if clocks != 0 && i%clocks == 1 {
			e.Kind = format.KindLost
		}
		if p.Due(e, func() bool { return calm(i) }) {
			at = append(at, i)
			p.Reset(e.Time)
		}
		p.Step(e)
	}
	return at
}

// TestPlainEventsNeedNoQuestion paces events piece by piece and one by one.
func TestPlainEventsNeedNoQuestion(t *testing.T) {
	const n, gap = 400_000, 20_000
	events := make([]format.Event, n)
	for i := range events {
		events[i] = format.Event{Kind: format.KindIOReq, Time: uint64(i) * gap}
		switch i % 1000 {
		case 0:
			events[i].Kind = format.KindClock
		case 1:
			events[i].Kind = format.KindLost
		}
	}
	calm := func(i int) bool { return i%7 < 3 }
	want := paced(n, 1000, gap, calm)
	for _, piece := range []int{1, 100, 1024} {
		var p Pacer
		var got []int
		for i := 0; i < n; {
			part := events[i:min(i+piece, n)]
			if m := p.Plain(part); m > 0 {
				p.StepAll(part[:m])
				i += m
				continue
			}
			if p.Due(part[0], func() bool { return calm(i) }) {
				got = append(got, i)
				p.Reset(part[0].Time)
			}
			p.Step(part[0])
			i++
		}
		if !slices.Equal(got, want) || len(want) < 2 {
			t.Errorf("pieces of %d: key-frames at %v, want %v", piece, got, want)
		}
	}
}

func TestPacer(t *testing.T) {
	yes, no := func(int) bool { return true }, func(int) bool { return false }
	for name, c := range map[string]struct {
		got, want []int
	}{
		"by time, behind the clock's losses": {paced(5000, 1000, 4e6, yes), []int{3002}},
		"by events":                          {paced(300_000, 1000, 1, yes), []int{132002, 264002}},
		"no clocks, calm":                    {paced(600_000, 0, 1, yes), []int{paceLate, 2 * paceLate}},
		"no clocks, never calm":              {paced(600_000, 0, 1, no), nil},
		"never calm":                         {paced(150_000, 1000, 1, no), []int{142002}},
		"never calm, clocks rare":            {paced(900_000, 60_000, 1, no), []int{300002, 600002}},
		"calm at the third clock":            {paced(150_000, 1000, 1, func(i int) bool { return i == 134002 }), []int{134002}},
		"too early":                          {paced(2000, 1000, 4e6, yes), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: at %v, want %v", name, c.got, c.want)
		}
	}
}

// TestMirrorIsTheReplay: a recorder that asks its mirror writes the trace that
// WithKeyFrames makes of the bare one, and its parts replay alone.
func TestMirrorIsTheReplay(t *testing.T) {
	events := benchSession(320_000)
	events = append(events, routedEarly(0)[4:]...)
	for i := range events {
		events[i].Seq, events[i].Time = uint64(i), uint64(i)*50_000
	}
	m, err := NewMirror(header)
	if err != nil {
		t.Fatal(err)
	}
	var recorded []format.Event
	for _, e := range events {
		if m.Due(e) {
			recorded = append(recorded, m.KeyFrame(e.Time)...)
		}
		m.Step(e)
		recorded = append(recorded, e)
	}
	var made []format.Event
	for e, err := range WithKeyFrames(header, seqOf(events)) {
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, e)
	}
	if !slices.Equal(recorded, made) {
		t.Fatal("two traces")
	}
	if r, _ := checkParts(t, header, made, Options{}); r.KeyFrames != 2 {
		t.Errorf("%d key-frames", r.KeyFrames)
	}
	// Those that are there stay, and no others come.
	var twice []format.Event
	for e := range WithKeyFrames(header, seqOf(made)) {
		twice = append(twice, e)
	}
	if !slices.Equal(twice, made) {
		t.Error("a trace with key-frames gets others")
	}
}

// TestMirrorOfAnUnknownXen: without a profile there are no key-frames, and the
// trace comes through.
func TestMirrorOfAnUnknownXen(t *testing.T) {
	h := format.Header{XenVersion: "9.9"}
	if _, err := NewMirror(h); err == nil {
		t.Error("no error")
	}
	bad := errors.New("offset 12")
	n := 0
	for e, err := range WithKeyFrames(h, func(yield func(format.Event, error) bool) {
		_ = yield(format.Event{Kind: format.KindClock}, nil) && yield(format.Event{}, bad)
	}) {
		if n++; n == 1 && (err != nil || e.Kind != format.KindClock) || n == 2 && !errors.Is(err, bad) {
			t.Errorf("%d: %v %v", n, e, err)
		}
	}
	if n != 2 {
		t.Errorf("%d events", n)
	}
}

// TestMirrorForgetsWhatHasEnded: domains that come and go, and calls and
// requests whose ends nobody sees, do not pile up.
func TestMirrorForgetsWhatHasEnded(t *testing.T) {
	m, err := NewMirror(header)
	if err != nil {
		t.Fatal(err)
	}
	tp := &tape{}
	for i := range 3000 {
		d := xen.DomID(1 + i)
		tp.createDomain(d)
		tp.server(d, 0, 0x60, 0x64)
		tp.destroyDomain(d, 0)
	}
	for i := range 3 * maxOpen {
		tp.enter(other, xen.NrVCPUs{})
		tp.in(xen.DomID(4000), xen.ServerID(i), xen.NoVCPU, 0x60)
	}
	for _, e := range tp.events {
		m.Step(e)
	}
	if n := len(m.KeyFrame(1)); n > 3*maxOpen+2*maxGone {
		t.Errorf("a key-frame of %d events", n)
	}
	if n := len(m.s.lives); n > maxGone+10 {
		t.Errorf("%d domains", n)
	}
	if len(m.s.reports)+len(m.s.noted)+len(m.s.suspects) != 0 {
		t.Error("it keeps accounts")
	}
}

// TestMirrorIsBounded: what a trace claims to be there takes bounded memory, and what
// was there first stays known.
func TestMirrorIsBounded(t *testing.T) {
	m, err := NewMirror(header)
	if err != nil {
		t.Fatal(err)
	}
	const many = maxPorts + 1000
	for i := range uint32(many) {
		m.Step(format.Process{PID: i}.Event(1))
		m.Step(format.PortFound{Dom: 1, Local: xen.Port(i)}.Event(1))
	}
	m.Step(format.Process{PID: 5, Comm: "renamed"}.Event(2))
	if p, j := len(m.s.processes), len(m.s.ports); p != maxProcesses || j != maxPorts || m.s.processes[5].Comm != "renamed" {
		t.Errorf("%d processes, %d ports, %v", p, j, m.s.processes[5])
	}
	m.Step(format.ProcessExit{PID: 5}.Event(3))
	m.Step(format.Process{PID: many, Comm: "new"}.Event(4))
	if m.s.processes[many].Comm != "new" {
		t.Error("a process that came after another had ended is not known")
	}
}
