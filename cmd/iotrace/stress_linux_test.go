package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/flight"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/gen"
	"github.com/iotrace-xen/iotrace/record"
)

// TestAllAskAtOnce has clients of all kinds ask a flight recorder whose triggers fire all
// the time: everybody gets an answer, until the capture ends, and the end waits for the
// dumps. What it is for is the race detector.
func TestAllAskAtOnce(t *testing.T) {
	t.Setenv("IOTRACE_RUNTIME_DIR", shortDir(t.Cleanup))
	g, err := gen.New(gen.Config{Events: 1 << 40, Seed: 3, Xen: engine.Release{Major: 4, Minor: 17}, Paging: engine.NPT})
	if err != nil {
		t.Fatal(err)
	}
	var stopped atomic.Bool
	var n atomic.Uint64
	c := recorderOf(t)
	c.flags.metrics = "unix:" + shortDir(t.Cleanup) + ".sock"
	c.log = slog.New(slog.DiscardHandler)
	c.box.schedule = flight.Schedule{}
	calls, err := flight.ParseTrigger("filter:kind==dm_op_enter")
	if err != nil {
		t.Fatal(err)
	}
	c.box.triggers = []*flight.Trigger{calls}
	c.src.events = oneByOne(func(yield func(format.Event, error) bool) {
		for e := range g.Events() {
			if n.Add(1); stopped.Load() || !yield(e, nil) {
				return
			}
		}
	})
	c.src.stop = func() { stopped.Store(true) }
	c.src.stats = func() record.Stats { return record.Stats{Events: n.Load()} }
	var all sync.WaitGroup
	caught := signals{end: make(chan os.Signal)}
	for name, args := range map[string]string{
		"mark": `{"text":"x"}`, "dump": `{"text":"y"}`, "status": "{}", "top": `{"client":"a","filter":"kind==ioreq"}`,
	} {
		verb := c.verbs()[name]
		all.Go(func() {
			for i := 0; i < 5 && !stopped.Load(); i++ {
				if _, err := verb([]byte(args)); err != nil && err != errEnded {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	all.Go(func() {
		for range 5 {
			c.tick(time.Now())
			_ = fmt.Sprint(c.snapshot(time.Now()), progress(c.src.stats()))
			c.signalled()
		}
	})
	go func() {
		all.Wait()
		caught.end <- os.Interrupt
	}()
	if err := c.run(caught); err != nil {
		t.Error(err)
	}
	if len(c.box.names) == 0 || c.box.failed != 0 || c.box.writing != nil {
		t.Errorf("dumps %v, %d failed, one is being written: %v", c.box.names, c.box.failed, c.box.writing != nil)
	}
}
