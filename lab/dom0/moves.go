package dom0

import (
	"fmt"
	"os"
	"path/filepath"
)

// savedGuest is where a saved guest is.
const savedGuest = "/var/tmp/guest.saved"

// playMoves is a session whose guest is paused, saved, restored and migrated to where it
// is: each time another QEMU serves another domain.
func playMoves(r *run) error {
	return r.steps(
		step{"start recorder", r.startRecorder},
		step{"create guest", r.create},
		step{"wait for the guest's greeting", theGuest.up},
		step{"pause guest", func() error { return xl("pause", theGuest.name) }},
		step{"unpause guest", func() error { return xl("unpause", theGuest.name) }},
		step{"save guest", func() error { return xl("save", theGuest.name, savedGuest) }},
		step{"put its logs away", putLogsAway},
		step{"restore guest", r.restore},
		step{"migrate guest", r.migrate},
		step{"start mediator", func() error { return r.startMediator("-divide", "8") }},
		step{"wait for the mediator's end", r.endMediator},
		step{"wait for the guest's end", theGuest.ended},
		step{"destroy guest", theGuest.destroy},
		step{"end recorder", r.endRecorder},
	)
}

func xl(argv ...string) error {
	_, err := command(append([]string{"xl"}, argv...)...)
	return err
}

func (r *run) restore() (err error) {
	if err := xl("restore", savedGuest); err != nil {
		return err
	}
	if err := os.Remove(savedGuest); err != nil {
		return err
	}
	r.domain, err = domainID(theGuest.name)
	return err
}

// migrate has xl speak to itself instead of another host.
func (r *run) migrate() error {
	if err := os.Rename(filepath.Join(OutDir, QEMUTruth), filepath.Join(OutDir, SecondTruth)); err != nil {
		return err
	}
	if err := xl("migrate", "-s", "", theGuest.name, "xl migrate-receive"); err != nil {
		return err
	}
	was := r.domain
	var err error
	if r.domain, err = domainID(theGuest.name); err == nil && r.domain == was {
		err = fmt.Errorf("it is domain %d still", was)
	}
	return err
}
