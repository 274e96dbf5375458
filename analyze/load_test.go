package analyze

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/gen"
	"github.com/iotrace-xen/iotrace/xen"
)

func session(tb testing.TB, c gen.Config) []format.Event {
	tb.Helper()
	g, err := gen.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return slices.Collect(g.Events())
}

// TestMeterAgainstLists measures a session with lists instead of a Meter.
func TestMeterAgainstLists(t *testing.T) {
	events := session(t, gen.Config{Events: 60_000, Domains: 3, Life: 20_000})
	var m Meter
	requests, buffered := map[serverKey]uint64{}, map[serverKey]uint64{}
	answers := map[serverKey][]uint64{}
	open := map[uint64]format.Event{}
	calls := map[xen.DomID]uint64{}
	for i, e := range events {
		m.Add(&events[i])
		key := serverKey{e.Dom, e.Server}
		switch e.Kind {
		case format.KindIOReq:
			if e.IOReq().Req.State != xen.StateReady {
				continue
			}
			requests[key]++
			open[e.IOReq().ID] = e
		case format.KindIOResp:
			answers[key] = append(answers[key], e.Time-open[e.IOReq().ID].Time)
		case format.KindBufIOReq:
			buffered[key]++
		case format.KindDMOpEnter, format.KindHypercallEnter, format.KindIoctlEnter, format.KindMmapResourceEnter:
			calls[min(e.Dom, xen.DomInvalid)]++
		}
	}
	l := m.Load(events[len(events)-1].Time-events[0].Time, 1000)
	if len(l.Servers) != len(requests) || len(l.Domains) != len(calls) || l.Events != uint64(len(events)) || l.Cut || l.Lost != 0 {
		t.Fatalf("%d servers, %d domains, %+v", len(l.Servers), len(l.Domains), l)
	}
	for _, s := range l.Servers {
		key := serverKey{s.Dom, s.Server}
		list := answers[key]
		slices.Sort(list)
		if s.Requests != requests[key] || s.Buffered != buffered[key] || s.Answers != uint64(len(list)) {
			t.Errorf("%+v: want %d requests, %d buffered, %d answers", s, requests[key], buffered[key], len(list))
		}
		if want := list[(len(list)+1)/2-1]; s.AnswerP50NS < want || s.AnswerP50NS > want+want/steps || s.AnswerMaxNS != list[len(list)-1] {
			t.Errorf("%+v: want answers after %d at most %d", s, want, list[len(list)-1])
		}
		if s.RequestsPerS == 0 || s.Buffered > s.Requests && len(s.Busiest) == 0 {
			t.Errorf("%+v", s)
		}
	}
	for _, d := range l.Domains {
		if d.Calls != calls[number(d.Dom)] {
			t.Errorf("%+v, want %d calls", d, calls[number(d.Dom)])
		}
	}
}

// TestMeterIntervals measures a session in pieces, which must add up to the whole:
// what is in flight at the end of one is answered in the next.
func TestMeterIntervals(t *testing.T) {
	events := session(t, gen.Config{Events: 20_000})
	var whole, piece Meter
	var sum [4]uint64
	for i := range events {
		whole.Add(&events[i])
		piece.Add(&events[i])
		if i%77 != 0 && i != len(events)-1 {
			continue
		}
		l := piece.Load(1, 1000)
		sum[0] += l.Events
		for _, s := range l.Servers {
			sum[1] += s.Requests
			sum[2] += s.Answers
		}
		for _, d := range l.Domains {
			sum[3] += d.Calls
		}
		piece.Reset()
	}
	var want [4]uint64
	l := whole.Load(1, 1000)
	want[0] = l.Events
	for _, s := range l.Servers {
		want[1] += s.Requests
		want[2] += s.Answers
	}
	for _, d := range l.Domains {
		want[3] += d.Calls
	}
	if sum != want || want[2] == 0 {
		t.Errorf("pieces have %v, the whole %v", sum, want)
	}
}

// TestLoadInJSON keeps the keys, and reads them back.
func TestLoadInJSON(t *testing.T) {
	var m Meter
	req := format.IOReq{Dom: 1, Server: xen.NoServer, ID: 7, Caller: format.Caller{PID: 9}, Req: xen.IOReq{Type: xen.TypePCIConfig, Addr: xen.PCIAddr(xen.NewSBDF(0, 0, 2, 0), 4), State: xen.StateReady}}
	lost := req
	lost.ID, lost.Caller.PID, lost.FromAnswer = 8, 10, true
	gone := req
	gone.ID, gone.Caller.PID = 9, 11
	for _, e := range []format.Event{
		format.OpenEvent(format.IOReq{Dom: 1, Server: 2, ID: 5, Caller: format.Caller{PID: 9}}.Event(format.KindIOReq, 500)),
		req.Event(format.KindIOReq, 1000), lost.Event(format.KindIOReq, 1500), gone.Event(format.KindIOReq, 1600),
		format.ProcessExit{PID: 11}.Event(1700),
		format.IOReq{Dom: 1, Server: 2, ID: 5}.Event(format.KindIOResp, 2500),
		format.BufIOReq{Dom: 1, Server: 2, Type: xen.TypeCopy, Addr: 0xb8004}.Event(2600),
		format.HypercallEnter{Dom: xen.DomInvalid, ID: 1, Nr: xen.HyperXenVersion}.Event(2700),
		format.HypercallReturn{Dom: xen.DomInvalid, ID: 1, Ret: -1}.Event(2800),
		format.Lost{Dom: 1, Server: xen.NoServer, Count: 3}.Event(2900),
	} {
		m.Add(&e)
	}
	l := m.Load(1_000_000, 10)
	got, err := json.Marshal(l)
	const want = `{"span_ns":1000000,"events":9,"events_per_s":9000,"lost":3,"servers":[` +
		`{"dom":1,"server":null,"requests":3,"requests_per_s":3000,"buffered":0,"buffered_per_s":0,"answers":0,"answer_p50_ns":0,"answer_p99_ns":0,"answer_max_ns":0,` +
		`"unanswered":1,"busiest":[{"space":"pci","addr":"0000:00:02.0","requests":3,"over":0}]},` +
		`{"dom":1,"server":2,"requests":0,"requests_per_s":0,"buffered":1,"buffered_per_s":1000,"answers":1,"answer_p50_ns":2000,"answer_p99_ns":2000,"answer_max_ns":2000,` +
		`"unanswered":0,"busiest":[{"space":"page","addr":"0xb8","requests":1,"over":0}]}],"domains":[` +
		`{"dom":null,"calls":1,"calls_per_s":1000,"errors":1,"lost":0,"busiest":[{"call":"xen_version","calls":1,"over":0}]},` +
		`{"dom":1,"calls":0,"calls_per_s":0,"errors":0,"lost":3,"busiest":[]}],"cut":false}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s, want\n%s", err, got, want)
	}
	var back Load
	if err := json.Unmarshal(got, &back); err != nil || !reflect.DeepEqual(back, l) {
		t.Errorf("%v\n%+v", err, back)
	}
}

// TestMeterIsBounded has more servers and domains than a Meter tells apart.
func TestMeterIsBounded(t *testing.T) {
	var m Meter
	for dom := range xen.DomID(3000) {
		e := format.IOReq{Dom: dom, Server: 1, ID: uint64(dom), Req: xen.IOReq{State: xen.StateReady}}.Event(format.KindIOReq, uint64(dom))
		m.Add(&e)
		c := format.IoctlEnter{Dom: dom, ID: uint64(dom)}.Event(uint64(dom))
		m.Add(&c)
	}
	l := m.Load(1, 20)
	if !l.Cut || len(l.Servers) != 20 || len(l.Domains) != 20 || len(m.servers) != maxLoads || len(m.domains) != maxLoads {
		t.Errorf("cut %v, %d servers of %d, %d domains of %d", l.Cut, len(l.Servers), len(m.servers), len(l.Domains), len(m.domains))
	}
}

func TestMeterAllocatesNothing(t *testing.T) {
	events := session(t, gen.Config{Events: 20_000})
	var m Meter
	pass := func() {
		for i := range events {
			m.Add(&events[i])
		}
	}
	pass()
	if n := testing.AllocsPerRun(3, pass); n > 0 {
		t.Errorf("%v allocations for %d events", n, len(events))
	}
}

func BenchmarkMeter(b *testing.B) {
	events := session(b, gen.Config{Events: 20_000})
	var m Meter
	for b.Loop() {
		for i := range events {
			m.Add(&events[i])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
}
