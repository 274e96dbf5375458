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
		p.lossy = true // what the kernel does itself is seen by kprobes, and some are skipped
		p.replays(t)
		answers, calls := p.byTheKernel(t)
		const allAnswers, allCalls = mediator.Passes * mediator.Registers, mediator.Signals
		lacks := allAnswers - answers + allCalls - calls
		if answers > allAnswers || calls > allCalls || lacks > p.missed(t) {
			t.Errorf("by the kernel: want %d answers and %d calls, got %d and %d, and %d missed", allAnswers, allCalls, answers, calls, p.missed(t))
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

// missed counts what the trace says that probes have missed.
func (p played) missed(t *testing.T) (n int) {
	t.Helper()
	for e, err := range p.trace(t).Events() {
		if err != nil {
			t.Fatal(err)
		}
		if l := e.Lost(); e.Kind == format.KindLost && (l.Reason == format.ReasonMissed || l.Reason == format.ReasonNoEntry) {
			n += int(l.Count)
		}
	}
	return n
}
