package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// segmented writes a trace of key-frames with a hundred events behind each, a
// second long, which alternate between two domains and none.
func segmented(t *testing.T, name string, segments int) (events []format.Event) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := format.NewWriter(f, format.Header{UUID: "u"}, format.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	doms := []xen.DomID{1, 2, xen.DomInvalid}
	for seq := range uint64(100 * segments) {
		at := seq * 10_000_000
		put := func(k format.Kind) {
			e := format.Clock{WallNS: seq}.Event(at)
			e.Kind, e.Seq, e.Dom = k, seq, doms[seq%3]
			if err := w.Put(e); err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
		if seq%100 == 0 {
			put(format.KindKeyFrame)
		}
		put(format.KindClock)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return events
}

// readTrace returns all events of a trace, and whether it was closed. A trace
// may be cut, but not damaged.
func readTrace(t *testing.T, name string) (format.Header, []format.Event, bool) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := format.Open(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var events []format.Event
	for e, err := range r.Events() {
		if err != nil && !errors.Is(err, format.ErrTruncated) {
			t.Fatalf("%s: %v", name, err)
		}
		if err == nil {
			events = append(events, e)
		}
	}
	return r.Header(), events, r.Closed()
}

func mustRun(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(context.Background(), args, nil, &out, &errs); code != 0 {
		t.Fatalf("%q: exit %d: %s", args, code, &errs)
	}
	return out.String()
}

// TestSplitAndMerge takes a trace apart in each way and puts it together again.
func TestSplitAndMerge(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "x.iot")
	want := segmented(t, name, 10)
	for _, c := range []struct {
		flags []string
		parts int
	}{
		{[]string{"--segments", "1"}, 10},
		{[]string{"--segments", "3"}, 4},
		{[]string{"--time", "5s"}, 2},
		{[]string{"--time", "1ms"}, 10},
		{[]string{"--size", "1"}, 10},
		{[]string{"--size", "1GiB"}, 1},
	} {
		base := filepath.Join(dir, strings.Join(c.flags, "")+".iot")
		parts := strings.Fields(mustRun(t, append([]string{"split", name, "-o", base}, c.flags...)...))
		if len(parts) != c.parts {
			t.Errorf("%v: %d parts, want %d", c.flags, len(parts), c.parts)
		}
		for i, p := range parts {
			h, events, closed := readTrace(t, p)
			if !closed || events[0].Kind != format.KindKeyFrame || h.Part != i+1 || h.CaptureUUID != "u" || h.Provenance[0].InputUUID != "u" {
				t.Errorf("%s: closed %v, first %v, header %+v", p, closed, events[0], h)
			}
		}
		if len(parts) < 2 {
			continue
		}
		whole := base + ".whole"
		mustRun(t, append([]string{"merge", "-o", whole}, parts...)...)
		h, got, _ := readTrace(t, whole)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: merged %d events, want %d", c.flags, len(got), len(want))
		}
		if len(h.Provenance) != 1+len(parts) || h.Part != 0 {
			t.Errorf("%v: header %+v", c.flags, h)
		}
	}
}

func TestSplitByDomain(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	segmented(t, name, 3)
	parts := strings.Fields(mustRun(t, "split", name, "--by-domain"))
	if len(parts) != 2 || !strings.HasSuffix(parts[0], "x.dom1.iot") || !strings.HasSuffix(parts[1], "x.dom2.iot") {
		t.Fatalf("%v", parts)
	}
	for i, p := range parts {
		_, events, closed := readTrace(t, p)
		if len(events) != 203 || !closed {
			t.Errorf("%s: %d events", p, len(events))
		}
		for _, e := range events {
			if e.Kind != format.KindKeyFrame && e.Dom != xen.DomID(i+1) && e.Dom != xen.DomInvalid {
				t.Errorf("%s has %v", p, e)
			}
		}
	}
	// Numbers of other domains' events are missing in it, but no event of it is.
	pieces := strings.Fields(mustRun(t, "split", parts[0], "--segments", "1"))
	mustRun(t, append([]string{"merge", "-o", name + "z"}, pieces...)...)
	_, want, _ := readTrace(t, parts[0])
	if _, got, _ := readTrace(t, name+"z"); len(pieces) != 3 || !reflect.DeepEqual(got, want) {
		t.Errorf("of a domain's trace in %d pieces merge makes %d events, want %d", len(pieces), len(got), len(want))
	}
	var errs bytes.Buffer
	if code := run(context.Background(), append([]string{"merge", "-o", name + "y"}, parts...), nil, io.Discard, &errs); code != exitUsage || !strings.Contains(errs.String(), "overlap") {
		t.Errorf("exit %d: %s", code, &errs)
	}
}
