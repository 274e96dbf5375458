package store

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/format"
)

// readAll returns the events of a whole trace.
func readAll(t *testing.T, b []byte) (events []format.Event) {
	t.Helper()
	r, err := format.Open(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range r.Events() {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	if !r.Closed() {
		t.Error("the trace is not closed")
	}
	return events
}

func header(part int) format.Header { return format.Header{Part: part} }

func clock(ms int) format.Event {
	return format.Clock{WallNS: uint64(ms)}.Event(uint64(ms) * uint64(time.Millisecond))
}

// TestRotationWaitsForCalm rotates each two seconds, at the first calm moment.
func TestRotationWaitsForCalm(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	ms, files := 0, [][2]int{} // first event of each file, in ms
	w, err := Open(name, Options{
		Ring: Ring{Time: 2 * time.Second}, Header: header,
		Mirror: &testMirror{calm: func() bool { return ms > 9000 || ms%500 == 300 }},
	})
	if err != nil {
		t.Fatal(err)
	}
	for ; ms < 10000; ms += 100 {
		if err := w.Write(clock(ms)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, n := range w.Names() {
		e := ownEvents(t, n)
		files = append(files, [2]int{int(e[0].Clock().WallNS), len(e)})
	}
	want := [][2]int{{0, 23}, {2300, 20}, {4300, 20}, {6300, 20}, {8300, 17}}
	if len(files) != len(want) {
		t.Fatalf("files %v, want %v", files, want)
	}
	for i := range want {
		if files[i] != want[i] {
			t.Errorf("files %v, want %v", files, want)
			break
		}
	}
}

// ownEvents returns the events of a file that are of no key-frame.
func ownEvents(t *testing.T, name string) []format.Event {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(readAll(t, b), func(e format.Event) bool { return e.Kind.InKeyFrame() })
}

// TestRotationKeepsLossesWithTheirClock: a file does not end between a clock and what it
// says was lost in front of it.
func TestRotationKeepsLossesWithTheirClock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	w, err := Open(name, Options{Ring: Ring{Time: 999 * time.Millisecond}, Header: header, Mirror: &testMirror{calm: func() bool { return true }}})
	if err != nil {
		t.Fatal(err)
	}
	for ms := 0; ms < 5000; ms += 1000 {
		lost := format.Lost{Probe: format.ProbePrivcmd, Count: 1}.Event(uint64(ms+999) * uint64(time.Millisecond))
		for _, e := range []format.Event{clock(ms), lost} {
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, n := range w.Names() {
		e := ownEvents(t, n)
		if e[0].Kind == format.KindLost || e[len(e)-1].Kind != format.KindLost {
			t.Errorf("%s begins with %v and ends with %v", filepath.Base(n), e[0].Kind, e[len(e)-1].Kind)
		}
	}
}

// TestRotationLosesPatience never has a calm moment.
func TestRotationLosesPatience(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	w, err := Open(name, Options{Ring: Ring{Time: 2 * time.Second, Files: 2}, Header: header, Mirror: &testMirror{calm: func() bool { return false }}})
	if err != nil {
		t.Fatal(err)
	}
	for ms := 0; ms < 10000; ms += 100 {
		if err := w.Write(clock(ms)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if names := w.Names(); len(names) != 2 || filepath.Base(names[1]) != "x.0004.iot" {
		t.Errorf("%v", names)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*")); len(left) != 2 {
		t.Errorf("%v are left", left)
	}
}

// TestSmallBlockBeforeTheLimit has a small block, as a quiet moment makes one, in front
// of each large one.
func TestSmallBlockBeforeTheLimit(t *testing.T) {
	const limit = 1 << 20
	rng := rand.New(rand.NewPCG(1, 1))
	w, err := Open(filepath.Join(t.TempDir(), "x.iot"), Options{Ring: Ring{Size: limit}, Header: header})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 400_000 {
		e := clock(n)
		e.W[0] = rng.Uint64()
		err := w.Write(e)
		if n%4000 == 0 || n%4000 == 1200 {
			err = errors.Join(err, w.Flush())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if len(w.Names()) < 2 {
		t.Errorf("files %v, want several", w.Names())
	}
	for _, name := range w.Names() {
		if st, err := os.Stat(name); err != nil || st.Size() > limit {
			t.Errorf("%s has %d bytes, %v", name, st.Size(), err)
		}
	}
}

// TestKeyFrames writes key-frames where the mirror wants them and where a file
// begins.
func TestKeyFrames(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	m := &testMirror{calm: func() bool { return true }, every: 10}
	w, err := Open(name, Options{Ring: Ring{Time: time.Second}, Header: header, Mirror: m})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 25 {
		w.Write(clock(100 * i))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if m.steps != 25 || m.asked != 25 {
		t.Errorf("%d steps, asked %d times", m.steps, m.asked)
	}
	var got []string
	for _, n := range w.Names() {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		s := ""
		for _, e := range readAll(t, b) {
			switch {
			case e.Kind >= format.KindOpen:
				s += "o"
				if e.Seq != 1 {
					t.Errorf("an open event has number %d", e.Seq)
				}
			case e.Kind.InKeyFrame():
				s += "K" + strconv.FormatUint(e.Seq, 10)
			default:
				s += "."
			}
		}
		got = append(got, s)
	}
	want := []string{"..........", "K10o..........", "K20o....."}
	if !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// A testMirror wants a key-frame every so many events.
type testMirror struct {
	calm         func() bool
	every        uint64
	steps, asked int
}

func (m *testMirror) Step(format.Event)        { m.steps++ }
func (m *testMirror) StepAll(e []format.Event) { m.steps += len(e) }
func (m *testMirror) Calm() bool               { return m.calm() }

func (m *testMirror) Plain(next []format.Event) int {
	if m.every == 0 {
		return len(next)
	}
	behind := m.steps % int(m.every)
	if behind == 0 && m.steps > 0 {
		return 0
	}
	return min(len(next), int(m.every)-behind)
}

func (m *testMirror) Due(next format.Event) bool {
	m.asked++
	return m.every > 0 && next.Seq > 0 && next.Seq%m.every == 0
}

func (m *testMirror) KeyFrame(t uint64) []format.Event {
	return []format.Event{{Kind: format.KindKeyFrame, Time: t}, {Kind: format.KindOpen + format.KindClock, Seq: 1, Time: t}}
}

// TestTick flushes what waits, but not what a busy stream flushes by itself.
func TestTick(t *testing.T) {
	var out bytes.Buffer
	w, err := Stream(&out, Options{Header: header})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1000, 0)
	tick := func(n int) {
		for range n {
			now = now.Add(200 * time.Millisecond)
			if err := w.Tick(now); err != nil {
				t.Fatal(err)
			}
		}
	}
	tick(25)
	empty := out.Len()
	w.Write(clock(1))
	tick(3)
	if out.Len() != empty {
		t.Error("flushed too early")
	}
	tick(1)
	if out.Len() == empty {
		t.Error("not flushed after 0.8 seconds")
	}
	size := out.Len()
	tick(25)
	if out.Len() != size {
		t.Error("flushed without an event")
	}
}

// A brokenPipe takes so many blocks.
type brokenPipe int

func (p *brokenPipe) Write(b []byte) (int, error) {
	if *p--; *p < 0 {
		return 0, errBroken
	}
	return len(b), nil
}

var errBroken = errors.New("broken")

// TestRefusals counts what comes after a failed write.
func TestRefusals(t *testing.T) {
	p := brokenPipe(2) // the header and a block
	w, err := Stream(&p, Options{Header: header})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(clock(0))
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	w.Write(clock(1))
	if err := w.Flush(); !errors.Is(err, errBroken) {
		t.Errorf("Flush: %v", err)
	}
	for range 3 {
		if err := w.Write(clock(2)); !errors.Is(err, errBroken) {
			t.Errorf("Write: %v", err)
		}
	}
	if err := w.Close(); !errors.Is(err, errBroken) || w.Refused() != 3 {
		t.Errorf("Close: %v, %d refused", err, w.Refused())
	}
}

// TestOpenReplacesARing removes an earlier ring of the name, and only that.
func TestOpenReplacesARing(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"x.0001.iot", "x.0009.iot", "x.0010.iot.incomplete", "x.iot", "y.0001.iot"} {
		os.WriteFile(filepath.Join(dir, n), []byte("old"), 0o600)
	}
	o := Options{Header: header, Ring: Ring{Files: 2, Size: 1 << 20}}
	if _, err := Open(filepath.Join(dir, "x.iot"), o); !errors.Is(err, ErrExists) {
		t.Errorf("without Replace: %v", err)
	}
	o.Replace = true
	w, err := Open(filepath.Join(dir, "x.iot"), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, "x.iot"), o); !errors.Is(err, ErrBusy) {
		t.Errorf("a second capture: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 3 {
		t.Errorf("%v are left", left)
	}
}

// TestResumeWithoutRoom leaves an earlier ring alone where removing it would not make
// room for the next file.
func TestResumeWithoutRoom(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"x.0001.iot", "x.0002.iot", "x.0003.iot.incomplete"} {
		os.WriteFile(filepath.Join(dir, n), []byte("old"), 0o600)
	}
	o := Options{Header: header, Ring: Ring{Files: 9, Size: 1 << 20}, Resume: true, FileOptions: FileOptions{Reserve: 1 << 60}}
	if _, err := Open(filepath.Join(dir, "x.iot"), o); !errors.Is(err, ErrFull) {
		t.Errorf("want no room, got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 3 {
		t.Errorf("%v are left", left)
	}
}

// TestResume goes on with the ring of a service that was killed: numbers and
// retention count what is there, and what the kill left incomplete is not taken
// for another capture's.
func TestResume(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"x.9999.iot", "x.10000.iot", "x.9998.iot", "x.10001.iot.incomplete", "y.0007.iot"} {
		os.WriteFile(filepath.Join(dir, n), []byte("old"), 0o600)
	}
	name := filepath.Join(dir, "x.iot")
	o := Options{Header: header, Ring: Ring{Files: 3, Time: time.Second}, Resume: true}
	w, err := Open(name, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(name, o); !errors.Is(err, ErrBusy) {
		t.Errorf("a second capture: %v", err)
	}
	want := func(when string, names ...string) {
		t.Helper()
		left, _ := filepath.Glob(filepath.Join(dir, "x.*"))
		for i := range left {
			left[i] = filepath.Base(left[i])
		}
		slices.Sort(left)
		slices.Sort(names)
		if !slices.Equal(left, names) {
			t.Errorf("%s: %v are left, want %v", when, left, names)
		}
	}
	want("at the start", "x.10000.iot", "x.10001.iot.incomplete", "x.10002.iot.incomplete")
	for ms := range 1500 {
		if err := w.Write(clock(ms)); err != nil {
			t.Fatal(err)
		}
	}
	if w.Parts() != 2 {
		t.Errorf("%d parts, want 2", w.Parts())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want("at the end", "x.10001.iot.incomplete", "x.10002.iot", "x.10003.iot")
	var size int64
	for _, n := range w.Names()[1:] {
		st, err := os.Stat(n)
		if err != nil {
			t.Fatal(err)
		}
		size += st.Size()
	}
	if w.Bytes() != uint64(size) {
		t.Errorf("Bytes is %d, the files have %d", w.Bytes(), size)
	}
}

// TestStreamIsOneTrace has a stream pass the limits of a ring.
func TestStreamIsOneTrace(t *testing.T) {
	var b bytes.Buffer
	w, err := Stream(&b, Options{Header: header, Ring: Ring{Time: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(5) {
		if err := w.Write(format.Clock{}.Event(i * uint64(time.Second))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := format.Check(bytes.NewReader(b.Bytes()), int64(b.Len())); err != nil || r.Events != 5 || r.Condition() != format.Whole {
		t.Errorf("%+v, %v", r, err)
	}
}
