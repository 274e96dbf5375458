package lab_test

import (
	"os"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/mediator"
)

// TestScenarioEventFD has dom0's kernel answer requests and make calls in the
// mediator's place, and compares them with what the mediator knows of them.
func TestScenarioEventFD(t *testing.T) {
	if os.Getenv(requireEnv) != "all" {
		t.Skipf("takes a driver built from the newest kernel's source: with %s=all", requireEnv)
	}
	releases := slices.DeleteFunc(lab.Variants(), func(r lab.Release) bool { return !r.EventFD() })
	if len(releases) == 0 {
		t.Fatal("no image of the lab has eventfds")
	}
	onReleases(t, releases, func(t *testing.T, r lab.Release) {
		p := play(t, r, "eventfd")
		p.agreesWithMediator(t, false)
		p.agreesWithQEMU(t)
		p.inBestTier(t)
		p.replays(t)
		answers, calls := p.byTheKernel(t)
		const allAnswers, allCalls = mediator.Passes * mediator.Registers, mediator.Signals
		if answers != allAnswers || calls != allCalls {
			t.Errorf("by the kernel: want %d answers and %d calls, got %d and %d", allAnswers, allCalls, answers, calls)
		}
	})
}

// byTheKernel counts what the kernel has done in a process's place.
func (p played) byTheKernel(t *testing.T) (answers, calls int) {
	t.Helper()
	for e, err := range p.trace(t).Events() {
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case format.KindIOResp:
			if c := e.IOReq().Caller; c.PID != 0 && c.TID == 0 {
				answers++
			}
		case format.KindDMOpEnter:
			if e.DMOpEnter().Implied {
				calls++
			}
		}
	}
	return answers, calls
}
