package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// errAsleep says that the emulated CPU halted and no timer will wake it. Real
// hardware does not do that: under load, QEMU's emulation now and then loses the
// interrupt that Xen's idle loop waits for, and nothing in the machine runs again.
var errAsleep = errors.New("the emulated machine fell asleep for good, a defect of QEMU's emulation under load")

// A live machine's timers take some hundredths of the host's CPU even when all in
// it is idle; one that sleeps for good takes none.
const (
	pulsePeriod = time.Minute
	pulseTicks  = 6 // of the host's clock, a hundredth of a second each
)

// pulse tells a machine that sleeps for good from one that is idle or starved.
type pulse struct {
	since time.Time
	ticks uint64
}

// lost reports whether a process has used next to no CPU time for a whole period,
// given its ticks at a time.
func (p *pulse) lost(now time.Time, ticks uint64) bool {
	if p.since.IsZero() || ticks > p.ticks+pulseTicks {
		p.since, p.ticks = now, ticks
		return false
	}
	return now.Sub(p.since) >= pulsePeriod
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
