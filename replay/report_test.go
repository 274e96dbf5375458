package replay

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

var update = flag.Bool("update", false, "rewrite the reports and the key-frame in testdata")

// TestTraces replays testdata/*.txt and compares the reports for humans with
// the files of the same name.
func TestTraces(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no traces in testdata: %v", err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		rd, err := format.NewTextReader(f)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var b bytes.Buffer
		r, err := Run(rd.Header(), rd.Events(), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := r.WriteText(&b); err != nil {
			t.Error(err)
		}
		f.Close()
		golden(t, strings.TrimSuffix(name, ".txt")+".report", b.Bytes())
	}
}

// golden compares with what a file holds, which -update writes.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s: it is\n%s\nwant\n%s", name, got, want)
	}
}

func TestJSONKeys(t *testing.T) {
	tp, _ := two()
	tp.in(dom, 1, 0, 0x60)
	r, _ := tp.replay(t)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"events", "agree", "differ", "undetermined", "lost", "first_difference", "profile", "cost", "domains", "unknown", "key_frames", "key_frame_mismatches"} {
		if _, ok := got[k]; !ok {
			t.Errorf("no %q in %s", k, b)
		}
	}
	first := got["first_difference"].(map[string]any)
	for _, k := range []string{"event", "time_ns", "kind", "want", "got", "why"} {
		if _, ok := first[k]; !ok {
			t.Errorf("no %q in the first difference %v", k, first)
		}
	}
	for _, k := range []string{"pw", "ta", "fl", "lk", "fx", "vx", "rt", "ev", "hc"} {
		if _, ok := got["cost"].(map[string]any)[k].(float64); !ok {
			t.Errorf("no number %q in the cost %v", k, got["cost"])
		}
	}
	if first["kind"] != "ioreq" || first["verdict"] != "differ" {
		t.Errorf("%v", first)
	}
}

func TestJSONOfNothing(t *testing.T) {
	r, _ := (&tape{}).replay(t)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{`"first_difference":null`, `"domains":[]`, `"unknown":{}`} {
		if !bytes.Contains(b, []byte(s)) {
			t.Errorf("no %s in %s", s, b)
		}
	}
}

func TestLastLine(t *testing.T) {
	tp, _ := two()
	tp.do(dom, 1, 0, 0x60)
	tp.lost(format.ProbeRing, 7)
	r, _ := tp.replay(t)
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if got := lines[len(lines)-1]; got != "agree 8  differ 1  undetermined 1  lost 7" {
		t.Errorf("last line %q", got)
	}
}

func TestVerdictKindNames(t *testing.T) {
	for k, want := range map[VerdictKind]string{0: "none", Agree: "agree", Differ: "differ", Undetermined: "undetermined", 9: "none"} {
		if k.String() != want {
			t.Errorf("%d is %q", k, k)
		}
	}
}

func TestEveryProbeIsInTheTable(t *testing.T) {
	if len(hides) != int(format.ProbeFile)+1 {
		t.Errorf("table has %d probes", len(hides))
	}
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	tp.lost(200, 1) // a probe of a later version: anything may be lost
	tp.in(dom, 5, 0, 0x99)
	r, vs := tp.replay(t)
	want(t, r, vs, 4, 0, 1)
}

func BenchmarkRequests(b *testing.B) {
	tp := &tape{}
	tp.server(dom, 0, 0x60, 0x64)
	for range 10000 {
		tp.do(dom, 0, xen.VCPU(0), 0x60)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if r, err := Run(header, tp.seq2(), Options{}); err != nil || r.Differ != 0 {
			b.Fatal(err, r.Differ)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(tp.events)), "ns/event")
}
