package record

import (
	"fmt"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// DropPrivileges gives up, for the whole process and for good, the capabilities
// that a capture needs only until it is open. What stays, as far as it was
// there, is CAP_BPF and CAP_PERFMON, with which new device models are followed
// and counters read (CAP_SYS_ADMIN before Linux 5.8, which does not know these),
// and CAP_DAC_OVERRIDE, for traces in other users' folders. No program that the
// process starts later has more.
func (s *Session) DropPrivileges() error { return dropPrivileges() }

func dropPrivileges() error {
	have, keep := cap.GetProc(), cap.NewSet()
	for _, v := range runningCapabilities(cap.MaxBits()) {
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

// runningCapabilities are what a capture needs while it runs on a kernel that
// knows the capabilities below known.
func runningCapabilities(known cap.Value) []cap.Value {
	if known <= cap.BPF {
		return []cap.Value{cap.SYS_ADMIN, cap.DAC_OVERRIDE}
	}
	return []cap.Value{cap.BPF, cap.PERFMON, cap.DAC_OVERRIDE}
}
