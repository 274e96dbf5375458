package record

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// What users read of the two kinds of samplers.
const (
	threadSampler = "perf_event/task_clock"
	cpuSampler    = "bpf_timer"
)

// sampler returns what looks at rings between calls: see samplers and bpf/ring.h.
func (p *probes) sampler() string {
	if p.tier == TierA {
		return cpuSampler
	}
	return threadSampler
}

// looks says whether anything looks at rings between calls.
func (p *probes) looks() bool { return wantsRaw(rawKinds(p.choice.Kinds), rawRing) }

// samplers run the sampling program on every thread of the device models that
// have a buffered ring, each period of the thread's own CPU time: a ring can
// only be consumed while its device model runs.
//
// That takes a timer of the kernel to be set and unset at each switch to and from
// such a thread. Tier A's programs have timers of their own, one a CPU, which they
// set once in a period at most, and need no samplers.
type samplers struct {
	prog   *ebpf.Program // nil where none is needed, or looks at nothing
	period time.Duration
	fds    map[uint32]map[int]int // by pid and tid
	open   func(tid int) (int, error)
}

func newSamplers(prog *ebpf.Program, period time.Duration) *samplers {
	s := &samplers{prog: prog, period: period, fds: map[uint32]map[int]int{}}
	s.open = s.openThread
	return s
}

// noSampler stands for the sampler of a thread that could not be opened, so that
// this is told once.
const noSampler = -1

// follow samples the threads that pid has; those that they make later inherit
// it. Following a process again adds threads that were missed. It returns how
// many it newly found that cannot be sampled; a process whose threads cannot be
// listed counts as one, a process or thread that has just ended as none.
func (s *samplers) follow(pid uint32) (failed int) {
	if s.prog == nil {
		return 0
	}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return 0
	}
	if err != nil {
		return 1
	}
	if s.fds[pid] == nil {
		s.fds[pid] = map[int]int{}
	}
	there := map[int]bool{}
	for _, e := range entries {
		tid, err := strconv.Atoi(e.Name())
		there[tid] = true
		if _, ok := s.fds[pid][tid]; ok || err != nil {
			continue
		}
		fd, err := s.open(tid)
		if err == unix.ESRCH {
			continue
		}
		if err != nil {
			fd = noSampler
			failed++
		}
		s.fds[pid][tid] = fd
	}
	s.endOf(pid, there)
	return failed
}

// endOf ends the samplers of threads that a process has no more. Those that they have made
// inherited them, and lose that; so each thread that is there must have its own.
func (s *samplers) endOf(pid uint32, there map[int]bool) {
	for tid, fd := range s.fds[pid] {
		if there[tid] && fd == noSampler {
			return
		}
	}
	for tid, fd := range s.fds[pid] {
		if there[tid] {
			continue
		}
		if fd != noSampler {
			unix.Close(fd)
		}
		delete(s.fds[pid], tid)
	}
}

func (s *samplers) openThread(tid int) (int, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_TASK_CLOCK,
		Size:   uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Sample: uint64(s.period.Nanoseconds()),
		Bits:   unix.PerfBitDisabled | unix.PerfBitInherit,
	}
	fd, err := unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	if err = unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, s.prog.FD()); err == nil {
		err = unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// leave ends the sampling of a process.
func (s *samplers) leave(pid uint32) {
	for _, fd := range s.fds[pid] {
		if fd != noSampler {
			unix.Close(fd)
		}
	}
	delete(s.fds, pid)
}

func (s *samplers) close() {
	for pid := range s.fds {
		s.leave(pid)
	}
}
