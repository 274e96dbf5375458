package lab_test

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/dom0"
	"github.com/iotrace-xen/iotrace/lab/xentrace"
)

// wantSmaller is how many times smaller a trace is to be than what xentrace -e hvm
// records of the same session, compressed as people compress it. The accesses'
// handlers alone (class 0x82000) would be smaller than the trace, but have neither
// times nor domains.
const wantSmaller = 2.5

func TestTraceIsSmallerThanXentrace(t *testing.T) {
	t.Parallel()
	r, err := lab.FindRelease("4.17")
	if err != nil {
		t.Fatal(err)
	}
	p := play(t, r, "xentrace")
	requests := 0
	for e, err := range p.trace(t).Events() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == format.KindIOReq || e.Kind == format.KindBufIOReq {
			requests++
		}
	}
	zstd := exec.Command("zstd", "-3", "-q", "-c")
	zstd.Stdin = bytes.NewReader(p.xentrace(t, func(event uint32) bool { return !xentrace.InClass(event, dom0.ClassScheduler) }))
	peer, err := zstd.Output()
	if err != nil {
		t.Fatal(err)
	}
	info, err := p.open(t, dom0.SessionFile).Stat()
	if err != nil {
		t.Fatal(err)
	}
	own := float64(info.Size())
	t.Logf("%d requests: %.1f bytes each; xentrace -e hvm under zstd -3: %.1f", requests, own/float64(requests), float64(len(peer))/float64(requests))
	if ratio := float64(len(peer)) / own; ratio < wantSmaller {
		t.Errorf("want a trace %v times smaller than xentrace -e hvm, got %.2f", wantSmaller, ratio)
	}
}
