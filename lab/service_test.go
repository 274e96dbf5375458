package lab_test

import (
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/dom0"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestScenarioService records a session with the installed package, which systemd runs.
// The clock is stepped, the CPU hogged and the recorder stopped for ten seconds, and
// nothing is lost; of two recorders beside it one is killed and one fills its disk, and
// both leave traces that are whole.
func TestScenarioService(t *testing.T) {
	t.Parallel()
	r, err := lab.FindRelease("4.17")
	if err != nil {
		t.Fatal(err)
	}
	p := play(t, r, "service")
	p.served(t)
	p.agreesWithMediator(t, false)
	p.agreesWithQEMU(t)
	p.complete(t, 2)
	if n := p.number(t, dom0.MetricsFile, `(?m)^iotrace_events_total ([0-9]+)$`, 10); n < wantServed {
		t.Errorf("metrics: want %d events at the least, got %d", wantServed, n)
	}
	if lost := regexp.MustCompile(`(?m)^iotrace_lost_total.*`).Find(p.read(t, dom0.MetricsFile)); lost != nil {
		t.Errorf("metrics: want nothing lost, got %s", lost)
	}
	const bpfAndPerfmon = 1<<39 | 1<<38
	if c := p.number(t, dom0.StatusFile, `(?m)^CapEff:\s+([0-9a-f]+)$`, 16); c != bpfAndPerfmon {
		t.Errorf("service: want the capabilities %#x, got %#x", uint64(bpfAndPerfmon), c)
	}
	for _, bound := range []string{"NRestarts=0", "MemoryMax=268435456", "WatchdogUSec=1min", "CPUSchedulingPolicy=3"} {
		if !slices.Contains(strings.Fields(string(p.read(t, dom0.StatusFile))), bound) {
			t.Errorf("service: want systemd to say %s", bound)
		}
	}
	if !regexp.MustCompile(`(?m)^After=(.* )?xen\.service( |$)`).Match(p.read(t, dom0.StatusFile)) {
		t.Error("service: want it to begin behind Debian's xen.service, which mounts /proc/xen")
	}
	if mode := p.number(t, dom0.StatusFile, `(?m)^Seccomp:\s+([0-9])$`, 10); mode != 2 {
		t.Errorf("service: want its calls filtered, which is mode 2, got %d", mode)
	}
	t.Logf("service: memory in kB\n%s", regexp.MustCompile(`(?m)^(VmHWM|Rss.*):.*\n`).FindAll(p.read(t, dom0.StatusFile), -1))
	if kb := p.number(t, dom0.StatusFile, `(?m)^VmRSS:\s+([0-9]+) kB$`, 10); kb > 48<<10 {
		t.Errorf("service: want at most 48 MiB of resident memory, got %d KiB", kb)
	}
	for _, name := range []string{dom0.KilledFile, dom0.FullFile} {
		p.whole(t, name)
	}
	p.sawTheClockStep(t)
	p.keptWhatWasFlushed(t)
	p.installed(t)
	packagesAgree(t)
	rpmInstalls(t)
	unitIsSound(t)
}

// sawTheClockStep wants one step in the wall clock and none in the time of events.
func (p played) sawTheClockStep(t *testing.T) {
	t.Helper()
	steps, before, ahead := 0, uint64(0), int64(0)
	for e, err := range p.trace(t).Events() {
		if err != nil {
			t.Fatal(err)
		}
		if before > 0 && max(e.Time, before)-min(e.Time, before) > uint64(time.Minute) {
			t.Errorf("time of events: want no step, got one from %d ns to %d ns", before, e.Time)
		}
		before = e.Time
		if e.Kind != format.KindClock {
			continue
		}
		now := int64(e.Clock().WallNS - e.Time)
		switch step := time.Duration(now - ahead); {
		case ahead == 0 || step.Abs() < time.Minute:
		case (step - dom0.ClockStep).Abs() < time.Minute:
			steps++
		default:
			t.Errorf("wall clock: want a step of %v, got %v", dom0.ClockStep, step)
		}
		ahead = now
	}
	if steps != 1 {
		t.Errorf("wall clock: want one step of %v, got %d", dom0.ClockStep, steps)
	}
}

// keptWhatWasFlushed wants of a recorder that was killed all requests up to a time before
// that, and those as they were.
func (p played) keptWhatWasFlushed(t *testing.T) {
	t.Helper()
	flushed := p.number(t, dom0.FlushedFile, `(?m)^monotonic_ns ([0-9]+)$`, 10)
	all, _ := p.events(t, nil)
	all = ofKind(all, format.KindIOReq)
	p.session = dom0.KilledFile
	left, _ := p.events(t, nil)
	left = ofKind(left, format.KindIOReq)
	if len(left) == 0 || len(left) > len(all) {
		t.Fatalf("killed: want requests, and no more than the %d that there were, got %d", len(all), len(left))
	}
	before := 0
	for before < len(all) && all[before].Time < flushed {
		before++
	}
	t.Logf("killed: %d requests, %d of which had to be there", len(left), before)
	if before == 0 || len(left) < before {
		t.Errorf("killed: want some requests and those %d, got %d", before, len(left))
	}
	s := selection{choice: format.Choice{Servers: []xen.ServerID{0, 1}}}
	for i, e := range left {
		if got, want := s.known(e), s.known(all[i]); got != want {
			t.Fatalf("killed: request %d: want %v, got %v", i, want, got)
		}
	}
}

// installed wants all files of the package in dom0.
func (p played) installed(t *testing.T) {
	t.Helper()
	got := strings.Fields(string(p.read(t, dom0.InstalledFile)))
	slices.Sort(got)
	if want := slices.Sorted(maps.Keys(debFiles(t))); !slices.Equal(got, want) {
		t.Errorf("installed: want %q, got %q", want, got)
	}
	for _, name := range []string{"man/man1/iotrace-record.1", "man/man5/iotrace.5", "bash-completion/completions/iotrace"} {
		if !slices.Contains(got, "/usr/share/"+name) {
			t.Errorf("installed: want %s, got %q", name, got)
		}
	}
}

func (p played) read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := io.ReadAll(p.open(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// number returns the number that a pattern finds in a result.
func (p played) number(t *testing.T, name, pattern string, base int) uint64 {
	t.Helper()
	b := p.read(t, name)
	m := regexp.MustCompile(pattern).FindSubmatch(b)
	if m == nil {
		t.Fatalf("%s: no %s in\n%s", name, pattern, b)
	}
	n, err := strconv.ParseUint(string(m[1]), base, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// whole checks that a trace has a thousand events, and an end.
func (p played) whole(t *testing.T, name string) {
	t.Helper()
	tr, err := format.Open(p.open(t, name))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range tr.Events() {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n++
	}
	if n < 1000 || !tr.Closed() {
		t.Errorf("%s: want 1000 events or more and an end, got %d, closed %v", name, n, tr.Closed())
	}
}
