package record

import (
	"fmt"
	"os"
	"strconv"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// samplers run the sampling program on every thread of the device models that
// have a buffered ring, each period of the thread's own CPU time: a ring can
// only be consumed while its device model runs.
type samplers struct {
	prog   *ebpf.Program
	period time.Duration
	fds    map[uint32]map[int]int // by pid and tid
}

func newSamplers(prog *ebpf.Program, period time.Duration) *samplers {
	return &samplers{prog: prog, period: period, fds: map[uint32]map[int]int{}}
}

// follow samples the threads that pid has; those that they make later inherit
// it. Following a process again adds threads that were missed.
func (s *samplers) follow(pid uint32) error {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return fmt.Errorf("threads of process %d: %w", pid, err)
	}
	if s.fds[pid] == nil {
		s.fds[pid] = map[int]int{}
	}
	for _, e := range entries {
		tid, err := strconv.Atoi(e.Name())
		if _, ok := s.fds[pid][tid]; ok || err != nil {
			continue
		}
		fd, err := s.open(tid)
		if err == unix.ESRCH {
			continue // it has just ended
		}
		if err != nil {
			return fmt.Errorf("sampler on thread %d: %w", tid, err)
		}
		s.fds[pid][tid] = fd
	}
	return nil
}

func (s *samplers) open(tid int) (int, error) {
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
		unix.Close(fd)
	}
	delete(s.fds, pid)
}

func (s *samplers) close() {
	for pid := range s.fds {
		s.leave(pid)
	}
}
