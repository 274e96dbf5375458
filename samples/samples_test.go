// Package samples holds traces of real Xen and the test that replays them. The
// README in this folder says where each came from and what it must show.
package samples

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/replay"
)

// verdictLine is how README.md states a sample's expected verdict:
//
//	## NAME.iot
//	...
//	    agree N  differ N  undetermined N  lost N
var verdictLine = regexp.MustCompile(`(?m)^    (agree \d+  differ \d+  undetermined \d+  lost \d+)$`)

// readme returns the expected verdict line of each sample that README.md names.
func readme(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, section := range strings.Split(string(b), "\n## ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		if !strings.HasSuffix(name, ".iot") {
			continue
		}
		m := verdictLine.FindStringSubmatch(body)
		if m == nil {
			t.Errorf("README.md: section %s has no verdict line", name)
			continue
		}
		want[name] = m[1]
	}
	return want
}

func open(t *testing.T, name string) *format.Trace {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	tr, err := format.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestEverySampleHasAnEntry(t *testing.T) {
	files, err := filepath.Glob("*.iot")
	if err != nil {
		t.Fatal(err)
	}
	want := readme(t)
	if len(files) < 4 || len(files) != len(want) {
		t.Errorf("README.md has %d entries, there are %d traces, want the same and at least 4", len(want), len(files))
	}
	for _, f := range files {
		if want[f] == "" {
			t.Errorf("%s: README.md does not say what it is", f)
		}
	}
}

func TestSamplesReplayAsTheirEntrySays(t *testing.T) {
	for name, want := range readme(t) {
		t.Run(name, func(t *testing.T) {
			tr := open(t, name)
			rep, err := replay.Run(tr.Header(), tr.Events(), replay.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			if err := rep.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(text.String()), "\n")
			if got := lines[len(lines)-1]; got != want {
				t.Errorf("want %q, got %q", want, got)
			}
			if side := sideBySide(t, name); !reflect.DeepEqual(side, rep) {
				t.Errorf("segments side by side\n%+v, from front to back\n%+v", side, rep)
			}
			if rep.FirstDifference != nil {
				t.Errorf("real Xen differs from the model: %v", *rep.FirstDifference)
			}
			if !tr.Closed() {
				t.Error("trace is not closed")
			}
		})
	}
}

func TestSamplesAreWhole(t *testing.T) {
	for name := range readme(t) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := format.Check(bytes.NewReader(b), int64(len(b))); err != nil || r.Condition() != format.Whole || !r.Indexed {
			t.Errorf("%s is %v: %v, %v", name, r.Condition(), r.Faults, err)
		}
	}
}

// sideBySide replays a sample's segments by three workers.
func sideBySide(t *testing.T, name string) replay.Report {
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := format.NewFile(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	rep, err := replay.RunFile(f, 3, replay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}
