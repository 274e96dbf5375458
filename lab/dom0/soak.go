package dom0

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// soakTime is how long a soak is, and soakStep how often it says what the recorder
// has in memory.
const (
	soakTime = 30 * time.Minute
	soakStep = time.Minute
)

// playSoak records requests to the mediator without a pause, and prints the
// recorder's resident memory, which should not grow.
func playSoak(r *run) error {
	l := &pacedLoop{served: "mediator", op: "pio", each: 6}
	o := &overhead{run: r, loops: []*pacedLoop{l}}
	return r.steps(
		step{"start recorder", r.startRecorder},
		step{"create guest", r.create},
		step{"wait for the guest's greeting", guestUp},
		step{"start mediator", func() error { return r.startMediator("-loops") }},
		step{"see how fast the guest is", o.calibrate},
		step{"soak", func() error { return o.soak(l) }},
		step{"end the mediator", o.end},
		step{"wait for the guest's end", guestEnded},
		step{"destroy guest", destroyGuest},
		step{"end recorder", r.stopRecorder},
	)
}

func (o *overhead) soak(l *pacedLoop) error {
	var told time.Duration
	for begun := time.Now(); time.Since(begun) < soakTime; {
		if _, err := o.pace(l); err != nil {
			return err
		}
		if at := time.Since(begun); at >= told {
			rss, err := o.recorder.resident()
			if err != nil {
				return err
			}
			o.say("soak: %v: the recorder's memory: %s", at.Round(time.Second), rss)
			told = at + soakStep
		}
	}
	return nil
}

// resident returns the lines of a process's status that tell its resident memory.
func (p *process) resident() (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	var lines []string
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "VmRSS:") || strings.HasPrefix(line, "Rss") {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(lines, ", "), err
}
