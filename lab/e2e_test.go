package lab_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/crosscheck"
	"github.com/iotrace-xen/iotrace/lab/dom0"
)

// requireEnv, set to "require", turns a host that cannot boot the lab from a
// reason to skip into a failure. "all" does that as well, and plays on every
// release what otherwise is played on bothWays, and on lab.Variants what otherwise
// is played on every release.
const requireEnv = "IOTRACE_LAB"

// bothWays are the releases whose dom0s are recorded in different ways: by
// kprobes on 4.14, by fentry on 4.20. 4.17's is recorded as 4.20's is, in the
// sessions of the service, of xentrace and of the overload.
var bothWays = []string{"4.14", "4.20"}

func onEveryRelease(t *testing.T, test func(*testing.T, lab.Release)) {
	releases := lab.Releases()
	if os.Getenv(requireEnv) == "all" {
		releases = append(releases, lab.Variants()...)
	}
	onReleases(t, releases, test)
}

func onBothWays(t *testing.T, test func(*testing.T, lab.Release)) {
	releases := lab.Releases()
	if os.Getenv(requireEnv) != "all" {
		releases = slices.DeleteFunc(releases, func(r lab.Release) bool { return !slices.Contains(bothWays, r.Name) })
	}
	if len(releases) < len(bothWays) {
		t.Fatalf("the lab knows %v, not all of %v", releases, bothWays)
	}
	onReleases(t, releases, test)
}

func onReleases(t *testing.T, releases []lab.Release, test func(*testing.T, lab.Release)) {
	t.Parallel()
	for _, r := range releases {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			test(t, r)
		})
	}
}

func release(t *testing.T, name string) lab.Release {
	t.Helper()
	r, err := lab.FindRelease(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestScenarioBoot(t *testing.T) {
	onBothWays(t, func(t *testing.T, r lab.Release) {
		p := play(t, r, "boot")
		p.agreesWithQEMU(t)
		p.complete(t, 2)
		p.flew(t)
		p.watched(t)
	})
}

func TestScenarioMediator(t *testing.T) {
	onEveryRelease(t, func(t *testing.T, r lab.Release) {
		p := play(t, r, "mediator")
		p.inBestTier(t)
		p.served(t)
		p.agreesWithMediator(t, false)
		p.agreesWithQEMU(t)
		p.complete(t, 2)
		// A kernel that preempts its own code may do so between the programs of two recorders.
		if !slices.Contains(lab.Variants(), r) {
			p.chose(t, dom0.MediatorChoice, "none")
		}
	})
}

func TestScenarioLate(t *testing.T) {
	onBothWays(t, func(t *testing.T, r lab.Release) {
		p := play(t, r, "late")
		p.served(t)
		p.agreesWithMediator(t, true)
		p.admitsWhatItMissed(t)
		p.replays(t)
		p.chose(t, dom0.LateChoice, "hash")
	})
}

// floodSlots is how many ring entries the session has with its flood, at the least.
const floodSlots = 60_000

// TestScenarioFlood records with what a 4.19 kernel has, on a kernel whose verifier
// is nearly as strict. Of the flood at most one entry in a thousand may be lost.
func TestScenarioFlood(t *testing.T) {
	t.Parallel()
	p := play(t, release(t, "4.14"), "flood", "--tier", "C")
	p.lossy = true
	p.served(t)
	p.agreesWithMediator(t, false)
	p.agreesWithQEMU(t)
	p.complete(t, 2)
	if h := p.trace(t).Header(); h.Tier != "C" {
		t.Errorf("header: want tier C, got %s", h.Tier)
	}
	a := p.balance(t)
	if a.Slots.Happened < floodSlots || a.Slots.Lost*1000 > a.Slots.Happened || !a.Slots.Exact() {
		t.Errorf("ring: %v; want %d at the least, a thousandth of them lost at most", a.Slots, floodSlots)
	}
}

// TestScenarioOverload stops the recorder, whose buffer is as small as it can be.
func TestScenarioOverload(t *testing.T) {
	t.Parallel()
	p := play(t, release(t, "4.17"), "overload", "--buffer-size", "64KiB")
	p.lossy = true
	p.replays(t)
	a := p.balance(t)
	for _, c := range []struct {
		name string
		sum  crosscheck.Sum
	}{{"requests", a.Requests}, {"answers", a.Answers}, {"ring slots", a.Slots}} {
		t.Logf("%s: %v", c.name, c.sum)
		if !c.sum.Exact() || c.sum.Lost == 0 {
			t.Errorf("%s: %v; want an exact account with losses", c.name, c.sum)
		}
	}
	// The guest's traffic could not take the whole buffer.
	if a.ByReason[format.ReasonShare] == 0 || !p.has(t, dom0.ToolComm) {
		t.Errorf("lost by reason %v; want some of a domain that had its share, and calls of the toolstack", a.ByReason)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	if err := lab.CheckHost(); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := lab.Run(ctx, lab.Options{Scenario: "boot", Out: t.TempDir(), Recorder: lab.NoRecorder})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("want the error of the context, got %v", err)
	}
}
