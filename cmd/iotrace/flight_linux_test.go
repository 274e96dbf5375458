package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
)

// sampleEvents is how many events the sample has that flight recorders record here.
const sampleEvents = 90987

func sampleEnv(t *testing.T) string {
	return "TEST_TRACE=" + filepath.Join(samplesDir(t), "mediator-4.17.iot")
}

// marks returns the texts of a trace's marks.
func marks(events []format.Event) (texts []string) {
	for _, e := range events {
		switch m := e.Mark(); {
		case e.Kind != format.KindMark:
		case m.Part == 0:
			texts = append(texts, m.Text)
		default:
			texts[len(texts)-1] += m.Text
		}
	}
	return texts
}

// checkDump reads a dump and checks that it is a whole trace, opens with a
// key-frame older than its events, and agrees with Xen's rules.
func checkDump(t *testing.T, name string) []format.Event {
	t.Helper()
	for _, command := range []string{"check", "replay"} {
		var out, errs bytes.Buffer
		if code := run(context.Background(), []string{command, name}, nil, &out, &errs); code != 0 {
			t.Fatalf("%s %s: exit %d: %s%s", command, name, code, &out, &errs)
		}
	}
	_, events, closed := readTrace(t, name)
	if !closed || len(events) == 0 || events[0].Kind != format.KindKeyFrame {
		t.Fatalf("%s: closed %v, %d events", name, closed, len(events))
	}
	return events
}

// ordinary counts the events outside key-frames.
func ordinary(events []format.Event) (n int) {
	for _, e := range events {
		if !e.Kind.InKeyFrame() {
			n++
		}
	}
	return n
}

// recorded waits until the recorder has taken so many events.
func (r *recorder) recorded(n int) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("%d events", n), func() bool {
		before := len(r.said())
		r.Process.Signal(syscall.SIGUSR1)
		eventually(r.t, "the recorder says how many events", func() bool {
			return strings.Contains(r.said()[before:], " events, lost")
		})
		return strings.Contains(r.said()[before:], fmt.Sprintf("%d events", n))
	})
}

// TestFlightDumpsWhenAsked dumps the same capture by a signal and by the control
// socket, while it goes on.
func TestFlightDumpsWhenAsked(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	r := start(t, nil, sampleEnv(t), "-o", name, "--flight", "64MiB")
	r.recorded(sampleEvents)
	r.Process.Signal(syscall.SIGUSR2)
	r.waitFor("dumped " + partName(name, 1))
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"mark", "--dump", "it froze\n\x1b[2J"}, nil, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	r.waitFor(`; it froze\x0a\x1b[2J`)
	if want := fmt.Sprintf("%s: %d events of ", partName(name, 2), sampleEvents+2); !strings.Contains(out.String(), want) {
		t.Errorf("%q, want %q", &out, want)
	}
	for i, want := range [][]string{{"SIGUSR2"}, {"SIGUSR2", "it froze\n\x1b[2J"}} {
		events := checkDump(t, partName(name, i+1))
		if got := marks(events); !slices.Equal(got, want) || ordinary(events) != sampleEvents+len(want) {
			t.Errorf("dump %d has marks %q and %d events, want %q", i+1, got, ordinary(events), want)
		}
	}
	h1, _, _ := readTrace(t, partName(name, 1))
	h2, _, _ := readTrace(t, partName(name, 2))
	if h1.CaptureUUID != h2.CaptureUUID || h1.UUID == h2.UUID || h1.Part != 1 || h2.Part != 2 {
		t.Errorf("%+v\n%+v", h1, h2)
	}
	if code := r.interrupt(); code != 0 || !strings.Contains(r.said(), "2 dumps, 0 more firings") || !strings.Contains(r.said(), "captured 90989 events, lost 0") {
		t.Errorf("exit %d: %s", code, r.said())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*")); len(left) != 2 {
		t.Errorf("%v", left)
	}
}

func partName(name string, n int) string {
	return strings.TrimSuffix(name, ".iot") + fmt.Sprintf(".%04d.iot", n)
}

// TestFlightTriggers lets the mediator's claims make dumps.
func TestFlightTriggers(t *testing.T) {
	for _, c := range []struct {
		name   string
		flags  []string
		dumps  int
		says   []string
		firing string // of each dump's last mark
	}{
		// The session has six claims and releases within four minutes.
		{"one, and the rest too early", []string{"--trigger", "claim", "--after", "0s", "--dump-every", "1h"}, 1, []string{"1 dumps, 5 more firings"}, "trigger claim: dom1 server 1 claimed ioreq_server pages"},
		// A firing waits while a dump is being written, which may take as long as the session.
		{"each", []string{"--trigger", "claim", "--after", "0s", "--dump-every", "0s", "--keep", "files:2"}, 2, nil, "trigger claim: dom1 server "},
		{"due at the end", []string{"--trigger", "claim", "--after", "1h"}, 1, []string{"1 dumps, "}, "trigger claim: dom1 server 1 claimed"},
		{"two of them", []string{"--trigger", "dm-exit", "--trigger", "filter:kind==ioreq && type==pci_config", "--after", "1ms", "--dump-every", "1h"}, 1, nil, "trigger filter:kind==ioreq && type==pci_config: event "},
		{"never", []string{"--trigger", "filter:kind==ioreq && addr==1", "--trigger", "slow-call:1h"}, 0, []string{"0 dumps, 0 more firings"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "x.iot")
			r := start(t, nil, sampleEnv(t), append([]string{"-o", name, "--flight", "64MiB", "-n", fmt.Sprint(sampleEvents)}, c.flags...)...)
			if code := r.end(); code != 0 {
				t.Fatalf("exit %d: %s", code, r.said())
			}
			for _, s := range c.says {
				if !strings.Contains(r.said(), s) {
					t.Errorf("no %q in %s", s, r.said())
				}
			}
			dumps, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*"))
			if len(dumps) != c.dumps {
				t.Errorf("%d dumps, want %d: %s", len(dumps), c.dumps, r.said())
			}
			for _, d := range dumps {
				if m := marks(checkDump(t, d)); len(m) == 0 || !strings.HasPrefix(m[len(m)-1], c.firing) {
					t.Errorf("%s: marks %q, want %q", d, m, c.firing)
				}
			}
		})
	}
}

// TestSignalWithoutFlight asks a capture into a file for a dump.
func TestSignalWithoutFlight(t *testing.T) {
	r := start(t, nil, "", "-o", filepath.Join(t.TempDir(), "x.iot"))
	r.Process.Signal(syscall.SIGUSR2)
	r.waitFor("SIGUSR2: this capture keeps nothing in memory")
	if code := r.interrupt(); code != 0 {
		t.Errorf("exit %d: %s", code, r.said())
	}
}

// TestMarkAndDump asks for a dump where a capture into a file runs, alone and beside a
// flight recorder.
func TestMarkAndDump(t *testing.T) {
	dir := t.TempDir()
	file := start(t, nil, "", "-o", filepath.Join(dir, "f.iot"))
	var out, errs bytes.Buffer
	code := run(context.Background(), []string{"mark", "--dump", "alone"}, nil, &out, &errs)
	if code != exitIncomplete || !strings.Contains(out.String(), "f.iot: marked at event 0\n") || !strings.Contains(errs.String(), "nothing was dumped") {
		t.Errorf("exit %d: %s%s", code, &out, &errs)
	}
	box := start(t, nil, sampleEnv(t), "-o", filepath.Join(dir, "x.iot"), "--flight", "8MiB")
	out.Reset()
	errs.Reset()
	code = run(context.Background(), []string{"mark", "--dump", "both"}, nil, &out, &errs)
	if code != 0 || !strings.Contains(out.String(), "f.iot: marked at event 1\n") || !strings.Contains(out.String(), "x.0001.iot: ") {
		t.Errorf("exit %d: %s%s", code, &out, &errs)
	}
	if a, b := file.interrupt(), box.interrupt(); a != 0 || b != 0 {
		t.Errorf("exit %d, %d", a, b)
	}
	_, events, _ := readTrace(t, filepath.Join(dir, "f.iot"))
	if got := marks(events); !slices.Equal(got, []string{"alone", "both"}) {
		t.Errorf("the file has %q", got)
	}
}

// TestFlightFullDisk has no room for a dump: the capture goes on, and says so.
func TestFlightFullDisk(t *testing.T) {
	name := filepath.Join(smallDisk(t, "12m"), "x.iot")
	r := start(t, nil, sampleEnv(t)+" TEST_EVENTS=400000", "-o", name, "--flight", "8MiB", "--reserve-disk", "1MiB")
	r.recorded(sampleEvents + 400_000)
	r.Process.Signal(syscall.SIGUSR2)
	r.waitFor("recording goes on")
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*")); len(left) > 0 {
		t.Errorf("%v", left)
	}
	var errs bytes.Buffer
	if code := run(context.Background(), []string{"mark", "--dump", "x"}, nil, io.Discard, &errs); code != exitIncomplete || !strings.Contains(errs.String(), "no room") {
		t.Errorf("exit %d: %s", code, &errs)
	}
	if code := r.interrupt(); code != exitIncomplete || !strings.Contains(r.said(), "2 dumps could not be written") || !strings.Contains(r.said(), "captured 490989 events") {
		t.Errorf("exit %d: %s", code, r.said())
	}
}

// TestFlightWhereNoDumpCanBe tells at the start what stands in the way of dumps.
func TestFlightWhereNoDumpCanBe(t *testing.T) {
	t.Setenv("TEST_TRACE", filepath.Join(samplesDir(t), "boot-4.17.iot"))
	for name, want := range map[string]string{"/proc/x.iot": "no such file", t.TempDir(): "is no regular file but a folder", "/dev/null": "is no regular file;"} {
		var errs bytes.Buffer
		if code := runWith(context.Background(), openTestSource, []string{"record", "--flight", "8MiB", "-o", name}, nil, io.Discard, &errs); code != exitUsage || !strings.Contains(errs.String(), want) {
			t.Errorf("%s: exit %d: %s", name, code, &errs)
		}
	}
	r := start(t, nil, sampleEnv(t), "-o", filepath.Join(smallDisk(t, "12m"), "x.iot"), "--flight", "8MiB", "--reserve-disk", "1GiB")
	if code := r.interrupt(); code != 0 || !strings.Contains(r.said(), "a dump would not fit on the disk now") {
		t.Errorf("exit %d: %s", code, r.said())
	}
}

// TestFlightGoesOnBehindOldDumps is started twice with the same name.
func TestFlightGoesOnBehindOldDumps(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.iot")
	for i := range 3 {
		r := start(t, nil, sampleEnv(t), "-o", name, "--flight", "1MiB,1h", "--keep", "files:2", "--trigger", "dm-exit", "-n", fmt.Sprint(sampleEvents))
		if code := r.end(); code != 0 || !strings.Contains(r.said(), "dumped "+partName(name, i+1)) {
			t.Errorf("exit %d: %s", code, r.said())
		}
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*"))
	if want := []string{partName(name, 2), partName(name, 3)}; !slices.Equal(left, want) {
		t.Errorf("%v", left)
	}
	if st, err := os.Stat(left[0]); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
}
