package lab_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/dom0"
)

// wantCompared is how many steps of generated scripts a release is to agree on with
// the model.
const wantCompared = 20_000

func TestModelAgreesWithXen(t *testing.T) {
	onEveryRelease(t, func(t *testing.T, r lab.Release) {
		p := boot(t, lab.Options{
			Release: r, Scenario: "differ", Recorder: lab.NoRecorder, Scripts: lab.Scripts{Steps: wantCompared, Seed: 1, Tries: 20},
		})
		b, err := io.ReadAll(p.open(t, dom0.DifferFile))
		if err != nil {
			t.Fatal(err)
		}
		var got dom0.DifferReport
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d scripts, %d steps, %d unsure", got.Scripts, got.Compared, got.Unsure)
		for _, name := range got.Failed {
			script, err := os.ReadFile(filepath.Join(p.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			t.Errorf("%s: the model differs from real Xen in the last step:\n%s", name, script)
		}
		if got.Compared < wantCompared {
			t.Errorf("want %d steps compared at the least, got %d", wantCompared, got.Compared)
		}
		if got.Unsure*100 > got.Compared {
			t.Errorf("want the model to be sure of all but one in a hundred steps, got %d of %d unsure", got.Unsure, got.Compared)
		}
	})
}

// TestScriptKillsXen plays the scripts that the model says are the hypervisor's end.
func TestScriptKillsXen(t *testing.T) {
	if os.Getenv(requireEnv) != "all" {
		t.Skipf("two boots a release: %s=all plays it", requireEnv)
	}
	onEveryRelease(t, func(t *testing.T, r lab.Release) {
		for _, name := range []string{"panic.txt", "freed.txt"} {
			o := lab.Options{
				Release: r, Scenario: "differ", Recorder: lab.NoRecorder, Out: t.TempDir(), Log: t.Output(),
				Scripts: lab.Scripts{Files: []string{"diff/testdata/" + name}},
			}
			if _, err := lab.Run(t.Context(), o); !errors.Is(err, lab.ErrPanic) {
				t.Errorf("%s: want %v, got %v", name, lab.ErrPanic, err)
			}
		}
	})
}
