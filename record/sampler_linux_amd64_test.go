package record

import (
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
	"golang.org/x/sys/unix"
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

// TestSamplersOfThreadsThatAreGoneEnd follows a process again and again, as one that serves
// domain after domain, with threads for each: but while one that is there has no sampler of
// its own, it may live on that of one that is gone.
func TestSamplersOfThreadsThatAreGoneEnd(t *testing.T) {
	s := newSamplers(new(ebpf.Program), -1)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	fail := true
	s.open = func(int) (int, error) {
		if fail {
			return -1, unix.EMFILE
		}
		return unix.FcntlInt(null.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	}
	pid := uint32(os.Getpid())
	const gone = 1<<31 - 1
	s.follow(pid)
	fd, err := unix.FcntlInt(null.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.fds[pid][gone] = fd
	s.follow(pid)
	if _, ok := s.fds[pid][gone]; !ok {
		t.Error("a thread that has no sampler of its own has lost the one that it inherited")
	}
	fail = false
	s.fds[pid] = map[int]int{gone: fd}
	s.follow(pid)
	if _, ok := s.fds[pid][gone]; ok {
		t.Error("the sampler of a thread that is gone is kept")
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("its descriptor is open: %v", err)
	}
	if len(s.fds[pid]) == 0 {
		t.Error("no thread has a sampler")
	}
	s.close()
}

func TestEndedProcessNeedsNoSampler(t *testing.T) {
	const none = 1<<31 - 1
	if n := newSamplers(new(ebpf.Program), -1).follow(none); n != 0 {
		t.Errorf("%d losses", n)
	}
}
