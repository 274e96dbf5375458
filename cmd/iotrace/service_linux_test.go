package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// manager is the socket of a service manager.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"}
	c, err := net.ListenUnixgram("unixgram", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", addr.Name)
	return c
}

// told waits for the next message to a service manager.
func told(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 100)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// TestServiceManager is told when the probes are attached, that the capture is
// alive, and when it ends.
func TestServiceManager(t *testing.T) {
	m := manager(t)
	r := start(t, nil, "WATCHDOG_USEC=200000", "-o", filepath.Join(t.TempDir(), "x.iot"))
	if got := told(t, m); got != "READY=1" {
		t.Errorf("first message is %q, want READY=1", got)
	}
	for range 3 {
		if got := told(t, m); got != "WATCHDOG=1" {
			t.Errorf("then %q, want WATCHDOG=1", got)
		}
	}
	if code := r.interrupt(); code != 0 {
		t.Errorf("exit code %d: %s", code, r.said())
	}
	for got := told(t, m); got != "STOPPING=1"; got = told(t, m) {
		if got != "WATCHDOG=1" {
			t.Fatalf("then %q, want STOPPING=1", got)
		}
	}
}

// scrape asks for metrics until there is a line, and returns them.
func scrape(t *testing.T, path, line string) (body []byte) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", path)
	}}}
	defer c.CloseIdleConnections()
	eventually(t, "metrics say "+line, func() bool {
		resp, err := c.Get("http://capture/metrics")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err = io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(body), "\n"+line+"\n")
	})
	return body
}

// TestMetricsOfAFlightRecorder counts a dump that was written and one that was not.
func TestMetricsOfAFlightRecorder(t *testing.T) {
	path, name := filepath.Join(shortDir(t.Cleanup), "m.sock"), filepath.Join(t.TempDir(), "sub", "x.iot")
	os.Mkdir(filepath.Dir(name), 0o700)
	r := start(t, nil, sampleEnv(t), "-o", name, "--flight", "8MiB", "--metrics", "unix:"+path)
	r.recorded(sampleEvents)
	r.Process.Signal(syscall.SIGUSR2)
	scrape(t, path, "iotrace_dumps_total 1")
	os.RemoveAll(filepath.Dir(name))
	r.Process.Signal(syscall.SIGUSR2)
	body := scrape(t, path, "iotrace_dumps_failed_total 1")
	for _, want := range []string{`iotrace_dumps_total 1`, `iotrace_triggers_suppressed_total 0`, `iotrace_memory_bytes [1-9]`, `iotrace_memory_seconds [1-9]`} {
		if !regexp.MustCompile(`(?m)^` + want).Match(body) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if code := r.interrupt(); code != exitIncomplete {
		t.Errorf("exit code %d: %s", code, r.said())
	}
}

func TestMetricsOfACapture(t *testing.T) {
	path := filepath.Join(shortDir(t.Cleanup), "m.sock")
	r := start(t, nil, "TEST_EVENTS=1000", "-o", filepath.Join(t.TempDir(), "x.iot"), "--metrics", "unix:"+path)
	body := scrape(t, path, "iotrace_events_total 1000")
	for _, want := range []string{`iotrace_info\{version=".+",tier="",xen=""\} 1`, `iotrace_files_total 1`, `iotrace_written_bytes_total [1-9]`, `iotrace_lag_seconds [0-9.e-]+`} {
		if !regexp.MustCompile(`(?m)^` + want).Match(body) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if code := r.interrupt(); code != 0 {
		t.Errorf("exit code %d: %s", code, r.said())
	}
	if exists(path) {
		t.Error("the socket outlived the capture")
	}
}
