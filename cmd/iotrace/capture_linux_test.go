package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/record"
	"golang.org/x/sys/unix"
)

// A recorder is a running "fakexen record".
type recorder struct {
	*exec.Cmd
	t      *testing.T
	mu     sync.Mutex
	stderr bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.Write(p)
}

func (r *recorder) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.String()
}

// eventually waits for something that must come.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (r *recorder) waitFor(s string) {
	r.t.Helper()
	eventually(r.t, "the recorder says "+s, func() bool { return strings.Contains(r.said(), s) })
}

// start runs fakexen record, and returns when it records. env is as
// openTestSource has it.
func start(t *testing.T, stdout io.Writer, env string, args ...string) *recorder {
	t.Helper()
	r := launch(t, stdout, env, args...)
	r.waitFor("recording to")
	return r
}

// launch runs fakexen record as start does, and does not wait.
func launch(t *testing.T, stdout io.Writer, env string, args ...string) *recorder {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("IOTRACE_RUNTIME_DIR") == "" {
		t.Setenv("IOTRACE_RUNTIME_DIR", shortDir(t.Cleanup))
	}
	cmd := exec.Command(exe)
	cmd.Args = append([]string{"fakexen", "record"}, args...)
	cmd.Env = append(os.Environ(), strings.Fields(env)...)
	r := &recorder{Cmd: cmd, t: t}
	cmd.Stderr, cmd.Stdout = r, stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return r
}

// end waits for the recorder's end and returns its exit code.
func (r *recorder) end() int {
	r.Wait()
	return r.ProcessState.ExitCode()
}

func (r *recorder) interrupt() int {
	r.Process.Signal(os.Interrupt)
	return r.end()
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// TestKillKeepsWhatWasFlushed kills recorders of busy and of nearly idle domains
// once an event of now has reached the file, which nothing but the flush period
// brings there. How long that takes is in the log; that it is a second is tested
// with a clock of its own, in package store.
func TestKillKeepsWhatWasFlushed(t *testing.T) {
	for _, rate := range []int{2, 30, 20000} {
		t.Run(strconv.Itoa(rate), func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "x.iot")
			r := start(t, nil, "TEST_EVENTS=10000000 TEST_RATE="+strconv.Itoa(rate), "-o", name)
			asked := monotonic()
			flushed := waitForEvent(t, name+".incomplete", asked)
			t.Logf("an event of now was in the file after %v", time.Duration(monotonic()-asked))
			r.Process.Kill()
			r.end()
			if exists(name) {
				t.Errorf("a killed capture has its final name")
			}
			_, events, closed := readTrace(t, name+".incomplete")
			if closed {
				t.Errorf("a killed capture is closed")
			}
			if len(events) < flushed {
				t.Errorf("%d events are left of %d that were in the file before", len(events), flushed)
			}
		})
	}
}

// waitForEvent waits until the unfinished trace has an event at or after a time,
// and returns how many it has then.
func waitForEvent(t *testing.T, name string, since uint64) int {
	t.Helper()
	n := 0
	eventually(t, "an event of now in "+name, func() bool {
		_, events, _ := readTrace(t, name)
		n = len(events)
		return n > 0 && events[n-1].Time >= since
	})
	return n
}

// TestMarkIdle marks a capture in which nothing happens.
func TestMarkIdle(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	r := start(t, nil, "", "-o", name)
	text := strings.Repeat("long ", 20) + "end"
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"mark", text}, nil, &out, &errs); code != 0 {
		t.Fatalf("mark: exit %d: %s", code, &errs)
	}
	if want := "capture " + strconv.Itoa(r.Process.Pid) + ": " + name + ": marked at event 0\n"; out.String() != want {
		t.Errorf("mark says %q, want %q", &out, want)
	}
	_, events, _ := readTrace(t, name+".incomplete")
	var got string
	for _, e := range events {
		got += e.Mark().Text
	}
	if got != text {
		t.Errorf("the file has %q, want %q", got, text)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"mark", "--pid", strconv.Itoa(os.Getpid()), "x"}, exitNoCapture, "runs no capture; " + strconv.Itoa(r.Process.Pid) + " does"},
		{[]string{"mark", "--pid", strconv.Itoa(r.Process.Pid), "x"}, exitOK, ""},
		{[]string{"mark", ""}, exitUsage, "1 to 3584 bytes"},
	} {
		var errs bytes.Buffer
		if code := run(context.Background(), c.args, nil, io.Discard, &errs); code != c.code || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%q: exit %d: %s", c.args, code, &errs)
		}
	}
	if code := r.interrupt(); code != 0 {
		t.Errorf("exit %d: %s", code, r.said())
	}
	h, events, closed := readTrace(t, name)
	if !closed || exists(name+".incomplete") || len(events) != 3 || h.Part != 1 || len(h.CaptureUUID) != 36 || h.UUID == h.CaptureUUID {
		t.Errorf("closed %v, %d events, %+v", closed, len(events), h)
	}
	if st, err := os.Stat(name); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if left, _ := os.ReadDir(os.Getenv("IOTRACE_RUNTIME_DIR")); len(left) > 0 {
		t.Errorf("the socket is still there: %v", left)
	}
}

// TestHangUp takes the terminal away, from a capture that nohup has started, too.
func TestHangUp(t *testing.T) {
	for _, ignored := range []bool{false, true} {
		t.Run(fmt.Sprintf("ignored %v", ignored), func(t *testing.T) {
			if ignored { // which a process inherits
				signal.Ignore(syscall.SIGHUP)
			} else { // nor does it inherit what these tests run under
				signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
			}
			defer signal.Reset(syscall.SIGHUP)
			r := start(t, nil, "", "-o", filepath.Join(t.TempDir(), "x.iot"))
			r.Process.Signal(syscall.SIGHUP)
			if ignored {
				r.Process.Signal(syscall.SIGUSR1) // is seen behind the hang-up
				r.waitFor("0 events, lost 0\n")
				var out, errs bytes.Buffer
				if code := run(context.Background(), []string{"mark", "still here"}, nil, &out, &errs); code != 0 {
					t.Errorf("exit %d: %s", code, &errs)
				}
				r.Process.Signal(os.Interrupt)
			}
			if code := r.end(); code != 0 || strings.Contains(r.said(), "captured 1 events") != ignored {
				t.Errorf("exit %d: %s", code, r.said())
			}
		})
	}
}

// TestEndWhileAttaching asks a capture that is still attaching for more than can wait,
// and then to end.
func TestEndWhileAttaching(t *testing.T) {
	gate := filepath.Join(t.TempDir(), "attaching")
	r := launch(t, nil, "TEST_GATE="+gate, "-o", filepath.Join(t.TempDir(), "x.iot"))
	eventually(t, "it attaches", func() bool { return exists(gate) })
	for range 3 {
		for _, sig := range []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2} {
			r.Process.Signal(sig)
			time.Sleep(10 * time.Millisecond) // or they might become one
		}
	}
	r.Process.Signal(syscall.SIGTERM)
	time.Sleep(10 * time.Millisecond)
	os.Remove(gate)
	r.waitFor("captured 0 events, lost 0\n")
	if code := r.end(); code != 0 {
		t.Errorf("exit %d: %s", code, r.said())
	}
}

func TestAbort(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	r := start(t, nil, "TEST_STUBBORN=1 TEST_LOST=7", "-o", name)
	r.recorded(1)                     // which tells of the losses
	r.Process.Signal(syscall.SIGTERM) // two of one kind can become one
	if code := r.interrupt(); code != exitIncomplete {
		t.Errorf("exit %d", code)
	}
	if want := "iotrace repair " + name + ".incomplete -o " + name; !strings.Contains(r.said(), want) {
		t.Errorf("no %q in %s", want, r.said())
	}
	if want := "captured at most 1 events, lost at least 7 (7 ioreq/no_space)\n"; !strings.HasSuffix(r.said(), want) {
		t.Errorf("want %q at the end of %s", want, r.said())
	}
	if exists(name) || !exists(name+".incomplete") {
		t.Error("an aborted capture has its final name")
	}
}

// TestFolderIsGone removes the folder of a capture, which cannot be told to repair what was
// in it.
func TestFolderIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sub")
	os.Mkdir(dir, 0o700)
	name := filepath.Join(dir, "x.iot")
	r := start(t, nil, "", "-o", name)
	os.RemoveAll(dir)
	if code := r.interrupt(); code != exitIncomplete || !strings.HasSuffix(r.said(), name+".incomplete is gone, and with it what was written\n") {
		t.Errorf("exit %d: %s", code, r.said())
	}
}

// TestBrokenPipe takes the reader away.
func TestBrokenPipe(t *testing.T) {
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, pw, "TEST_EVENTS=100000000", "-o", "-")
	pw.Close()
	b := make([]byte, 5<<20)
	if _, err := io.ReadFull(pr, b); err != nil {
		t.Fatal(err)
	}
	pr.Close()
	if code := r.end(); code != exitIncomplete || !strings.Contains(r.said(), "its reader is gone") || !strings.Contains(r.said(), "captured ") {
		t.Errorf("exit %d: %s", code, r.said())
	}
	in, err := format.Open(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range in.Events() {
		if err == nil {
			n++
		} else if !errors.Is(err, format.ErrTruncated) {
			t.Fatal(err)
		}
	}
	if n < 16<<10 {
		t.Errorf("%d events in %d bytes", n, len(b))
	}
}

// whole checks a trace that was closed when there was no more room: what is
// missing stands at its end.
func (r *recorder) whole(name string, code int) {
	r.t.Helper()
	if code != exitIncomplete || !strings.Contains(r.said(), "the trace is whole up to that point") || !strings.Contains(r.said(), " writer/no_space") {
		r.t.Errorf("exit %d: %s", code, r.said())
	}
	_, events, closed := readTrace(r.t, name)
	if len(events) == 0 {
		r.t.Fatal("no events")
	}
	last := events[len(events)-1]
	if !closed || last.Kind != format.KindLost || last.Lost().Probe != format.ProbeWriter || last.Lost().Count == 0 {
		r.t.Errorf("closed %v, last event %v", closed, last)
	}
}

func TestFileSizeLimit(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	low := old
	low.Cur = 12 << 20
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &low); err != nil {
		t.Skip(err)
	}
	earlier := partName(name, 1)
	if err := os.WriteFile(earlier, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, nil, "TEST_EVENTS=100000000", "-o", name)
	ring := start(t, nil, "TEST_EVENTS=100000000", "-o", name, "--ring", "files:9,size:1GiB", "--resume")
	unix.Setrlimit(unix.RLIMIT_FSIZE, &old)
	r.whole(name, r.end())
	if !strings.Contains(r.said(), "a file of this process may have 12582912 bytes") {
		t.Error(r.said())
	}
	ring.whole(partName(name, 2), ring.end())
	if !exists(earlier) { // whose room would not have helped
		t.Error("an earlier file of the ring is gone")
	}
}

// smallDisk mounts a file system of its own.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a full disk needs the right to mount: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func free(t *testing.T, dir string) uint64 {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	return st.Bavail * uint64(st.Bsize)
}

func TestDiskFull(t *testing.T) {
	for _, reserve := range []string{"0", "8MiB"} {
		t.Run(reserve, func(t *testing.T) {
			dir := smallDisk(t, "24m")
			name := filepath.Join(dir, "x.iot")
			r := start(t, nil, "TEST_EVENTS=100000000", "-o", name, "--reserve-disk", reserve)
			r.whole(name, r.end())
			if n := free(t, dir); n > 16<<20 || reserve != "0" && n < 8<<20 {
				t.Errorf("%d bytes are free", n)
			}
		})
	}
	t.Run("at once", func(t *testing.T) {
		name := filepath.Join(smallDisk(t, "8m"), "x.iot")
		var errs bytes.Buffer
		code := runWith(context.Background(), openTestSource, []string{"record", "-o", name, "--reserve-disk", "1GiB"}, nil, io.Discard, &errs)
		if code != exitIncomplete || !strings.Contains(errs.String(), "1GiB are to stay free") || !strings.Contains(errs.String(), "captured 0 events, lost 0\n") || exists(name+".incomplete") {
			t.Errorf("exit %d: %s", code, &errs)
		}
	})
}

// TestFullDiskIsSeenFirst starts captures on a disk on which too little is free: nothing
// is attached, and no older file goes, unless what these have is enough.
func TestFullDiskIsSeenFirst(t *testing.T) {
	dir := smallDisk(t, "40m")
	name := filepath.Join(dir, "x.iot")
	older := []string{partName(name, 1), partName(name, 2)}
	for _, f := range older {
		if err := os.WriteFile(f, make([]byte, 8<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args     string
		attached bool
	}{
		{"--reserve-disk 24MiB", false},
		{"--reserve-disk 24MiB --ring time:1h --resume", false},
		{"--reserve-disk 37MiB --ring files:3 --resume", false},
		{"--reserve-disk 24MiB --ring files:3 --resume", true},
		{"--reserve-disk 24MiB --ring time:1h --force", true},
		{"--reserve-disk 16MiB", true},
	} {
		attached := false
		open := func(record.Options) (source, error) { attached = true; return source{}, errors.ErrUnsupported }
		var errs bytes.Buffer
		args := append([]string{"record", "-o", name}, strings.Fields(c.args)...)
		code := runWith(context.Background(), open, args, nil, io.Discard, &errs)
		switch {
		case attached != c.attached:
			t.Errorf("%s: attached %v, exit %d: %s", c.args, attached, code, &errs)
		case !attached && (code != exitIncomplete || !strings.Contains(errs.String(), " are to stay free\n") || !strings.Contains(errs.String(), "captured 0 events, lost 0\n")):
			t.Errorf("%s: exit %d: %s", c.args, code, &errs)
		}
	}
	for _, f := range older {
		if !exists(f) {
			t.Errorf("%s is gone", f)
		}
	}
}

// TestRing fills several files, on a disk that is too small for them.
func TestRing(t *testing.T) {
	dir := smallDisk(t, "32m")
	name := filepath.Join(dir, "x.iot")
	r := start(t, nil, "TEST_EVENTS=600000", "-o", name, "--ring", "files:100,size:2MiB", "--reserve-disk", "4MiB", "-n", "600000")
	if code := r.end(); code != 0 {
		t.Fatalf("exit %d: %s", code, r.said())
	}
	files, err := filepath.Glob(filepath.Join(dir, "x.*"))
	if err != nil || len(files) < 4 || len(files) > 16 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	uuids := map[string]bool{}
	part := 0
	for i, f := range files {
		h, events, closed := readTrace(t, f)
		if i == 0 {
			part = h.Part
		}
		uuids[h.CaptureUUID] = true
		if want := "x." + strings.Repeat("0", 4-len(strconv.Itoa(part))) + strconv.Itoa(part) + ".iot"; filepath.Base(f) != want || h.Part != part || !closed || len(events) == 0 {
			t.Errorf("%s: part %d of %d events, closed %v; want %s", f, h.Part, len(events), closed, want)
		}
		if st, err := os.Stat(f); err != nil || st.Size() > 2<<20 {
			t.Errorf("%s has %d bytes, %v", f, st.Size(), err)
		}
		part++
	}
	if len(uuids) != 1 {
		t.Errorf("capture uuids %v", uuids)
	}
	if part < 8 {
		t.Errorf("only %d parts: the disk was never full", part)
	}
}

// TestNoRoomForAFile has a file system that takes no more than three files: a ring makes
// room for its next one, and a capture of one file ends as on any full disk.
func TestNoRoomForAFile(t *testing.T) {
	dir := smallDisk(t, "64m,nr_inodes=4")
	name := filepath.Join(dir, "x.iot")
	r := start(t, nil, "TEST_EVENTS=200000", "-o", name, "--ring", "files:10,size:2MiB", "-n", "200000")
	if code := r.end(); code != 0 {
		t.Errorf("exit %d: %s", code, r.said())
	}
	files, _ := filepath.Glob(filepath.Join(dir, "x.*"))
	if len(files) != 3 || exists(partName(name, 1)) {
		t.Errorf("%v are left", files)
	}
	var errs bytes.Buffer
	code := runWith(context.Background(), openTestSource, []string{"record", "-o", filepath.Join(dir, "y.iot")}, nil, io.Discard, &errs)
	if code != exitIncomplete || !strings.Contains(errs.String(), "no room: open "+dir) {
		t.Errorf("exit %d: %s", code, &errs)
	}
}

// TestRingInVain has another program take more of the disk than all files of a ring have:
// they stay, and the capture ends.
func TestRingInVain(t *testing.T) {
	dir := smallDisk(t, "40m")
	name := filepath.Join(dir, "x.iot")
	r := start(t, nil, "TEST_EVENTS=100000000 TEST_RATE=200000", "-o", name, "--ring", "files:3,size:2MiB", "--reserve-disk", "20MiB")
	eventually(t, "a third file or a later one", func() bool {
		whole, _ := filepath.Glob(filepath.Join(dir, "x.*.iot")) // in order
		return len(whole) > 0 && whole[len(whole)-1] >= partName(name, 3)
	})
	r.Process.Signal(syscall.SIGSTOP) // as if the other were fast
	eventually(t, "the recorder is stopped", func() bool {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.Process.Pid))
		return bytes.Contains(stat, []byte(") T "))
	})
	if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 40<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	r.Process.Signal(syscall.SIGCONT)
	if code := r.end(); code != exitIncomplete || !strings.Contains(r.said(), "the trace is whole up to that point") {
		t.Errorf("exit %d: %s", code, r.said())
	}
	files, _ := filepath.Glob(filepath.Join(dir, "x.*"))
	if len(files) != 3 {
		t.Errorf("%v are left", files)
	}
	for _, f := range files {
		if _, events, closed := readTrace(t, f); !closed || len(events) == 0 {
			t.Errorf("%s: closed %v, %d events", f, closed, len(events))
		}
	}
}

// TestRefusals shows what record does not overwrite.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "x.iot")
	r := start(t, nil, "", "-o", name)
	refused := func(says string, args ...string) {
		t.Helper()
		var errs bytes.Buffer
		code := runWith(context.Background(), openTestSource, append([]string{"record"}, args...), nil, io.Discard, &errs)
		if code != exitUsage || !strings.Contains(errs.String(), says) {
			t.Errorf("%q: exit %d: %s", args, code, &errs)
		}
	}
	refused("x.iot.incomplete exists", "-o", name)
	refused("is being written by another process", "-o", name, "-f")
	r.Process.Signal(syscall.SIGKILL)
	r.end()
	refused("iotrace repair", "-o", name)
	if code := start(t, nil, "TEST_EVENTS=1", "-o", name, "-f", "-n", "1").end(); code != 0 {
		t.Errorf("-f over what a killed capture left: exit %d", code)
	}
	refused("x.iot exists; give -f", "-o", name)
	refused("is no regular file but a folder; name a file in it with -o", "-f", "-o", dir)
	refused("is no regular file but a folder; name a file in it with -o", "--ring", "files:2", "-o", dir+"/")
	refused("is no regular file", "-f", "-o", "/dev/null")
	refused("cannot be used with -o -", "--ring", "files:2", "-o", "-")
	refused(`want files:N, size:SIZE and time:TIME with commas between them, got "file"`, "--ring", "file:2")
	refused(`want a size such as`, "--reserve-disk", "lots")
}
