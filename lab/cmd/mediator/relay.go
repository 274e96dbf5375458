package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/mediator"
)

// The programs that a relay execs and starts, beside the running one. All are the
// same, by other names.
const (
	heir      = "heir"
	successor = "successor"
)

// relay is one stage of a session that is handed on.
type relay struct {
	session
	heritage string // of the stages that get it by their arguments
}

func (r relay) play(stage string) error {
	return r.logged(func(log *dm.Log) error {
		switch stage {
		case "mediator":
			return r.begin(log)
		case heir:
			return r.inherit(log)
		case successor:
			return r.succeed(log)
		case "restarted":
			return r.restart(log)
		}
		return fmt.Errorf("-relay %s: no such stage", stage)
	})
}

// inheritance is what stage heir takes over: the devices by their descriptors.
type inheritance struct {
	dm.Heritage
	Privcmd, Evtchn int
}

// begin ends in the program heir, which has this process's devices and number.
func (r relay) begin(log *dm.Log) error {
	c, err := dm.Open(r.dom, r.vcpus, log)
	if err != nil {
		return err
	}
	m, err := mediator.Begin(c)
	if err != nil {
		return err
	}
	if err := m.Serve(); err != nil {
		return err
	}
	privcmd, evtchn := c.Devices()
	for _, f := range []*os.File{privcmd, evtchn} {
		if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_SETFD, 0); errno != 0 {
			return errno
		}
	}
	left, err := json.Marshal(inheritance{m.Heritage(), int(privcmd.Fd()), int(evtchn.Fd())})
	if err != nil {
		return err
	}
	argv := r.command(heir, "-heritage", string(left))
	return errors.Join(log.Close(), syscall.Exec(argv[0], argv, os.Environ()))
}

// command returns the command line of another stage.
func (r relay) command(stage string, flags ...string) []string {
	return append([]string{filepath.Join(filepath.Dir(os.Args[0]), stage), "-domain", strconv.Itoa(int(r.dom)),
		"-vcpus", strconv.Itoa(r.vcpus), "-log", r.logName, "-relay", stage}, flags...)
}

// inherit serves through inherited devices, and outlives its successor with the
// server's pages still mapped.
func (r relay) inherit(log *dm.Log) error {
	var got inheritance
	if err := json.Unmarshal([]byte(r.heritage), &got); err != nil {
		return fmt.Errorf("-heritage: %w", err)
	}
	c := dm.OpenOn(r.dom, r.vcpus, log, os.NewFile(uintptr(got.Privcmd), "privcmd"), os.NewFile(uintptr(got.Evtchn), "evtchn"))
	m, err := r.serve(c, got.Heritage)
	if err != nil {
		return err
	}
	if err := log.Flush(); err != nil {
		return err
	}
	if err := r.passOn(c, m.Heritage()); err != nil {
		return err
	}
	return errors.Join(m.Ask(), c.Close())
}

// serve takes over and does this stage's work.
func (r relay) serve(c *dm.Conn, h dm.Heritage) (*mediator.Relay, error) {
	m, err := mediator.TakeOver(c, h)
	if err != nil {
		return nil, err
	}
	return m, m.Serve()
}

// passOn starts the successor, passes it the devices and sees it being killed.
func (r relay) passOn(c *dm.Conn, h dm.Heritage) error {
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	argv := r.command(successor)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = os.Stdout, os.Stderr, []*os.File{theirs}
	if err := cmd.Start(); err != nil {
		return err
	}
	privcmd, evtchn := c.Devices()
	if err := errors.Join(theirs.Close(), sendDevices(ours, h, privcmd, evtchn)); err != nil {
		return err
	}
	err = cmd.Wait()
	var end *exec.ExitError
	if !errors.As(err, &end) || end.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		return fmt.Errorf("%s: want it killed, got %v", successor, err)
	}
	return ours.Close()
}

// succeed serves through devices that were passed to it, and is killed with a
// request in process and entries in the ring.
func (r relay) succeed(log *dm.Log) error {
	const socket = 3 // the first of exec.Cmd's ExtraFiles
	h, privcmd, evtchn, err := receiveDevices(os.NewFile(socket, "socket"))
	if err != nil {
		return err
	}
	m, err := r.serve(dm.OpenOn(r.dom, r.vcpus, log, privcmd, evtchn), h)
	if err != nil {
		return err
	}
	if err := m.Abandon(); err != nil {
		return err
	}
	return errors.Join(log.Flush(), syscall.Kill(os.Getpid(), syscall.SIGKILL))
}

// restart does what a device model can that knows its server's number and no more.
func (r relay) restart(log *dm.Log) error {
	var h dm.Heritage
	if err := json.Unmarshal([]byte(r.heritage), &h); err != nil {
		return fmt.Errorf("-heritage: %w", err)
	}
	c, err := dm.Open(r.dom, r.vcpus, log)
	if err != nil {
		return err
	}
	m, err := r.serve(c, h)
	if err != nil {
		return err
	}
	return errors.Join(m.End(), c.Close())
}
