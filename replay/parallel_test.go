package replay

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// inBlocks is a trace in blocks of so many events, cut at its key-frames as a
// Writer cuts it, and each handed out in two halves.
func inBlocks(events []format.Event, size int) source {
	var batches [][]format.Event
	var src source
	for i := range events {
		e := &events[i]
		opens, frame := e.Kind == format.KindKeyFrame, e.Kind.InKeyFrame()
		last := len(batches) - 1
		if last < 0 || opens || frame != src.index[last].KeyFrame || len(batches[last]) == size {
			batches = append(batches, nil)
			src.index = append(src.index, format.Block{KeyFrame: frame, Opens: opens})
			last++
		}
		batches[last] = append(batches[last], *e)
		src.index[last].Events++
	}
	src.some = func(first, limit int) iter.Seq2[[]format.Event, error] {
		return func(yield func([]format.Event, error) bool) {
			for _, b := range batches[first:limit] {
				half := (len(b) + 1) / 2
				if !yield(b[:half], nil) || half < len(b) && !yield(b[half:], nil) {
					return
				}
			}
		}
	}
	src.rest = func(first int) iter.Seq2[[]format.Event, error] { return src.some(first, len(batches)) }
	return src
}

// sideBySide replays events with so many workers.
func sideBySide(tb testing.TB, h format.Header, src source, workers int, o Options) (Report, []Verdict, error) {
	tb.Helper()
	var vs []Verdict
	o.OnVerdict = func(v Verdict) { vs = append(vs, v) }
	s, err := begin(h, o)
	if err != nil {
		tb.Fatal(err)
	}
	err = s.takeSource(src, workers)
	s.finish()
	return s.report, vs, err
}

// checkSideBySide fails unless workers find what a replay from front to back
// does, word for word.
func checkSideBySide(tb testing.TB, h format.Header, events []format.Event, r Report, vs []Verdict, o Options) {
	tb.Helper()
	src := inBlocks(events, 16)
	if len(src.parts()) < 2 {
		return
	}
	got, gots, err := sideBySide(tb, h, src, 3, o)
	if err != nil {
		tb.Error(err)
	}
	if !reflect.DeepEqual(got, r) {
		tb.Errorf("side by side\n%+v, from front to back\n%+v", got, r)
	}
	if !reflect.DeepEqual(gots, vs) {
		tb.Errorf("side by side %d verdicts, from front to back %d, or they differ", len(gots), len(vs))
	}
}

// TestSideBySideBigSessions replays generated sessions, from which something may
// be missing or changed, by several workers.
func TestSideBySideBigSessions(t *testing.T) {
	h, events := generated(t, 60_000)
	older, err := engine.ProfileFor(engine.Release{Major: 4, Minor: 14}, engine.EPT)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]format.Event) []format.Event{
		"whole": func(e []format.Event) []format.Event { return e },
		"late":  func(e []format.Event) []format.Event { return e[len(e)/3:] },
		"holes": holes,
		"wrong": wrong,
		"bad key-frames": func(e []format.Event) []format.Event { // each third lacks an event of its state
			at := 0
			return slices.DeleteFunc(e, func(e format.Event) bool {
				if e.Kind.InKeyFrame() {
					at++
				}
				return e.Kind == format.KindStateServer && at%3 == 0
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			framed := framed(t, h, events, func(*Mirror, format.Event) bool { n++; return n%5000 == 0 })
			framed = change(framed)
			runAll(t, h, framed, Options{})
			runAll(t, h, framed, Options{Profile: older})
		})
	}
}

// holes takes out some events and says so where the next clock is read.
func holes(events []format.Event) []format.Event {
	var out []format.Event
	missing := uint64(0)
	for i, e := range events {
		if !e.Kind.InKeyFrame() && i%997 == 0 {
			missing++
			continue
		}
		out = append(out, e)
		if e.Kind == format.KindClock && missing > 0 {
			l := format.Lost{Dom: xen.DomInvalid, Server: xen.NoServer, Probe: format.Probe(i % 5), CPU: -1, Count: missing}.Event(e.Time)
			l.Seq = e.Seq
			out, missing = append(out, l), 0
		}
	}
	return out
}

// wrong sends some requests to other servers.
func wrong(events []format.Event) []format.Event {
	for i := range events {
		if e := &events[i]; i%331 == 0 && (e.Kind == format.KindIOReq || e.Kind == format.KindIOResp) {
			e.Server ^= 1
		}
	}
	return events
}

func TestSideBySideLifeThatEndsWithARequest(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.in(dom, 0, 0, 0x60)
	tp.do(dom, 0, 1, 0x60)
	tp.createDomain(dom) // the end of the old one was not seen
	tp.server(dom, 0, 0x60, 0x64)
	events := framed(t, header, tp.events, always)
	if r, _ := runAll(t, header, events, Options{}); r.Unanswered != 1 || len(r.Domains) != 2 {
		t.Errorf("%+v", r)
	}
}

// TestSideBySideErrors ends the trace with an error at its start, in the midst of each
// of its blocks and behind it, for readers of some blocks and perhaps for those of the
// rest as well.
func TestSideBySideErrors(t *testing.T) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	for range 10 {
		tp.do(dom, 0, 0, 0x60)
	}
	whole := inBlocks(framed(t, header, tp.events, func(_ *Mirror, e format.Event) bool { return e.Seq%5 == 0 }), 2)
	var all []place
	for i, b := range whole.index {
		all = append(all, place{block: i, events: 1}, place{block: i, events: b.Events})
	}
	for _, bad := range append([]place{{}}, all...) {
		for _, both := range []bool{false, true} {
			src := whole
			src.some = breaking(whole, bad)
			if src.rest = whole.rest; both {
				src.rest = func(first int) iter.Seq2[[]format.Event, error] { return src.some(first, len(src.index)) }
			}
			want, wants, wantErr := sideBySide(t, header, src, 1, Options{})
			got, gots, err := sideBySide(t, header, src, 2, Options{})
			if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(gots, wants) || err != wantErr || (err != nil) != both {
				t.Errorf("%+v: %+v %v, want %+v %v", bad, got, err, want, wantErr)
			}
		}
	}
}

// TestSideBySideEndsBeforeTheRest has a worker that reads until nobody waits for it, while
// the first part ends with an error: the rest, which may replace the index that the worker
// reads by, is read when the worker has ended.
func TestSideBySideEndsBeforeTheRest(t *testing.T) {
	tp := &tape{}
	for range 10 {
		tp.server(dom, 0, 0x60, 0x64)
	}
	whole := inBlocks(framed(t, header, tp.events, func(_ *Mirror, e format.Event) bool { return e.Seq%5 == 0 }), 2)
	src := whole
	second := src.parts()[1]
	begun, ended := make(chan struct{}), make(chan struct{})
	src.some = func(first, limit int) iter.Seq2[[]format.Event, error] {
		return func(yield func([]format.Event, error) bool) {
			switch {
			case first < limit && first < second.first:
				<-begun
				yield(nil, format.ErrChecksum)
			case first == second.first && limit == second.limit:
				defer close(ended)
				close(begun)
				for yield(nil, nil) {
				}
			default:
				whole.some(first, limit)(yield)
			}
		}
	}
	src.rest = func(first int) iter.Seq2[[]format.Event, error] {
		select {
		case <-ended:
		default:
			t.Error("a worker still reads")
		}
		return whole.rest(first)
	}
	want, _, _ := sideBySide(t, header, whole, 1, Options{})
	if got, _, err := sideBySide(t, header, src, 2, Options{}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
}

// breaking reads blocks up to a place that is damaged.
func breaking(src source, bad place) func(first, limit int) iter.Seq2[[]format.Event, error] {
	return func(first, limit int) iter.Seq2[[]format.Event, error] {
		return func(yield func([]format.Event, error) bool) {
			at := place{block: first}
			for batch, err := range src.some(first, limit) {
				if at == bad {
					yield(nil, format.ErrChecksum)
					return
				}
				if src.pass(&at, len(batch)); !yield(batch, err) {
					return
				}
			}
			if at == bad {
				yield(nil, format.ErrChecksum)
			}
		}
	}
}

// TestSideBySideMissingBlock takes each block in turn out of a file, also such as end
// or begin a segment.
func TestSideBySideMissingBlock(t *testing.T) {
	h, events := generated(t, 1000)
	n := 0
	b := fileOf(t, h, framed(t, h, events, func(*Mirror, format.Event) bool { n++; return n%200 == 0 }))
	for _, block := range openFile(t, b).Index().Blocks {
		cut := slices.Concat(b[:block.Offset], b[block.Offset+block.Size:])
		want, wantErr := RunFile(openFile(t, cut), 1, Options{})
		got, err := RunFile(openFile(t, cut), 3, Options{})
		if !errors.Is(wantErr, format.ErrMissing) || fmt.Sprint(err) != fmt.Sprint(wantErr) || !reflect.DeepEqual(got, want) {
			t.Errorf("without the block at %d: %+v %v, want %+v %v", block.Offset, got, err, want, wantErr)
		}
	}
}

// fileOf writes a trace in blocks of 100 events.
func fileOf(t *testing.T, h format.Header, events []format.Event) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := format.NewWriter(&b, h, format.WriterOptions{})
	for i := 0; i < len(events) && err == nil; i++ {
		if err = w.Write(events[i]); err == nil && i%100 == 99 {
			err = w.Flush()
		}
	}
	if err = cmp.Or(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openFile(t *testing.T, b []byte) *format.File {
	t.Helper()
	f, err := format.NewFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
