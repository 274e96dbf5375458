package dom0

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/iotrace-xen/iotrace/xen"
)

// Stages are the names of the processes that serve a relay, in their turns: see
// lab/cmd/mediator. The first execs the second.
var Stages = []string{MediatorFile, "heir", "successor", "restarted"}

// playLifetimes is a session in which device models and a domain come and go.
func playLifetimes(r *run) error {
	return r.steps(
		step{"name the relay's programs", nameStages},
		step{"start recorder", r.startRecorder},
		step{"start another recorder", func() error { return r.startSecond(r.config.Recorder...) }},
		step{"create guest", r.create},
		step{"wait for the guest's greeting", theGuest.up},
		step{"start the relay", func() error { return r.startMediator("-relay", MediatorFile) }},
		step{"wait until it is broken off", r.endMediator},
		step{"restart", r.restart},
		step{"wait for the guest's end", theGuest.ended},
		step{"destroy guest", theGuest.destroy},
		step{"put its logs away", putLogsAway},
		step{"create a guest of the same id", func() error { return theGuest.createAs(r.domain, r.config.VCPUs) }},
		step{"wait for the guest's greeting", theGuest.up},
		step{"start mediator", func() error { return r.startMediator("-divide", "8") }},
		step{"wait for the mediator's end", r.endMediator},
		step{"wait for the guest's end", theGuest.ended},
		step{"destroy guest", theGuest.destroy},
		step{"end recorder", r.endRecorder},
		step{"end the other recorder", r.endSecond},
	)
}

// nameStages gives the mediator further names, by which the kernel calls a process.
func nameStages() error {
	for _, name := range Stages[1:] {
		if err := os.Symlink(MediatorFile, filepath.Join(InDir, name)); err != nil {
			return err
		}
	}
	return nil
}

// restart starts a device model that knows the number of its server: QEMU's is the
// lower one.
func (r *run) restart() (err error) {
	r.mediator, err = r.serve(Stages[3], r.domain, "restarted.log", MediatorTruth,
		"-relay", Stages[3], "-heritage", fmt.Sprintf(`{"Server":1,"Mode":%d}`, xen.BufAtomic))
	if err != nil {
		return err
	}
	return r.endMediator()
}

// putLogsAway makes room for those of the next guest.
func putLogsAway() error {
	if err := os.Rename(filepath.Join(OutDir, QEMUTruth), filepath.Join(OutDir, FirstTruth)); err != nil {
		return err
	}
	return os.Remove(filepath.Join(OutDir, GuestSerial))
}
