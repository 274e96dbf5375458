package lab_test

import (
	"io"
	"os"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/crosscheck"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/dom0"
	"github.com/iotrace-xen/iotrace/xen"
)

// wantMoved is how many requests the mediator serves of a guest that has moved, at the
// least.
const wantMoved = 1000

// TestScenarioMoves has a guest saved, restored and migrated, which is three domains and
// three QEMUs, one after the other and two at a time.
func TestScenarioMoves(t *testing.T) {
	if os.Getenv(requireEnv) != "all" {
		t.Skipf("to the recorder much as TestScenarioLifetimes: with %s=all", requireEnv)
	}
	onEveryRelease(t, func(t *testing.T, r lab.Release) {
		p := play(t, r, "moves")
		p.agreesWithQEMUs(t, io.MultiReader(p.open(t, dom0.FirstTruth), p.open(t, dom0.SecondTruth), p.open(t, dom0.QEMUTruth)))
		got, err := crosscheck.Compare(dm.ReadLog(p.open(t, dom0.MediatorTruth)), p.trace(t).Events(),
			crosscheck.Options{Comms: []string{dom0.MediatorFile}})
		p.report(t, "mediator", got, err)
		if got.Sync < wantMoved || got.Unseen > 0 {
			t.Errorf("mediator: want %d requests at the least, and none unseen, got %+v", wantMoved, got)
		}
		p.complete(t, 4)
		p.isServedAs(t, 3)
	})
}

// isServedAs wants requests of so many domains.
func (p played) isServedAs(t *testing.T, domains int) {
	t.Helper()
	served := map[xen.DomID]int{}
	for e, err := range p.trace(t).Events() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == format.KindIOReq {
			served[e.Dom]++
		}
	}
	if len(served) != domains {
		t.Errorf("want requests of %d domains, got %v", domains, served)
	}
}
