package dom0

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// SandboxVerb as the agent's first argument has it play the part of systemd that
// starts a service, with the unit's file and the program to become behind it.
const SandboxVerb = "sandbox"

// Sandbox becomes a program under the bounds that a unit sets: its capabilities, what
// of the file system it can write, its devices, its network and its system calls. Of
// what the unit sets it leaves out MemoryMax, priorities and restarts, and what no
// capability or call is left for. It does not return unless it fails.
func Sandbox(unitPath string, argv []string) error {
	runtime.LockOSThread() // bounds are a thread's
	u, err := readUnit(unitPath)
	if err != nil {
		return err
	}
	if err := u.boundFiles(); err != nil {
		return fmt.Errorf("files: %w", err)
	}
	if err := boundCapabilities(u["CapabilityBoundingSet"]); err != nil {
		return err
	}
	unix.Umask(0o077)
	if err := u.boundCalls(); err != nil {
		return fmt.Errorf("system calls: %w", err)
	}
	return syscall.Exec(argv[0], argv, os.Environ())
}

// capabilities are the names that units use for what they may keep.
var capabilities = map[string]int{
	"CAP_DAC_OVERRIDE": unix.CAP_DAC_OVERRIDE, "CAP_SYS_PTRACE": unix.CAP_SYS_PTRACE, "CAP_SYS_ADMIN": unix.CAP_SYS_ADMIN,
	"CAP_SYS_RESOURCE": unix.CAP_SYS_RESOURCE, "CAP_SYSLOG": unix.CAP_SYSLOG, "CAP_PERFMON": unix.CAP_PERFMON, "CAP_BPF": unix.CAP_BPF,
}

// boundCapabilities leaves programs that the thread becomes no capability but those
// with these names.
func boundCapabilities(names []string) error {
	var keep []int
	for _, n := range names {
		c, ok := capabilities[n]
		if !ok {
			return fmt.Errorf("capability %q: not known to the lab", n)
		}
		keep = append(keep, c)
	}
	for c := 0; c <= unix.CAP_LAST_CAP; c++ {
		if slices.Contains(keep, c) {
			continue
		}
		// What this kernel does not know it does not give either.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil && err != unix.EINVAL {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	return nil
}
