package metrics

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// sample is a capture that lost something.
func sample() Snapshot {
	return Snapshot{
		Events: 90987, Refused: 3, Bytes: 261000, Files: 2, Lag: 1500 * time.Microsecond,
		Start:   time.UnixMilli(1764000000500),
		Lost:    []Loss{{"privcmd", "full", 7}, {"ring", "missed", 1}},
		Version: "0.1.0", Tier: "A", Xen: "4.17.5",
	}
}

const exposed = `# HELP iotrace_info What captures.
# TYPE iotrace_info gauge
iotrace_info{version="0.1.0",tier="A",xen="4.17.5"} 1
# HELP iotrace_start_time_seconds When the capture began, in seconds since 1970.
# TYPE iotrace_start_time_seconds gauge
iotrace_start_time_seconds 1.7640000005e+09
# HELP iotrace_events_total Events taken from the probes and written.
# TYPE iotrace_events_total counter
iotrace_events_total 90987
# HELP iotrace_refused_total Events that could not be written.
# TYPE iotrace_refused_total counter
iotrace_refused_total 3
# HELP iotrace_lost_total What the capture lost, by probe and reason, as the trace says it.
# TYPE iotrace_lost_total counter
iotrace_lost_total{probe="privcmd",reason="full"} 7
iotrace_lost_total{probe="ring",reason="missed"} 1
# HELP iotrace_written_bytes_total Bytes of trace written.
# TYPE iotrace_written_bytes_total counter
iotrace_written_bytes_total 261000
# HELP iotrace_files_total Files begun.
# TYPE iotrace_files_total counter
iotrace_files_total 2
# HELP iotrace_lag_seconds Age of the newest event when it was written.
# TYPE iotrace_lag_seconds gauge
iotrace_lag_seconds 0.0015
`

func TestExposition(t *testing.T) {
	var b bytes.Buffer
	if err := sample().write(&b); err != nil || b.String() != exposed {
		t.Errorf("%v, got:\n%s", err, b.String())
	}
}

// TestFlightExposition shows a flight recorder's counters behind the others.
func TestFlightExposition(t *testing.T) {
	const flight = `# HELP iotrace_dumps_total Dumps of the flight recorder that were written.
# TYPE iotrace_dumps_total counter
iotrace_dumps_total 2
# HELP iotrace_dumps_failed_total Dumps that could not be written.
# TYPE iotrace_dumps_failed_total counter
iotrace_dumps_failed_total 1
# HELP iotrace_triggers_suppressed_total Firings of triggers that led to no dump of their own.
# TYPE iotrace_triggers_suppressed_total counter
iotrace_triggers_suppressed_total 5
# HELP iotrace_memory_bytes Bytes of trace in memory.
# TYPE iotrace_memory_bytes gauge
iotrace_memory_bytes 261000
# HELP iotrace_memory_seconds Time between the first and the last event in memory.
# TYPE iotrace_memory_seconds gauge
iotrace_memory_seconds 90.5
`
	s := sample()
	s.Flight = &Flight{Dumps: 2, Failed: 1, Suppressed: 5, Bytes: 261000, Span: 90500 * time.Millisecond}
	var b bytes.Buffer
	if err := s.write(&b); err != nil || b.String() != exposed+flight {
		t.Errorf("%v, got:\n%s", err, b.String())
	}
}

func socket(t *testing.T) string {
	dir, err := os.MkdirTemp("", "iot") // paths of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "m.sock")
}

func scrape(t *testing.T, network, address, path string) (int, string) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial(network, address)
	}}}
	defer c.CloseIdleConnections()
	r, err := c.Get("http://capture" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func TestUnixSocket(t *testing.T) {
	path := socket(t)
	s, err := Listen("unix:"+path, sample)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: want 0600", st.Mode(), err)
	}
	if code, body := scrape(t, "unix", path, "/metrics"); code != 200 || body != exposed {
		t.Errorf("%d: %s", code, body)
	}
	if code, _ := scrape(t, "unix", path, "/"); code != 404 {
		t.Errorf("/ gives %d, want 404", code)
	}
	if _, err := Listen("unix:"+path, sample); err == nil {
		t.Error("two captures share a socket")
	}
	if s.Addr() != "unix:"+path {
		t.Errorf("Addr is %s", s.Addr())
	}
	s.Close()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}

// TestStaleSocket begins where a killed capture has left its socket, and leaves
// what is no socket alone.
func TestStaleSocket(t *testing.T) {
	path := socket(t)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	s, err := Listen("unix:"+path, sample)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:"+path, sample); err == nil {
		t.Error("a file was replaced")
	}
}

// TestBusySocketIsNotReplaced has a capture with a metrics socket that is stopped, and
// takes no more connections: it is there all the same.
func TestBusySocketIsNotReplaced(t *testing.T) {
	path := socket(t)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for err == nil { // until its queue is full
		var c net.Conn
		if c, err = net.Dial("unix", path); err == nil {
			defer c.Close()
		}
	}
	if !errors.Is(err, unix.EAGAIN) {
		t.Fatal(err)
	}
	if _, err := Listen("unix:"+path, sample); err == nil || !strings.HasSuffix(err.Error(), "another capture listens there") {
		t.Errorf("want that another capture listens there, got %v", err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("its socket is gone: %v", err)
	}
}

// TestFewConnectionsAtOnce has more scrapers than are served, of a capture that answers
// none until those that it serves are there: the others come later, and none is refused.
func TestFewConnectionsAtOnce(t *testing.T) {
	const scrapers = 4 * atOnce
	begun, answer := make(chan struct{}, scrapers), make(chan struct{})
	var now, most atomic.Int32
	s, err := Listen("unix:"+socket(t), func() Snapshot {
		defer now.Add(-1)
		n := now.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		begun <- struct{}{}
		<-answer
		return sample()
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all []net.Conn
	for range scrapers {
		c, err := net.Dial("unix", strings.TrimPrefix(s.Addr(), unixPrefix))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		all = append(all, c)
	}
	for range atOnce {
		<-begun
	}
	close(answer)
	for i, c := range all {
		if b, err := io.ReadAll(c); err != nil || !bytes.HasSuffix(b, []byte("iotrace_lag_seconds 0.0015\n")) {
			t.Errorf("scraper %d: %v, got %q", i, err, b)
		}
	}
	if n := most.Load(); n > atOnce {
		t.Errorf("%d were served at once, want %d at most", n, atOnce)
	}
}

func TestLoopbackOnly(t *testing.T) {
	for _, a := range []string{"", "unix:", ":9100", "0.0.0.0:9100", "192.0.2.1:9100", "[::]:9100", "localhost:9100", "127.0.0.1"} {
		if _, err := Listen(a, sample); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v, want ErrAddress", a, err)
		}
	}
	s, err := Listen("127.0.0.1:0", sample)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if code, body := scrape(t, "tcp", s.Addr(), "/metrics"); code != 200 || body != exposed {
		t.Errorf("%d: %s", code, body)
	}
}
