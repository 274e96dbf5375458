package dom0

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iotrace-xen/iotrace/format"
)

// kill ends a recorder without a warning, once an event of now is in its file.
func (s *service) kill() error {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return err
	}
	now := uint64(t.Nano())
	err := until("the recorder to write what it has", func() error {
		newest, err := newestEvent(filepath.Join(OutDir, KilledFile) + incomplete)
		if err == nil && newest < now {
			err = fmt.Errorf("its newest event is %v older", time.Duration(now-newest))
		}
		return err
	})
	if err != nil {
		return err
	}
	s.killed.kill()
	return os.WriteFile(filepath.Join(OutDir, FlushedFile), fmt.Appendf(nil, "monotonic_ns %d\n", now), 0o644)
}

// newestEvent returns the time of the last event in a trace that is not closed.
func newestEvent(name string) (time uint64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r, err := format.NewReader(f)
	if err != nil {
		return 0, err
	}
	for e, err := range r.Events() {
		switch {
		case errors.Is(err, format.ErrTruncated):
			return time, nil
		case err != nil:
			return 0, err
		}
		time = e.Time
	}
	return time, nil
}

func (s *service) repairKilled() error {
	out := filepath.Join(OutDir, KilledFile)
	if _, err := command(installedTool, "repair", out+incomplete, "-o", out); err != nil {
		return err
	}
	return os.Remove(out + incomplete)
}
