package lab_test

import (
	"io"
	"regexp"
	"strconv"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/dom0"
)

// TestScenarioService records a session with the installed package. The clock is
// stepped, the CPU hogged and the recorder stopped for ten seconds, and nothing
// is lost; of two recorders beside it one is killed and one fills its disk, and
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
	t.Logf("service: memory in kB\n%s", regexp.MustCompile(`(?m)^(VmHWM|Rss.*):.*\n`).FindAll(p.read(t, dom0.StatusFile), -1))
	if kb := p.number(t, dom0.StatusFile, `(?m)^VmRSS:\s+([0-9]+) kB$`, 10); kb > 48<<10 {
		t.Errorf("service: want at most 48 MiB of resident memory, got %d KiB", kb)
	}
	for _, name := range []string{dom0.KilledFile, dom0.FullFile} {
		p.whole(t, name)
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
