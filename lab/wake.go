package lab

import (
	"io"
	"os/exec"
	"time"
)

// A waker sends a machine an interrupt when it seems to sleep for ever. QEMU's emulation
// of SVM clears a flag at each VM exit, in a word in which another thread may just be
// setting that of an interrupt (7.2; later ones set and clear one at a time): then the CPU
// is not told that the interrupt waits in its APIC, until another one has it look there.
// This one is the key shift, pressed once more, of which dom0 makes nothing.
type waker struct {
	qmp  io.Writer // QEMU's monitor
	last time.Time // that it was sent a key
}

const (
	keyPeriod = time.Second // between keys to a machine that does not wake
	napPeriod = time.Minute // after a key; a machine that sleeps then does so again

	qmpBegin = `{"execute": "qmp_capabilities"}` + "\n"
	qmpKey   = `{"execute": "input-send-event", "arguments": {"events": [` +
		`{"type": "key", "data": {"down": true, "key": {"type": "qcode", "data": "shift"}}}]}}` + "\n"
)

// newWaker gives QEMU, which is not started yet, a monitor on its standard input.
func newWaker(cmd *exec.Cmd) (*waker, error) {
	cmd.Args = append(cmd.Args, "-qmp", "stdio")
	qmp, err := cmd.StdinPipe()
	if err == nil {
		_, err = io.WriteString(qmp, qmpBegin) // the pipe keeps it
	}
	return &waker{qmp: qmp}, err
}

// wake sends a key, unless the last one was just now, and says whether the machine was
// awake since. A QEMU that has ended takes none.
func (w *waker) wake(now time.Time) (again bool) {
	since := now.Sub(w.last)
	if since < keyPeriod {
		return false
	}
	w.last = now
	_, err := io.WriteString(w.qmp, qmpKey)
	return err == nil && since >= napPeriod
}
