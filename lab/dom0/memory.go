package dom0

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
)

// memory is what a process has in memory, in KiB.
type memory struct {
	Peak, Now           uint64
	Own, Mapped, Shared uint64 // parts of Now: anonymous, of files, and shared
}

func (m memory) String() string {
	return fmt.Sprintf("%d KiB, of it %d its own, %d of files, %d shared; never more than %d", m.Now, m.Own, m.Mapped, m.Shared, m.Peak)
}

func memoryOf(pid int) (m memory, err error) {
	path := fmt.Sprintf("/proc/%d/status", pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	for field, value := range map[string]*uint64{
		"VmHWM": &m.Peak, "VmRSS": &m.Now, "RssAnon": &m.Own, "RssFile": &m.Mapped, "RssShmem": &m.Shared,
	} {
		if _, err := fmt.Sscanf(statusLine(b, field), field+": %d kB", value); err != nil {
			return m, fmt.Errorf("%s: %s: %w", path, field, err)
		}
	}
	return m, nil
}

// memoryLimit is how much a recorder may ever have in memory.
const memoryLimit = 48 << 10 // KiB

// checkMemory says what a recorder has in memory, and fails if it was ever too much.
func (r *run) checkMemory(recorder *process) error {
	m, err := memoryOf(recorder.cmd.Process.Pid)
	if err != nil {
		return err
	}
	r.say("the recorder's memory: %v", m)
	if m.Peak > memoryLimit {
		return fmt.Errorf("the recorder had %d KiB in memory, want at most %d", m.Peak, memoryLimit)
	}
	return nil
}

// statusLine returns the line of a process's status that begins with a field's name.
func statusLine(status []byte, field string) string {
	for sc := bufio.NewScanner(bytes.NewReader(status)); sc.Scan(); {
		if bytes.HasPrefix(sc.Bytes(), []byte(field+":")) {
			return sc.Text()
		}
	}
	return ""
}
