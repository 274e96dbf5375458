package record

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// DropPrivileges gives up, for the whole process and for good, the capabilities
// that a capture needs only until it is open. What stays, as far as it was
// there, is CAP_BPF and CAP_PERFMON, with which new device models are followed
// and counters read, and CAP_DAC_OVERRIDE, for traces in other users' folders.
// CAP_SYS_ADMIN stays where the kernel asks for it instead: Linux before 5.8, and
// distributions whose kernel.perf_event_paranoid is above 2, as Debian's is
// unless an administrator lowers it. No program that the process starts later
// has more.
func (s *Session) DropPrivileges() error { return dropPrivileges() }

func dropPrivileges() error {
	have, keep := cap.GetProc(), cap.NewSet()
	for _, v := range runningCapabilities(cap.MaxBits(), readLine(paranoidPath)) {
		if on, err := have.GetFlag(cap.Permitted, v); err != nil || !on {
			continue
		}
		for _, f := range []cap.Flag{cap.Permitted, cap.Effective} {
			if err := keep.SetFlag(f, true, v); err != nil {
				return fmt.Errorf("capabilities: %w", err)
			}
		}
	}
	if _, err := cap.Prctlw(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	if err := keep.SetProc(); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	return nil
}

const paranoidPath = "/proc/sys/kernel/perf_event_paranoid"

// runningCapabilities are what a capture needs while it runs on a kernel that
// knows the capabilities below known and has this perf_event_paranoid. Linux
// itself has no level above 2: patches that add one ask for CAP_SYS_ADMIN.
func runningCapabilities(known cap.Value, paranoid string) []cap.Value {
	keep := []cap.Value{cap.BPF, cap.PERFMON, cap.DAC_OVERRIDE}
	if known <= cap.BPF {
		keep = keep[2:]
	}
	if level, err := strconv.Atoi(paranoid); err != nil || level > 2 || known <= cap.BPF {
		keep = append(keep, cap.SYS_ADMIN)
	}
	return keep
}
