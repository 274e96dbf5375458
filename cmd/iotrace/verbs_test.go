package main

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/iotrace-xen/iotrace/control"
	"github.com/iotrace-xen/iotrace/flight"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record"
)

// FuzzVerbs gives a running flight recorder any arguments: it must answer with an
// error or with JSON, and go on.
func FuzzVerbs(f *testing.F) {
	verbs := []string{"mark", "dump", "status"}
	for _, args := range []string{`{"text":"x"}`, `{"text":""}`, `{"text":"a\u0000b"}`, `{}`, `null`, `[1]`, `"x"`, `{"text":5}`} {
		for i := range verbs {
			f.Add(uint8(i), []byte(args))
		}
	}
	c := &capture{
		src: source{header: format.Header{XenVersion: "4.17.5", Paging: "npt"}, stats: func() record.Stats { return record.Stats{} }},
		log: slog.New(slog.DiscardHandler),
		flags: recordFlags{output: filepath.Join(f.TempDir(), "x.iot"), flight: flightFlags{
			limits: limitsValue{flight.Limits{Bytes: flight.MinBytes}}, keep: keepValue{Files: 1},
		}},
	}
	if err := c.open(nil); err != nil {
		f.Fatal(err)
	}
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
