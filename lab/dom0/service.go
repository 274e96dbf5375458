package dom0

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Where the package puts things.
const (
	serviceUnit   = "iotrace.service"
	serviceConfig = "/etc/iotrace/record.toml"
	serviceState  = "/var/lib/iotrace"
	installedTool = "/usr/bin/iotrace"
	metricsSocket = "/run/iotrace/metrics.sock"
)

// service is the installed recorder, run by systemd, and two recorders that come to a
// bad end beside it.
type service struct {
	*run
	killed *process
	full   *process
}

func playService(r *run) error {
	s := &service{run: r}
	return r.steps(
		step{"let CAP_PERFMON do", func() error { return os.WriteFile("/proc/sys/kernel/perf_event_paranoid", []byte("2"), 0) }},
		step{"install the package", install},
		step{"start the service", s.start},
		step{"start two recorders more", s.startOthers},
		step{"create guest", r.create},
		step{"wait for the guest's greeting", theGuest.up},
		step{"start mediator", func() error { return r.startMediator() }},
		step{"step the clock", stepClock},
		step{"hog the CPU, and stop the recorder for a while", s.abuse},
		step{"kill a recorder", s.kill},
		step{"fill a recorder's disk", fillDisk},
		step{"wait for the mediator's end", r.endMediator},
		step{"wait for the guest's end", theGuest.ended},
		step{"destroy guest", theGuest.destroy},
		step{"look at the service", s.look},
		step{"upgrade the package, which leaves the service alone", s.upgrade},
		step{"stop the service", s.stop},
		step{"kill the service, which starts again", s.killService},
		step{"see the full disk's recorder end", s.checkFull},
		step{"repair what the killed one left", s.repairKilled},
		step{"remove the package", s.remove},
	)
}

// start returns when the recorder has told systemd that everything is attached.
func (s *service) start() error {
	flags := slices.Concat(s.config.Recorder, []string{"--sample", "2ms", "--reserve-disk", "64MiB"}) // what the lab is too slow and too small for
	if err := configure(serviceConfig, flags); err != nil {
		return err
	}
	_, err := command("systemctl", "start", serviceUnit)
	return errors.Join(err, s.keepLog())
}

// configure puts flags into a configuration file as an administrator would: in the
// place of what it says of them, or behind all.
func configure(path string, flags []string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	for f := range slices.Chunk(flags, 2) {
		key := strings.TrimPrefix(f[0], "--")
		lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, key+" =") })
		lines = append(lines, fmt.Sprintf("%s = %q", key, f[1]))
	}
	return os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// keepLog keeps what the service has logged so far.
func (s *service) keepLog() error {
	log, err := command("journalctl", "--no-pager", "-o", "cat", "-u", serviceUnit)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(OutDir, RecorderLog), []byte(log), 0o644)
}

// property is what systemd says of the service.
func property(name string) (string, error) {
	out, err := command("systemctl", "show", "-P", name, serviceUnit)
	return strings.TrimSpace(out), err
}

// pid returns the number of the service's process.
func (s *service) pid() (int, error) {
	pid, err := property("MainPID")
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(pid)
	if err == nil && n == 0 {
		err = fmt.Errorf("%s: want it to run, it does not", serviceUnit)
	}
	return n, err
}

func (s *service) signal(sig syscall.Signal) error {
	pid, err := s.pid()
	if err != nil {
		return err
	}
	return syscall.Kill(pid, sig)
}

// small is a disk of 16 MiB, on which fillDisk leaves nothing free.
const small = "/lab/small"

// startOthers starts a recorder that will be killed, and one on the small disk.
func (s *service) startOthers() (err error) {
	if err := os.Mkdir(small, 0o700); err != nil {
		return err
	}
	if _, err := command("mount", "-t", "tmpfs", "-o", "size=16m", "small", small); err != nil {
		return err
	}
	if s.killed, err = startOther("killed.log", installedTool, filepath.Join(OutDir, KilledFile)); err != nil {
		return err
	}
	s.full, err = startOther("full.log", installedTool, filepath.Join(small, FullFile), "--reserve-disk", "1MiB")
	return err
}

// install notes which files of the package are there.
func install() error {
	if _, err := command("dpkg", "-i", filepath.Join(InDir, PackageFile)); err != nil {
		return err
	}
	names, err := command("dpkg", "-L", "iotrace")
	if err != nil {
		return err
	}
	var there []string
	for name := range strings.Lines(names) {
		if st, err := os.Stat(strings.TrimSpace(name)); err == nil && st.Mode().IsRegular() {
			there = append(there, name)
		}
	}
	return os.WriteFile(filepath.Join(OutDir, InstalledFile), []byte(strings.Join(there, "")), 0o644)
}

// upgrade installs the package over itself. The service goes on, and says so.
func (s *service) upgrade() error {
	before, err := s.pid()
	if err != nil {
		return err
	}
	said, err := command("dpkg", "-i", filepath.Join(InDir, PackageFile))
	if err != nil {
		return err
	}
	after, err := s.pid()
	if err == nil && (after != before || !strings.Contains(said, "goes on with the program from before")) {
		err = fmt.Errorf("upgrade: want process %d to go on and be told of, got %d and %q", before, after, said)
	}
	return err
}

// ClockStep is how much later the service scenario makes it all at once.
const ClockStep = time.Hour

func stepClock() error {
	_, err := command("date", "-s", "@"+fmt.Sprint(time.Now().Add(ClockStep).Unix()))
	return err
}

// abuse does to a recorder what happens to one in production.
func (s *service) abuse() error {
	hog, err := start("hog.log", "sh", "-c", "while :; do :; done")
	if err != nil {
		return err
	}
	defer hog.kill()
	if err := s.serveSome(); err != nil {
		return err
	}
	if err := s.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	time.Sleep(10 * time.Second) // the pause is what is tried, it waits for nothing
	return s.signal(syscall.SIGCONT)
}

// serveSome waits until the mediator has logged some hundred requests. On a fast machine
// it may have served all by now.
func (s *service) serveSome() error {
	return until("the mediator to serve requests", func() error {
		st, err := os.Stat(filepath.Join(OutDir, MediatorTruth))
		if err == nil && st.Size() < 128<<10 {
			err = fmt.Errorf("its log has %d bytes", st.Size())
		}
		return err
	})
}

// fillDisk does to the small disk what another program might.
func fillDisk() error {
	err := os.WriteFile(filepath.Join(small, "filler"), make([]byte, 16<<20), 0o600)
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("want no room for 16 MiB on a disk of that size, got %v", err)
	}
	return nil
}

// look keeps what the service shows to the outside.
func (s *service) look() error {
	pid, err := s.pid()
	if err != nil {
		return err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return err
	}
	state, err := command("systemctl", "show", serviceUnit)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(OutDir, StatusFile), append(status, state...), 0o644); err != nil {
		return err
	}
	c := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", metricsSocket)
	}}}
	resp, err := c.Get("http://service/metrics")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(OutDir, MetricsFile), b, 0o644)
}

// stop ends the service and takes its trace. A recorder beside it can be talked to before
// and after.
func (s *service) stop() error {
	const out = "/run/beside.iot"
	beside, err := startOther("beside.log", installedTool, out)
	if err != nil {
		return err
	}
	defer beside.kill()
	session := filepath.Join(serviceState, "session.0001.iot")
	if err := awaitKeyFrame(session); err != nil {
		return err
	}
	if _, err := command("systemctl", "stop", serviceUnit); err != nil {
		return err
	}
	if _, err := command(installedTool, "mark", "--pid", strconv.Itoa(beside.cmd.Process.Pid), "the service has ended"); err != nil {
		return err
	}
	if err := errors.Join(beside.interrupt(), os.Remove(out)); err != nil {
		return err
	}
	result, err := property("Result")
	if err == nil && result != "success" {
		err = fmt.Errorf("%s: want success, systemd says %s", serviceUnit, result)
	}
	if err := errors.Join(err, s.keepLog()); err != nil {
		return err
	}
	if err := wantState("session.0001.iot"); err != nil {
		return err
	}
	return copyFile(session, filepath.Join(OutDir, SessionFile))
}

// wantState wants these files in the service's folder and nothing else.
func wantState(want ...string) error {
	entries, err := os.ReadDir(serviceState)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("%s: want %q, got %q", serviceState, want, got)
	}
	return err
}

// killService does to the service what the kernel does when memory is short. systemd
// starts another, which leaves alone what there was.
func (s *service) killService() error {
	if _, err := command("systemctl", "start", serviceUnit); err != nil {
		return err
	}
	if err := s.signal(syscall.SIGKILL); err != nil {
		return err
	}
	err := until("the service to run again", func() error {
		restarts, err := property("NRestarts")
		if err != nil {
			return err
		}
		state, err := property("ActiveState")
		if err == nil && (restarts != "1" || state != "active") {
			err = fmt.Errorf("%s restarts, state %s", restarts, state)
		}
		return err
	})
	return errors.Join(err, s.keepLog())
}

// remove takes the package away, which ends the service and leaves its traces.
func (s *service) remove() error {
	if _, err := command("dpkg", "-r", "iotrace"); err != nil {
		return err
	}
	if state, err := property("ActiveState"); err != nil || state != "inactive" {
		return fmt.Errorf("%s without its package: want it inactive, it is %s, %v", serviceUnit, state, err)
	}
	return wantState("session.0001.iot", "session.0002.iot"+incomplete, "session.0003.iot")
}

// checkFull wants the recorder on the small disk to have ended by itself, with
// the exit code of a trace that is not complete but whole.
func (s *service) checkFull() error {
	err := s.full.wait(patience)
	var e *exec.ExitError
	if !errors.As(err, &e) || e.ExitCode() != 4 || !strings.Contains(s.full.lastWords(), "the capture ended there") {
		return fmt.Errorf("full disk: want exit code 4 and the reason, got %v\n%s", err, s.full.lastWords())
	}
	return copyFile(filepath.Join(small, FullFile), filepath.Join(OutDir, FullFile))
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}
