package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shortDir makes a directory whose sockets' paths are short enough.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "iot")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "run")
}

func listen(t *testing.T, dir string) Capture {
	t.Helper()
	s, err := Listen(dir, map[string]Verb{
		"echo": func(args json.RawMessage) (any, error) { return args, nil },
		"much": func(json.RawMessage) (any, error) { return strings.Repeat("x", MaxLine), nil },
		"fail": func(json.RawMessage) (any, error) { return nil, errors.New("it does not work") },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	found, denied := Running([]string{dir, filepath.Join(dir, "missing")})
	if len(found) != 1 || found[0].PID != os.Getpid() || denied {
		t.Fatalf("running: %v, %v", found, denied)
	}
	return found[0]
}

func TestAsk(t *testing.T) {
	c := listen(t, shortDir(t))
	var got struct{ Text string }
	if err := c.Ask("echo", map[string]string{"text": "a\nb"}, &got); err != nil || got.Text != "a\nb" {
		t.Errorf("%q, %v", got, err)
	}
	for verb, want := range map[string]string{"fail": "it does not work", "dump": `unknown verb "dump"; this capture knows echo, fail, much`, "much": "answer: the line is too long"} {
		if err := c.Ask(verb, nil, nil); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if err := c.Ask("echo", strings.Repeat("x", MaxLine), nil); !errors.Is(err, errLine) {
		t.Errorf("a long request: %v", err)
	}
}

// TestUnanswered asks captures that are stopped, and that end.
func TestUnanswered(t *testing.T) {
	path := filepath.Join(shortDir(t), "1.sock")
	os.Mkdir(filepath.Dir(path), 0o700)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := Capture{PID: 1, path: path} // nobody accepts
	if err := c.AskWithin(time.Millisecond, "echo", nil, nil); !errors.Is(err, os.ErrDeadlineExceeded) ||
		!strings.HasPrefix(err.Error(), "capture 1: no answer within 1ms: it is stopped, or waits") {
		t.Errorf("stopped: %v", err)
	}
	go func() {
		for range 2 { // of the first it is too late
			if conn, err := l.Accept(); err == nil {
				bufio.NewReader(conn).ReadBytes('\n')
				conn.Close()
			}
		}
		if conn, err := l.Accept(); err == nil { // as where it is killed
			conn.Read(make([]byte, 1))
			conn.Close()
		}
	}()
	for _, want := range []error{io.EOF, syscall.ECONNRESET} {
		if err := c.Ask("echo", nil, nil); !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "capture 1: it ended before it had answered") {
			t.Errorf("ended: %v", err)
		}
	}
	l.Close()
	if err := c.Ask("echo", nil, nil); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "capture 1: it has ended (") {
		t.Errorf("ended before: %v", err)
	}
}

// TestServerOutlivesWantOfDescriptors has a connection fail as one does for which the
// process has no descriptor.
func TestServerOutlivesWantOfDescriptors(t *testing.T) {
	path := shortDir(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{verbs: map[string]Verb{"echo": func(args json.RawMessage) (any, error) { return args, nil }}, listener: l, slots: make(chan struct{}, atOnce)}
	failed := false
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.accept(func() (*net.UnixConn, error) {
			if !failed {
				failed = true
				return nil, &net.OpError{Op: "accept", Net: "unix", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
			}
			return l.AcceptUnix()
		})
	}()
	if err := (Capture{PID: os.Getpid(), path: path}).Ask("echo", "a", nil); err != nil {
		t.Error(err)
	}
	s.Close()
	<-ended
}

// TestRawRequests sends what Ask would not.
func TestRawRequests(t *testing.T) {
	c := listen(t, shortDir(t))
	for req, want := range map[string]string{
		`{"version":2,"verb":"echo"}` + "\n":   "request of version 2; this capture speaks version 1",
		`{"verb":"echo"}` + "\n":               "request of version 0",
		"[1,2]\n":                              "cannot unmarshal",
		strings.Repeat("x", MaxLine+10) + "\n": "too long",
		"{":                                    "no whole line",
	} {
		conn, err := net.Dial("unix", c.path)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, req)
		conn.(*net.UnixConn).CloseWrite()
		b, _ := io.ReadAll(conn)
		if !strings.Contains(string(b), want) || !strings.Contains(string(b), `"ok":false`) {
			t.Errorf("%.30q: %q, want %q", req, b, want)
		}
		conn.Close()
	}
}

func TestSocketIsPrivate(t *testing.T) {
	dir := shortDir(t)
	c := listen(t, dir)
	for name, want := range map[string]os.FileMode{dir: 0o700, c.path: 0o600} {
		if st, err := os.Stat(name); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
	for _, x := range []struct {
		peer, own int
		ok        bool
	}{{0, 1000, true}, {1000, 1000, true}, {1000, 0, false}, {1001, 1000, false}} {
		if err := mayAsk(x.peer, x.own); (err == nil) != x.ok {
			t.Errorf("%+v: %v", x, err)
		}
	}
	open := shortDir(t)
	os.Mkdir(open, 0o700)
	os.Chmod(open, 0o777)
	if _, err := Listen(open, nil); err == nil || !strings.Contains(err.Error(), "nobody else can write to") {
		t.Errorf("a directory that anybody can write to: %v", err)
	}
}

// TestStaleSockets leaves the socket of a process that is gone.
func TestStaleSockets(t *testing.T) {
	dir := shortDir(t)
	os.Mkdir(dir, 0o700)
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, strconv.Itoa(gone.Process.Pid)+suffix)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	os.WriteFile(filepath.Join(dir, "notes.sock"), nil, 0o600)
	if found, _ := Running([]string{dir}); len(found) != 0 {
		t.Errorf("running: %v", found)
	}
	listen(t, dir)
	if _, err := os.Stat(path); err == nil {
		t.Error("the stale socket is still there")
	}
	if _, err := os.Stat(filepath.Join(dir, "notes.sock")); err != nil {
		t.Error("another file is gone")
	}
}
