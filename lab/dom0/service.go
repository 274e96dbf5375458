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
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Where the package puts things.
const (
	unitPath      = "/usr/lib/systemd/system/iotrace.service"
	installedTool = "/usr/bin/iotrace"
	metricsSocket = "/run/iotrace/metrics.sock"
)

// service is the installed recorder as systemd would run it, and two recorders
// that come to a bad end beside it.
type service struct {
	*run
	dir     string // its state
	notify  *net.UnixConn
	process *process
	killed  *process
	full    *process
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
		step{"stop the service", s.stop},
		step{"see the full disk's recorder end", s.checkFull},
		step{"repair what the killed one left", s.repairKilled},
	)
}

// start does what the unit tells systemd to do, as far as the recorder can feel
// it, and waits until the recorder says that it is ready.
func (s *service) start() (err error) {
	u, err := readUnit(unitPath)
	if err != nil {
		return err
	}
	if s.dir, err = u.one("WorkingDirectory"); err != nil {
		return err
	}
	for _, d := range []string{s.dir, filepath.Dir(metricsSocket)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	addr := &net.UnixAddr{Name: "/run/notify", Net: "unixgram"}
	if s.notify, err = net.ListenUnixgram("unixgram", addr); err != nil {
		return err
	}
	argv := append(u["ExecStart"], "--sample", "2ms", "--reserve-disk", "64MiB") // what the lab is too slow and too small for
	sandbox := []string{SandboxVerb, unitPath}
	cmd := exec.Command(filepath.Join(InDir, AgentFile), slices.Concat(sandbox, argv, s.config.Recorder)...)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+addr.Name)
	if s.process, err = startCommand(RecorderLog, cmd); err != nil {
		return err
	}
	return s.told("READY=1")
}

// told waits for a message from the service, as long as it lives.
func (s *service) told(want string) error {
	for b := make([]byte, 256); ; {
		ended := s.process.ended() // before the last look: it may have spoken since
		if err := s.notify.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		n, err := s.notify.Read(b)
		switch {
		case err == nil && string(b[:n]) == want:
			return nil
		case ended && err != nil:
			return fmt.Errorf("service: it ended without %s: %v\n%s", want, s.process.err, s.process.lastWords())
		}
	}
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
	if err := s.process.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	time.Sleep(10 * time.Second) // the pause is what is tried, it waits for nothing
	return s.process.signal(syscall.SIGCONT)
}

// serveSome waits until the mediator has logged some hundred requests more.
func (s *service) serveSome() error {
	log := filepath.Join(OutDir, MediatorTruth)
	before := int64(-1)
	return until("the mediator to serve requests", func() error {
		st, err := os.Stat(log)
		if err != nil {
			return err
		}
		if before < 0 {
			before = st.Size()
		}
		if n := st.Size() - before; n < 128<<10 {
			return fmt.Errorf("its log has grown by %d bytes", n)
		}
		return nil
	})
}

// kill ends a recorder without a warning, once it has something to lose.
func (s *service) kill() error {
	left := filepath.Join(OutDir, KilledFile) + ".incomplete"
	err := until("the recorder to write", func() error {
		st, err := os.Stat(left)
		if err == nil && st.Size() < 16<<10 {
			err = fmt.Errorf("it has written %d bytes", st.Size())
		}
		return err
	})
	if err != nil {
		return err
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return err
	}
	s.killed.kill()
	return os.WriteFile(filepath.Join(OutDir, KillTimeFile), fmt.Appendf(nil, "monotonic_ns %d\n", now.Nano()), 0o644)
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
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.cmd.Process.Pid))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(OutDir, StatusFile), status, 0o644); err != nil {
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

// stop ends the service as systemd does, and takes its trace.
func (s *service) stop() error {
	if err := s.process.end(syscall.SIGTERM); err != nil {
		return err
	}
	if err := s.told("STOPPING=1"); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != "session.0001.iot" {
		return fmt.Errorf("%s: want session.0001.iot and nothing else, got %q", s.dir, files)
	}
	return copyFile(files[0], filepath.Join(OutDir, SessionFile))
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

func (s *service) repairKilled() error {
	out := filepath.Join(OutDir, KilledFile)
	if _, err := command(installedTool, "repair", out+".incomplete", "-o", out); err != nil {
		return err
	}
	return os.Remove(out + ".incomplete")
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}
