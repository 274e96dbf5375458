package dom0

import (
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// capabilities are the names that units use for what they may keep.
var capabilities = map[string]int{
	"CAP_DAC_OVERRIDE": unix.CAP_DAC_OVERRIDE, "CAP_SYS_PTRACE": unix.CAP_SYS_PTRACE, "CAP_SYS_ADMIN": unix.CAP_SYS_ADMIN,
	"CAP_SYS_RESOURCE": unix.CAP_SYS_RESOURCE, "CAP_SYSLOG": unix.CAP_SYSLOG, "CAP_PERFMON": unix.CAP_PERFMON, "CAP_BPF": unix.CAP_BPF,
}

// bounded calls f so that programs which it starts can have no capability but
// those with these names.
func bounded(names []string, f func() error) error {
	var keep []int
	for _, n := range names {
		c, ok := capabilities[n]
		if !ok {
			return fmt.Errorf("capability %q: not known to the lab", n)
		}
		keep = append(keep, c)
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread is thrown away with its bounds
		for c := 0; c <= unix.CAP_LAST_CAP; c++ {
			if slices.Contains(keep, c) {
				continue
			}
			// What this kernel does not know it does not give either.
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil && err != unix.EINVAL {
				done <- fmt.Errorf("drop capability %d: %w", c, err)
				return
			}
		}
		done <- f()
	}()
	return <-done
}
