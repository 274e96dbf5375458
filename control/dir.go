package control

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const suffix = ".sock"

// Dirs returns the directories in which this user's captures may have their
// sockets, that of a new capture first. The environment variable
// IOTRACE_RUNTIME_DIR replaces them all. Root's is /run/iotrace, whatever
// XDG_RUNTIME_DIR says, so that a service and a shell find each other.
func Dirs() []string {
	if d := os.Getenv("IOTRACE_RUNTIME_DIR"); d != "" {
		return []string{d}
	}
	dirs := []string{"/run/iotrace"}
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		dirs = append(dirs, filepath.Join(d, "iotrace"))
		if os.Geteuid() != 0 {
			slices.Reverse(dirs)
		}
	}
	return dirs
}

// prepare makes a directory for sockets, and refuses one that another user
// could change.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := st.Sys().(*syscall.Stat_t)
	if !ok || !st.IsDir() || int(owner.Uid) != os.Geteuid() || st.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s: want a directory of uid %d that nobody else can write to", dir, os.Geteuid())
	}
	return nil
}

// A Capture is one that runs, or seems to.
type Capture struct {
	PID  int
	path string
}

// Running lists the captures in the directories, by process number. What cannot
// be read is left out; denied says that there was such a directory.
func Running(dirs []string) (found []Capture, denied bool) {
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		denied = denied || errors.Is(err, fs.ErrPermission)
		for _, e := range entries {
			name, ok := strings.CutSuffix(e.Name(), suffix)
			pid, err := strconv.Atoi(name)
			c := Capture{PID: pid, path: filepath.Join(dir, e.Name())}
			if ok && err == nil && pid > 0 && c.listens() {
				found = append(found, c)
			}
		}
	}
	slices.SortFunc(found, func(a, b Capture) int { return a.PID - b.PID })
	return found, denied
}

// listens reports whether somebody is there.
func (c Capture) listens() bool {
	conn, err := c.dial()
	if err == nil {
		conn.Close()
	}
	return !gone(err)
}

// gone says whether an error of dial's means that nobody is there.
func gone(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}

// stale reports whether nobody listens and the process is gone: one that is
// about to listen looks the same but for that.
func (c Capture) stale() bool {
	return syscall.Kill(c.PID, 0) == syscall.ESRCH && !c.listens()
}

// removeStale removes the sockets of captures that were killed.
func removeStale(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		pid, err := strconv.Atoi(name)
		c := Capture{PID: pid, path: filepath.Join(dir, e.Name())}
		if ok && err == nil && pid > 0 && (pid == os.Getpid() || c.stale()) {
			os.Remove(c.path)
		}
	}
}
