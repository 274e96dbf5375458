package record

import (
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestThreadWithoutSamplerIsALoss follows itself with a period that no kernel
// takes.
func TestThreadWithoutSamplerIsALoss(t *testing.T) {
	s := &Session{dec: newDecoder(), samplers: newSamplers(new(ebpf.Program), -1)}
	pid := uint32(os.Getpid())
	for range 2 {
		s.follow(pid)
	}
	got, threads := s.dec.take(), s.samplers.fds[pid]
	if len(got) == 0 || len(got) != len(threads) {
		t.Fatalf("%d losses for %d threads, want one each", len(got), len(threads))
	}
	want := format.Lost{Dom: xen.DomInvalid, Server: xen.NoServer, Probe: format.ProbeRing, Reason: format.ReasonMissed, CPU: noCPU, Count: 1}
	if l := got[0].Lost(); l != want {
		t.Errorf("lost %+v, want %+v", l, want)
	}
	s.samplers.close()
}

func TestEndedProcessNeedsNoSampler(t *testing.T) {
	const none = 1<<31 - 1
	if n := newSamplers(new(ebpf.Program), -1).follow(none); n != 0 {
		t.Errorf("%d losses", n)
	}
}
