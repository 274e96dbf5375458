package gen

import (
	"fmt"
	"iter"
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/replay"
)

func generate(tb testing.TB, cfg Config) *Generator {
	tb.Helper()
	g, err := New(cfg)
	if err != nil {
		tb.Fatalf("%+v: %v", cfg, err)
	}
	return g
}

func seq2(events iter.Seq[format.Event]) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		for e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func replayed(tb testing.TB, cfg Config) replay.Report {
	tb.Helper()
	g := generate(tb, cfg)
	bad := 0
	r, err := replay.Run(g.Header(), seq2(g.Events()), replay.Options{OnVerdict: func(v replay.Verdict) {
		if v.Kind == replay.Differ && bad < 5 {
			bad++
			tb.Error(v)
		}
	}})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestSessionsReplay(t *testing.T) {
	for seed := range uint64(4) {
		for _, rel := range []uint8{14, 17, 20} {
			for _, paging := range []engine.Paging{engine.NPT, engine.EPT} {
				cfg := Config{Events: 60_000, Seed: seed, Xen: engine.Release{Major: 4, Minor: rel}, Paging: paging}
				t.Run(fmt.Sprintf("seed %d 4.%d %v", seed, rel, paging), func(t *testing.T) {
					r := replayed(t, cfg)
					t.Logf("%+v %v lives %d spurious %d unjudged %d unret %d unans %d", r.Tally, r.Unknown, len(r.Domains), r.Spurious, r.Unjudged, r.Unreturned, r.Unanswered)
				})
			}
		}
	}
}
