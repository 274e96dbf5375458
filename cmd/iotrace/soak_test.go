package main

import (
	"bytes"
	"context"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/gen"
	"github.com/iotrace-xen/iotrace/record"
)

// heapAfter are the numbers of events after which a soak looks at the heap. At the
// first the bounded pasts of the busiest domains are full.
var heapAfter = []int{1_000_000, 3_000_000}

// TestCaptureDoesNotGrow records a long session into a ring of files, with
// key-frames, and looks at what lives on the heap early and late. A leak of one
// event in twenty fails it.
func TestCaptureDoesNotGrow(t *testing.T) {
	g, err := gen.New(gen.Config{Events: uint64(heapAfter[1]) + 1, Seed: 7, Xen: engine.Release{Major: 4, Minor: 17}, Paging: engine.NPT})
	if err != nil {
		t.Fatal(err)
	}
	var heap []uint64
	open := func(record.Options) (source, error) {
		events := func(yield func(format.Event, error) bool) {
			n := 0
			for e := range g.Events() {
				if n == heapAfter[len(heap)%2] && len(heap) < 2 {
					heap = append(heap, liveHeap())
				}
				if n++; !yield(e, nil) {
					return
				}
			}
		}
		return source{header: g.Header(), events: oneByOne(events), stop: func() {}, stats: func() record.Stats { return record.Stats{} }, close: func() error { return nil }}, nil
	}
	t.Setenv("IOTRACE_RUNTIME_DIR", shortDir(t.Cleanup))
	var errs bytes.Buffer
	out := filepath.Join(t.TempDir(), "x.iot")
	if code := runWith(context.Background(), open, []string{"record", "-o", out, "--ring", "files:2,size:1MiB"}, nil, &errs, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	if len(heap) != 2 {
		t.Fatalf("%d looks at the heap, want 2: the session was too short", len(heap))
	}
	t.Logf("%.1f MiB live after %d events, %.1f after %d", mib(heap[0]), heapAfter[0], mib(heap[1]), heapAfter[1])
	if heap[1] > heap[0]+8<<20 || heap[1] > 32<<20 {
		t.Errorf("the heap grew from %.1f to %.1f MiB: want at most 8 MiB more, and 32 in all", mib(heap[0]), mib(heap[1]))
	}
}

// liveHeap is what is reachable, in bytes.
func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func mib(n uint64) float64 { return float64(n) / (1 << 20) }
