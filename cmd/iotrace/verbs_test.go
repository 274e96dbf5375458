package main

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/control"
	"github.com/iotrace-xen/iotrace/flight"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record"
	"github.com/iotrace-xen/iotrace/xen"
)

// recorderOf returns a flight recorder without a source.
func recorderOf(tb testing.TB) *capture {
	tb.Helper()
	c := &capture{
		src: source{header: format.Header{XenVersion: "4.17.5", Paging: "npt"}, stats: func() record.Stats { return record.Stats{} }},
		log: slog.New(slog.DiscardHandler),
		flags: recordFlags{output: filepath.Join(tb.TempDir(), "x.iot"), flight: flightFlags{
			limits: limitsValue{flight.Limits{Bytes: flight.MinBytes}}, keep: keepValue{Files: 1},
		}},
	}
	if err := c.open(nil); err != nil {
		tb.Fatal(err)
	}
	return c
}

// FuzzVerbs gives a running flight recorder any arguments: it must answer with an
// error or with JSON, and go on.
func FuzzVerbs(f *testing.F) {
	verbs := []string{"mark", "dump", "status", "top"}
	for _, args := range []string{`{"text":"x"}`, `{"text":""}`, `{"text":"a\u0000b"}`, `{}`, `null`, `[1]`, `"x"`, `{"text":5}`, `{"client":"a","filter":"dom==1","interval_ns":1000}`, `{"client":"b","filter":"dom="}`} {
		for i := range verbs {
			f.Add(uint8(i), []byte(args))
		}
	}
	c := recorderOf(f)
	known := c.verbs()
	f.Fuzz(func(t *testing.T, at uint8, args []byte) {
		var do control.Verb = known[verbs[int(at)%len(verbs)]]
		before := c.w.Events()
		result, err := do(args)
		if _, jsonErr := json.Marshal(result); jsonErr != nil {
			t.Error(jsonErr)
		}
		if err != nil && c.w.Events() != before {
			t.Errorf("%s: %v, and events were written", args, err)
		}
	})
}

// TestTopVerb lets two clients measure the same capture, each from its own first
// request on.
func TestTopVerb(t *testing.T) {
	c := recorderOf(t)
	ask := func(args string) (topResult, error) {
		r, err := c.topVerb([]byte(args))
		l, _ := r.(topResult)
		return l, err
	}
	put := func(n int) {
		for range n {
			if err := c.put([]format.Event{format.Clock{}.Event(monotonic())}); err != nil {
				t.Fatal(err)
			}
		}
	}
	const a, b = `{"client":"a"}`, `{"client":"b","filter":"kind==mark"}`
	put(5)
	for i, want := range []struct {
		args   string
		events uint64
	}{{a, 0}, {a, 3}, {b, 0}, {a, 6}, {b, 0}, {a, 6}} {
		if l, err := ask(want.args); err != nil || l.Events != want.events {
			t.Errorf("request %d: %d events, %v; want %d", i, l.Events, err, want.events)
		}
		put(3)
	}
	for _, args := range []string{`{"client":"c","filter":"dom="}`, `{"client":"c","filter":5}`} {
		if _, err := ask(args); err == nil {
			t.Errorf("%s was taken", args)
		}
	}
	ask(`{"client":"c"}`)
	ask(`{"client":"d"}`)
	if _, err := ask(`{"client":"e"}`); err == nil || len(c.meters) != maxClients {
		t.Errorf("%v, %d meters", err, len(c.meters))
	}
	c.forgetMeters(time.Now().Add(time.Minute))
	if len(c.meters) != 0 {
		t.Errorf("%d meters of clients that are gone", len(c.meters))
	}
}

// TestTopAnswerFits asks a capture of as many servers as a meter tells apart, each
// with the longest numbers and names.
func TestTopAnswerFits(t *testing.T) {
	c := recorderOf(t)
	c.topVerb([]byte(`{"client":"a","interval_ns":3600000000000}`))
	id, far := uint64(0), uint64(1)<<51
	for dom := range xen.DomID(300) {
		for place := range uint64(5) {
			id++
			q := format.IOReq{Dom: 0x7000 + dom, Server: 0xfffe, ID: id, Req: xen.IOReq{Type: xen.TypeCopy, Addr: far - place<<12, State: xen.StateReady}}
			for _, e := range []format.Event{
				q.Event(format.KindIOReq, 1), q.Event(format.KindIOResp, 1<<62),
				format.DMOpEnter{Dom: q.Dom, ID: id, Known: true, Op: xen.DMOp{Op: xen.DMOpCode(3 + place)}}.Event(1),
			} {
				if err := c.put([]format.Event{e}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	r, err := c.topVerb([]byte(`{"client":"a","interval_ns":3600000000000}`))
	if err != nil {
		t.Fatal(err)
	}
	js, err := json.Marshal(r)
	if l := r.(topResult); err != nil || len(l.Servers) != topRows || len(l.Domains) != topRows || !l.Cut || len(js) > control.MaxLine*3/4 {
		t.Errorf("%d bytes, %d servers, %d domains, %v", len(js), len(l.Servers), len(l.Domains), err)
	}
}

// TestScreen cuts what does not fit.
func TestScreen(t *testing.T) {
	for _, c := range []struct {
		text          string
		width, height int
		want          string
	}{
		{"ab\ncd\n", 80, 24, "\x1b[Hab\x1b[K\r\ncd\x1b[K\x1b[J"},
		{"µbc\ncd\nef\n", 2, 3, "\x1b[Hµb\x1b[K\r\ncd\x1b[K\x1b[J"},
		{"ab\ncd\n", 0, 0, "\x1b[H\x1b[K\x1b[J"},
	} {
		if got := string(screen(c.text, c.width, c.height)); got != c.want {
			t.Errorf("%q in %dx%d: %q, want %q", c.text, c.width, c.height, got, c.want)
		}
	}
}
