package lab_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/lab"
	"github.com/iotrace-xen/iotrace/lab/crosscheck"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/dom0"
	"github.com/iotrace-xen/iotrace/lab/guest"
)

func TestScenarioKernel(t *testing.T) {
	onBothWays(t, func(t *testing.T, r lab.Release) {
		p := play(t, r, "kernel", kernelTier(r)...)
		p.hookedSetup(t)
		p.agreesWithKernel(t)
		p.agreesWithQEMU(t)
		p.complete(t, guest.PoolPages) // which are typed one by one
		p.saidTheDriverWasEarlier(t)
	})
}

// kernelTier has the oldest kernel recorded as a 4.19 one, which is what XenGT has in
// XCP-ng 8; the second recorder takes the best tier there.
func kernelTier(r lab.Release) []string {
	if r.Suite == "bullseye" {
		return []string{"--tier", "C"}
	}
	return nil
}

// hookedSetup wants the calls of a server's setup from their own functions, or, on newer
// kernels, whose module has none of these, from the instance's, as may be with XenGT.
func (p played) hookedSetup(t *testing.T) {
	t.Helper()
	want := "kretprobe/kmed_instance_create"
	if p.release.Suite == "bullseye" {
		want = "kretprobe/kmed_create_server"
	}
	if h := p.trace(t).Header(); !slices.Contains(h.Attached, want) {
		t.Errorf("header: want %s among what is attached, got %q", want, h.Attached)
	}
}

// wantKernel is how many requests the kernel's mediator serves, at the least.
const wantKernel = 4_000

// agreesWithKernel compares the trace with the log of the mediator inside the
// kernel, whose calls are known only by its functions.
func (p played) agreesWithKernel(t *testing.T) {
	t.Helper()
	got, err := crosscheck.Compare(dm.ReadLog(p.open(t, dom0.KernelTruth)), p.trace(t).Events(),
		crosscheck.Options{Comms: []string{dom0.KernelThread}})
	p.report(t, "kernel", got, err)
	if got.Sync < wantKernel || got.Unseen > 0 || got.Calls == 0 {
		t.Errorf("kernel: want %d requests at the least and calls, none unseen, got %+v", wantKernel, got)
	}
}

// saidTheDriverWasEarlier wants the second recorder to say what it cannot see, to people
// and in its trace. The first began before the domain.
func (p played) saidTheDriverWasEarlier(t *testing.T) {
	t.Helper()
	for session, want := range map[string]int{dom0.SessionFile: 0, dom0.SecondFile: 1} {
		p.session = session
		n := 0
		for e, err := range p.trace(t).Events() {
			if err != nil {
				t.Fatalf("%s: %v", session, err)
			}
			if e.Kind == format.KindUnlearned && e.Unlearned().What == format.WhatDriverPorts {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: want %d domains that a driver may have served before, got %d", session, want, n)
		}
	}
	if log := p.read(t, dom0.SecondLog); !bytes.Contains(log, []byte("driver kmed is loaded")) {
		t.Errorf("the late recorder: want a warning that names the driver, got\n%s", log)
	}
}
