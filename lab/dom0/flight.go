package dom0

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// startFlight starts a second recorder, which keeps what it sees in memory until
// the guest's device model ends.
func (r *run) startFlight() (err error) {
	if !r.config.HasRecorder {
		return nil
	}
	r.flight, err = start(FlightLog, filepath.Join(InDir, RecorderFile), "record", "-o", filepath.Join(OutDir, FlightFile),
		"--flight", "8MiB", "--trigger", "dm-exit", "--trigger", "slow-call:1h", "--after", "100ms", "--sample", "2ms")
	if err != nil {
		return err
	}
	return r.flight.waitLine("recording")
}

// stopFlight waits for the dump that the device model's end has triggered.
func (r *run) stopFlight() error {
	if r.flight == nil {
		return nil
	}
	p := r.flight
	r.flight = nil
	if err := p.waitLine("dumped"); err != nil {
		return err
	}
	return p.interrupt()
}

// watchRecorder asks the running recorder what the guest has QEMU do, and then looks
// with probes of top's own.
func (r *run) watchRecorder() error {
	if r.recorder == nil {
		return nil
	}
	return errors.Join(
		watch(TopFile, "--pid", strconv.Itoa(r.recorder.cmd.Process.Pid)),
		watch(TopProbesFile, "--attach"),
	)
}

// watch keeps what iotrace top says, once it has seen both a request and an answer.
func watch(file string, flags ...string) error {
	argv := append([]string{filepath.Join(InDir, RecorderFile), "top", "--once", "--format", "json", "--interval", "3s"}, flags...)
	return until("iotrace top to see a server that is asked and answers", func() error {
		out, err := command(argv...)
		if err == nil && !(asked.MatchString(out) && answers.MatchString(out)) {
			err = errors.New(out)
		}
		return errors.Join(err, os.WriteFile(filepath.Join(OutDir, file), []byte(out), 0o644))
	})
}

// What top says of a server that was asked, and of one that has answered.
var (
	asked   = regexp.MustCompile(`"requests": *[1-9]`)
	answers = regexp.MustCompile(`"answers": *[1-9]`)
)
