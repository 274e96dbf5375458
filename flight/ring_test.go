package flight

import (
	"bytes"
	"errors"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/gen"
	"github.com/iotrace-xen/iotrace/replay"
	"github.com/iotrace-xen/iotrace/store"
)

// A rig is a capture of a synthetic session into a ring, and into a whole trace
// beside it.
type rig struct {
	testing.TB
	header format.Header
	ring   *Ring
	whole  bytes.Buffer
	w      *store.Writer
}

func (r *rig) Write(block []byte) (int, error) {
	r.whole.Write(block)
	return r.ring.Write(block)
}

func newRig(t testing.TB, l Limits, h format.Header) *rig {
	t.Helper()
	r := &rig{TB: t, header: h, ring: NewRing(l)}
	m, err := replay.NewMirror(h)
	if err != nil {
		t.Fatal(err)
	}
	r.w, err = store.Stream(r, store.Options{Header: func(int) format.Header { return h }, Mirror: &Pace{Mirror: m, Ring: r.ring}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func generate(t testing.TB, c gen.Config) (format.Header, iter.Seq[format.Event]) {
	t.Helper()
	g, err := gen.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g.Header(), g.Events()
}

// dump returns a dump as a file.
func (r *rig) dump() []byte {
	r.Helper()
	if err := r.w.Flush(); err != nil {
		r.Fatal(err)
	}
	s, err := r.ring.Snapshot()
	if err != nil {
		r.Fatal(err)
	}
	defer r.ring.Release()
	var file bytes.Buffer
	if err := s.WriteTrace(&file, r.header); err != nil {
		r.Fatal(err)
	}
	return file.Bytes()
}

func (r *rig) read(file []byte) (events []format.Event) {
	r.Helper()
	in, err := format.NewReader(bytes.NewReader(file))
	if err != nil {
		r.Fatal(err)
	}
	for e, err := range in.Events() {
		if errors.Is(err, format.ErrTruncated) {
			break // the whole trace goes on
		}
		if err != nil {
			r.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// verdicts replays events and returns what is said of those from a number on.
func (r *rig) verdicts(events []format.Event, from uint64) (vs []replay.Verdict) {
	r.Helper()
	seq := func(yield func(format.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
	report, err := replay.Run(r.header, seq, replay.Options{OnVerdict: func(v replay.Verdict) {
		if v.Event >= from {
			vs = append(vs, v)
		}
	}})
	if err != nil || report.KeyFrameMismatches > 0 {
		r.Fatalf("%v, %d key-frames disagree", err, report.KeyFrameMismatches)
	}
	return vs
}

// checkDump checks that a dump is a whole trace of the newest events, opens with a
// key-frame, and has the verdicts that the whole session has there.
func (r *rig) checkDump(all []format.Event, file []byte) {
	r.Helper()
	report, err := format.Check(bytes.NewReader(file), int64(len(file)))
	if err != nil || report.Condition() != format.Whole || !report.Indexed {
		r.Fatalf("%v, %+v", err, report)
	}
	events := r.read(file)
	if events[0].Kind != format.KindKeyFrame || events[0].Time > events[len(events)-1].Time {
		r.Fatalf("opens with %v", events[0])
	}
	if tail := all[len(all)-len(events):]; !slices.Equal(events, tail) {
		r.Fatalf("%d events that are not the session's last", len(events))
	}
	from := events[0].Seq
	if got, want := r.verdicts(events, 0), r.verdicts(all, from); len(got) == 0 || !slices.Equal(got, want) {
		r.Errorf("a dump from event %d on has %d verdicts that are not the %d of the whole", from, len(got), len(want))
	}
}

// TestDumpsReplayAlone dumps a small ring now and then.
func TestDumpsReplayAlone(t *testing.T) {
	h, events := generate(t, gen.Config{Events: 160_000, Domains: 3, Life: 30_000, Churn: 2000})
	r := newRig(t, Limits{Bytes: 256 << 10}, h)
	n, first := 0, []uint64{}
	for e := range events {
		if err := r.w.Write(e); err != nil {
			t.Fatal(err)
		}
		if n++; n == 1000 || n%50_000 == 0 {
			file := r.dump()
			r.checkDump(r.read(slices.Clone(r.whole.Bytes())), file)
			first = append(first, r.ring.State().FirstSeq)
			t.Logf("after %d events: %+v", n, r.ring.State())
		}
	}
	if first[0] != 0 || first[len(first)-1] == 0 {
		t.Errorf("dumps begin with events %v: nothing was ever dropped", first)
	}
}

// TestSpan keeps three seconds of a slow session, and no more segments than that
// takes.
func TestSpan(t *testing.T) {
	h, events := generate(t, gen.Config{Events: 60_000, Rate: 5000})
	r := newRig(t, Limits{Bytes: 64 << 20, Span: 3 * time.Second}, h)
	n := 0
	for e := range events {
		if err := r.w.Write(e); err != nil {
			t.Fatal(err)
		}
		if n++; n%5000 != 0 {
			continue
		}
		r.w.Flush()
		st := r.ring.State()
		want := min(time.Duration(e.Time-h.MonotonicNS), 3*time.Second)
		if st.Span < want-time.Second || st.Span > 6*time.Second {
			t.Errorf("after %d events %v are in memory, want %v", n, st.Span, want)
		}
	}
}

// TestMemory measures the heap while a capture of events that do not compress runs
// over a ring many times.
func TestMemory(t *testing.T) {
	const limit = 4 << 20
	h, _ := generate(t, gen.Config{Events: 1})
	r := newRig(t, Limits{Bytes: limit}, h)
	chance := rand.New(rand.NewPCG(1, 2))
	var before, most uint64
	for n := range uint64(500_000) {
		c := format.Clock{WallNS: chance.Uint64(), RawNS: chance.Uint64(), TSC: chance.Uint64(), XenNS: chance.Uint64()}
		if err := r.w.Write(c.Event(n * 10_000)); err != nil {
			t.Fatal(err)
		}
		r.whole.Reset()
		switch {
		case n == 40_000: // the writer has all the buffers that it needs
			before = heap() - r.ring.State().Bytes
		case n%50_000 == 49_999:
			most = max(most, heap()-before)
		}
	}
	st := r.ring.State()
	if most > limit+limit/16 || most < limit*3/4 {
		t.Errorf("the ring takes %d bytes, its limit is %d", most, limit)
	}
	if st.FirstSeq < 300_000 {
		t.Errorf("%+v: the ring was never full", st)
	}
	t.Logf("%d bytes, %+v", most, st)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestChunksAreUsedAgain fills the ring without anything left to allocate, also after
// a snapshot was released.
func TestChunksAreUsedAgain(t *testing.T) {
	h, events := generate(t, gen.Config{Events: 20_000})
	r := newRig(t, Limits{Bytes: 1 << 20}, h)
	for e := range events {
		r.w.Write(e)
	}
	r.w.Flush()
	ring := NewRing(Limits{Bytes: MinBytes})
	blocks := blocksOf(t, r.whole.Bytes())
	fill := func() {
		for _, b := range blocks {
			ring.Write(b)
		}
	}
	for range 50 {
		fill()
	}
	if st := ring.State(); st.Bytes > MinBytes || st.Bytes < MinBytes/2 {
		t.Fatalf("%+v", st)
	}
	if _, err := ring.Snapshot(); err != nil {
		t.Fatal(err)
	}
	fill()
	ring.Release()
	for range 50 { // makes up for what the snapshot kept
		fill()
	}
	if n := testing.AllocsPerRun(20, fill); n > 12 { // of segments, not of their content
		t.Errorf("%v allocations for %d blocks", n, len(blocks))
	}
	if n := ring.chunks + len(ring.free); n > ring.budget {
		t.Errorf("%d chunks, more than %d", n, ring.budget)
	}
}

// blocksOf takes a trace apart.
func blocksOf(t *testing.T, file []byte) (blocks [][]byte) {
	t.Helper()
	for i := 0; i+format.BlockHead <= len(file); i++ {
		if b, ok := format.ParseBlock(file[i:]); ok {
			blocks = append(blocks, file[i:i+int(b.Size)])
			i += int(b.Size) - 1
		}
	}
	if len(blocks) == 0 {
		t.Fatal("no blocks")
	}
	return blocks
}

// TestOversize has a key-frame that is larger than the ring: nothing is kept, and
// the next one that fits begins anew.
func TestOversize(t *testing.T) {
	h, events := generate(t, gen.Config{Events: 2000})
	r := newRig(t, Limits{Bytes: 1 << 20}, h)
	for e := range events {
		r.w.Write(e)
	}
	r.w.Flush()
	blocks := blocksOf(t, r.whole.Bytes())
	ring := NewRing(Limits{Bytes: 4 << 10}) // smaller than any that ParseLimits lets pass
	for _, b := range blocks {
		ring.Write(b)
	}
	if _, err := ring.Snapshot(); !errors.Is(err, ErrEmpty) || !ring.WantsKeyFrame(0) {
		t.Errorf("%v, %+v", err, ring.State())
	}
}

func TestParseLimits(t *testing.T) {
	for s, want := range map[string]Limits{
		"64MiB": {Bytes: 64 << 20}, "10m": {DefaultBytes, 10 * time.Minute}, "1h,2MiB": {2 << 20, time.Hour}, "2MiB,90s": {2 << 20, 90 * time.Second},
	} {
		if got, err := ParseLimits(s); err != nil || got != want {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "1", "4KiB", "1ms", "1h,2h", "4MiB,5MiB", "4MiB,", "x", "-10m"} {
		if got, err := ParseLimits(s); err == nil {
			t.Errorf("%q: %+v", s, got)
		}
	}
	if s := (Limits{2 << 20, 90 * time.Second}).String(); s != "2MiB,1m30s" {
		t.Error(s)
	}
}

// BenchmarkRecord puts a session into a ring, with what the encoder and the mirror
// take; BenchmarkDump writes what the ring holds as a trace.
func BenchmarkRecord(b *testing.B) {
	h, seq := generate(b, gen.Config{Events: 200_000})
	events := slices.Collect(seq)
	for b.Loop() {
		r := newRig(b, Limits{Bytes: 1 << 20}, h)
		for _, e := range events {
			r.w.Write(e)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
}

func BenchmarkDump(b *testing.B) {
	h, events := generate(b, gen.Config{Events: 200_000})
	r := newRig(b, Limits{Bytes: 16 << 20}, h)
	for e := range events {
		r.w.Write(e)
	}
	for b.Loop() {
		r.dump()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(uint64(b.N)*r.ring.State().Events), "ns/event")
}
