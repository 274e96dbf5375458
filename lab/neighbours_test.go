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

// wantShared is how many requests each mediator serves of two that share dom0, at the
// least.
const wantShared = 4000

// TestScenarioNeighbours records two guests at a time and wants the requests of each
// with its own domain.
func TestScenarioNeighbours(t *testing.T) {
	if os.Getenv(requireEnv) != "all" {
		t.Skipf("a boot for what TestScenarioLifetimes has one after the other: with %s=all", requireEnv)
	}
	onEveryRelease(t, func(t *testing.T, r lab.Release) {
		p := play(t, r, "neighbours")
		first := p.servesOneDomain(t, dom0.MediatorFile, dom0.MediatorTruth)
		if second := p.servesOneDomain(t, dom0.NeighbourComm, dom0.NeighbourLog); first == second {
			t.Errorf("want each mediator with a domain of its own, got both with %v", first)
		}
		p.agreesWithQEMUs(t, io.MultiReader(p.open(t, dom0.QEMUTruth), p.open(t, dom0.NeighbourQEMU)))
		p.complete(t, 6) // two mediators leave three each
	})
}

// servesOneDomain compares a mediator's log with the trace, and returns whose requests
// the trace says it has served.
func (p played) servesOneDomain(t *testing.T, comm, log string) (served xen.DomID) {
	t.Helper()
	got, err := crosscheck.Compare(dm.ReadLog(p.open(t, log)), p.trace(t).Events(),
		crosscheck.Options{Comms: []string{comm}})
	p.report(t, comm, got, err)
	if got.Sync < wantShared || got.Unseen > 0 {
		t.Errorf("%s: want %d requests at the least, and none unseen, got %+v", comm, wantShared, got)
	}
	var pid uint32
	served = xen.DomInvalid
	for e, err := range p.trace(t).Events() {
		if err != nil {
			t.Fatal(err)
		}
		if q := e.Process(); e.Kind == format.KindProcess && q.Comm == comm {
			pid = q.PID
		}
		if e.Kind != format.KindIOReq || e.IOReq().Caller.PID != pid {
			continue
		}
		if served == xen.DomInvalid {
			served = e.Dom
		}
		if e.Dom != served {
			t.Fatalf("%s: want requests of domain %v alone, got %v", comm, served, e)
		}
	}
	return served
}
