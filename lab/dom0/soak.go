package dom0

import "time"

// soakStep is how often a soak looks at the recorder's memory.
const soakStep = time.Minute

// playSoak records requests to the mediator and to QEMU in turns without a pause, and
// prints what the recorder has in memory, which should not grow.
func playSoak(r *run) error {
	o := newOverhead(r)
	return r.steps(
		step{"start recorder", r.startRecorder},
		step{"create guest", r.create},
		step{"wait for the guest's greeting", theGuest.up},
		step{"start mediator", func() error { return r.startMediator("-loops") }},
		step{"see how fast the guest is", o.calibrate},
		step{"soak", o.soak},
		step{"end the mediator", o.end},
		step{"wait for the guest's end", theGuest.ended},
		step{"destroy guest", theGuest.destroy},
		step{"end recorder", r.stopRecorder},
	)
}

// soak plays the loops for the time that is configured.
func (o *overhead) soak() error {
	begun, told := time.Now(), time.Duration(0)
	for n := 0; time.Since(begun) < o.config.Soak; n++ {
		if _, err := o.pace(o.loops[n%len(o.loops)]); err != nil {
			return err
		}
		at := time.Since(begun)
		if at < told {
			continue
		}
		o.say("soak: %v", at.Round(time.Second))
		if err := o.checkMemory(o.recorder); err != nil {
			return err
		}
		told = at + soakStep
	}
	return nil
}
