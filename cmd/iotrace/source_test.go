package main

import (
	"iter"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record"
	"github.com/iotrace-xen/iotrace/xen"
)

// number reads an environment variable of the test's.
func number(name string) uint64 {
	n, _ := strconv.ParseUint(os.Getenv(name), 10, 64)
	return n
}

// oneByOne has each event be a batch.
func oneByOne(events iter.Seq2[format.Event, error]) iter.Seq2[[]format.Event, error] {
	return func(yield func([]format.Event, error) bool) {
		for e, err := range events {
			if !yield([]format.Event{e}, err) {
				return
			}
		}
	}
}

// openTestSource is an opener without Xen, for the program "fakexen" of the scripts. It
// yields the events of the file TEST_TRACE, if that is set, and TEST_LOST lost requests.
// Then, and with the header of that file, it yields TEST_EVENTS events that do not
// compress, TEST_RATE a second (as many as possible if 0), then nothing until it is
// stopped; with TEST_STUBBORN it does not stop. TEST_WARNING is what to know of it from
// the start. It is there when the file TEST_GATE, which it makes, is gone.
func openTestSource(record.Options) (source, error) {
	if gate := os.Getenv("TEST_GATE"); gate != "" {
		for err := os.WriteFile(gate, nil, 0o600); err == nil; _, err = os.Stat(gate) {
			time.Sleep(time.Millisecond)
		}
	}
	var stopped atomic.Bool
	var n atomic.Uint64
	rate, total := number("TEST_RATE"), number("TEST_EVENTS")
	start := time.Now()
	h, recorded := testTrace()
	lost := testLosses()
	for _, l := range lost {
		recorded = append(recorded, format.Lost{Dom: xen.DomInvalid, Server: xen.NoServer, Probe: l.Probe, Reason: l.Reason, Count: l.Count}.Event(h.MonotonicNS))
	}
	events := func(yield func(format.Event, error) bool) {
		for _, e := range recorded {
			if !yield(e, nil) {
				return
			}
			n.Add(1) // behind what is done with it: who waits for so many finds them written
		}
		total := total + uint64(len(recorded))
		x := uint64(1)
		for !stopped.Load() {
			due := total
			if rate > 0 {
				due = min(total, uint64(time.Since(start))*rate/uint64(time.Second))
			}
			for n.Load() < due && !stopped.Load() {
				var c format.Clock
				for _, w := range []*uint64{&c.WallNS, &c.RawNS, &c.TSC, &c.XenNS} {
					x = x*6364136223846793005 + 1442695040888963407
					*w = x ^ x>>32
				}
				if !yield(c.Event(monotonic()), nil) {
					return
				}
				n.Add(1)
			}
			time.Sleep(time.Millisecond)
		}
	}
	var warn []string
	if w := os.Getenv("TEST_WARNING"); w != "" {
		warn = append(warn, w)
	}
	return source{
		header: h, warn: warn, events: oneByOne(events),
		stop:  func() { stopped.Store(os.Getenv("TEST_STUBBORN") == "") },
		stats: func() record.Stats { return record.Stats{Events: n.Load(), Lost: lost} },
		close: func() error { return nil },
	}, nil
}

// testLosses is what TEST_LOST says.
func testLosses() []record.Loss {
	n := number("TEST_LOST")
	if n == 0 {
		return nil
	}
	return []record.Loss{{Probe: format.ProbeIOReq, Reason: format.ReasonNoSpace, Count: n}}
}

// testTrace returns what the file TEST_TRACE has, without its key-frames.
func testTrace() (h format.Header, events []format.Event) {
	name := os.Getenv("TEST_TRACE")
	if name == "" {
		return format.Header{Synthetic: true, MonotonicNS: monotonic(), WallNS: uint64(time.Now().UnixNano())}, nil
	}
	in, err := openInput(name, nil)
	if err != nil {
		panic(err)
	}
	defer in.close()
	for e, err := range in.Events() {
		if err != nil {
			panic(err)
		}
		if !e.Kind.InKeyFrame() {
			events = append(events, e)
		}
	}
	return in.Header(), events
}
