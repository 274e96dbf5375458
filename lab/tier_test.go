package lab_test

import (
	"os"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab/crosscheck"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/dom0"
)

// TestScenarioTierD records requests and calls without looking at rings: what the
// trace has is complete, and its header says what it has not.
func TestScenarioTierD(t *testing.T) {
	if os.Getenv(requireEnv) != "all" {
		t.Skipf("tier D is a part of tier C, which the flood is played with: with %s=all", requireEnv)
	}
	t.Parallel()
	p := play(t, release(t, "4.14"), "mediator", "--tier", "D")
	got, err := crosscheck.Compare(dm.ReadLog(p.open(t, dom0.MediatorTruth)), p.trace(t).Events(),
		crosscheck.Options{Comms: []string{dom0.MediatorFile}, NoRings: true})
	p.report(t, "mediator", got, err)
	if got.Sync < wantServed || got.Unseen != 0 {
		t.Errorf("mediator: want %d requests, all seen, got %+v", wantServed, got)
	}
	p.replays(t)
	h := p.trace(t).Header()
	if some, _ := h.Chosen.HasKind(format.KindBufIOReq); h.Tier != "D" || some {
		t.Errorf("header: want tier D without buffered requests, got %s and %v", h.Tier, h.Chosen)
	}
}

// inBestTier tells a recorder that has tier A from one that fell back because a kernel
// refuses its programs. Linux 5.10 has no types of modules, and so no tier A.
func (p played) inBestTier(t *testing.T) {
	t.Helper()
	h, want := p.trace(t).Header(), "A"
	if strings.HasPrefix(h.Kernel, "5.10.") {
		want = "B"
	}
	if h.Tier != want {
		t.Errorf("header: want tier %s, got %s: %s", want, h.Tier, h.TierWhy)
	}
}
