package main

import (
	"os"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
)

// pipe returns a pipe whose ends are closed with the test.
func pipe(t *testing.T) (pr, pw *os.File) {
	t.Helper()
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pr.Close(); pw.Close() })
	return pr, pw
}

// TestStreamArrives reads a slow capture at the other end of a pipe while it runs:
// events must come though no block is full, and the stream must end as a trace.
func TestStreamArrives(t *testing.T) {
	pr, pw := pipe(t)
	r := start(t, pw, "TEST_EVENTS=10000000 TEST_RATE=30", "-o", "-")
	pw.Close()
	asked := monotonic()
	in, err := format.NewReader(pr)
	if err != nil {
		t.Fatal(err)
	}
	n, stopped := 0, false
	for e, err := range in.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if n++; e.Time >= asked && !stopped {
			stopped = true
			r.Process.Signal(os.Interrupt) // what is still to come must be whole, too
		}
	}
	if code := r.end(); code != 0 || !in.Closed() || !stopped || n == 0 {
		t.Errorf("exit %d, closed %v, %d events: %s", code, in.Closed(), n, r.said())
	}
}

// TestBrokenPipeOfIdleCapture takes the reader of a capture away in which next to
// nothing happens.
func TestBrokenPipeOfIdleCapture(t *testing.T) {
	pr, pw := pipe(t)
	r := start(t, pw, "TEST_EVENTS=10000000 TEST_RATE=5", "-o", "-")
	pw.Close()
	pr.Close()
	code := r.end()
	for _, want := range []string{"its reader is gone, which ended the capture", "captured ", " writer/no_space)", " events were not written"} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("no %q in %s", want, r.said())
		}
	}
	if code != exitIncomplete {
		t.Errorf("exit %d", code)
	}
}
