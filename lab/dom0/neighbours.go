package dom0

import (
	"os"
	"path/filepath"

	"github.com/iotrace-xen/iotrace/xen"
)

// NeighbourComm is the name of the process that serves the neighbour.
const NeighbourComm = "neighbour-dm"

// theNeighbour is a guest beside another.
var theNeighbour = hvm{name: "neighbour", disk: "neighbour.img", serial: "neighbour-serial.log", truth: NeighbourQEMU}

// playNeighbours has device models serve two domains at a time. Servers, slots, event
// channels and frames have the same numbers in both.
func playNeighbours(r *run) error {
	var neighbour xen.DomID
	var itsMediator *process
	return r.steps(
		step{"give the neighbour its files", nameNeighbour},
		step{"start recorder", r.startRecorder},
		step{"create guest", r.create},
		step{"create its neighbour", func() (err error) {
			neighbour, err = theNeighbour.create(r.config.VCPUs)
			return err
		}},
		step{"wait for the guest's greeting", theGuest.up},
		step{"wait for the neighbour's greeting", theNeighbour.up},
		step{"start mediator", func() error { return r.startMediator("-divide", "3") }},
		step{"start the neighbour's mediator", func() (err error) {
			itsMediator, err = r.serve(NeighbourComm, neighbour, "neighbour.log", NeighbourLog, "-divide", "3")
			return err
		}},
		step{"wait for the mediator's end", r.endMediator},
		step{"wait for the end of the neighbour's", func() error { return itsMediator.wait(sessionPatience) }},
		step{"wait for the guest's end", theGuest.ended},
		step{"wait for the neighbour's end", theNeighbour.ended},
		step{"destroy guest", theGuest.destroy},
		step{"destroy the neighbour", theNeighbour.destroy},
		step{"end recorder", r.endRecorder},
	)
}

// nameNeighbour gives the mediator a second name, and the neighbour a disk of its own.
func nameNeighbour() error {
	image, err := os.ReadFile(filepath.Join(InDir, GuestFile))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(InDir, theNeighbour.disk), image, 0o644); err != nil {
		return err
	}
	return os.Symlink(MediatorFile, filepath.Join(InDir, NeighbourComm))
}
