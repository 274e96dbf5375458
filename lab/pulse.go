package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// errDead says that dom0 runs no more, though nothing in it went wrong. QEMU's
// emulation now and then loses the timer interrupt that Xen waits for, which real
// hardware does not do: then the emulated CPU sleeps for ever, or a guest spins on it
// and is never preempted. A waker helps there. If one does not, again and again at one
// place, Xen is deadlocked (see lab/diff/testdata/deadlock.txt).
var errDead = errors.New("the machine is dead: QEMU's emulation lost its timer for good, or Xen is deadlocked")

// A live machine writes to its serial console every few seconds, the agent sees to
// that, and even idle it takes some hundredths of the host's CPU. Both bounds are
// counted in CPU time or against it, so that a starved machine is not taken for a
// dead one.
const (
	sleepPeriod = time.Minute
	sleepTicks  = 6       // in a sleepPeriod: less is no life
	muteTicks   = 90 * hz // without a sign on the console

	// Past these it may be dead.
	stillPeriod = 2 * time.Second // without CPU time
	quietTicks  = 10 * hz         // without a sign

	hz = 100 // clock ticks a second, as /proc counts them
)

// pulse tells a dead machine from one that is idle, busy or starved.
type pulse struct {
	since  time.Time // it was last seen awake, with
	ticks  uint64
	moved  time.Time // it last used CPU time, up to
	used   uint64
	signs  int    // on the console, the last of which came
	spoken uint64 // at this tick
}

// lost reports whether a process that has used so many ticks of CPU time and
// written so many bytes to the console by now is dead.
func (p *pulse) lost(now time.Time, ticks uint64, signs int) bool {
	if p.since.IsZero() || signs != p.signs {
		p.signs, p.spoken = signs, ticks
	}
	if p.since.IsZero() || ticks != p.used {
		p.moved, p.used = now, ticks
	}
	if p.since.IsZero() || ticks > p.ticks+sleepTicks {
		p.since, p.ticks = now, ticks
	}
	return now.Sub(p.since) >= sleepPeriod || ticks-p.spoken >= muteTicks
}

// weak reports whether the process may be dead, by what lost has just been told.
func (p *pulse) weak(now time.Time) bool {
	return now.Sub(p.moved) >= stillPeriod || p.used-p.spoken >= quietTicks
}

// cpuTicks returns the CPU time of a process, in clock ticks.
func cpuTicks(pid int) (uint64, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	// The name in parentheses may hold anything; utime and stime are the 12th and
	// 13th fields behind it.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	const utime, stime = 11, 12
	if len(fields) <= stime {
		return 0, fmt.Errorf("%s: %d fields behind the name, want more than %d", path, len(fields), stime)
	}
	u, err1 := strconv.ParseUint(string(fields[utime]), 10, 64)
	s, err2 := strconv.ParseUint(string(fields[stime]), 10, 64)
	return u + s, errors.Join(err1, err2)
}
