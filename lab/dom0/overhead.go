package dom0

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// pairs is how many sessions of each kind are compared.
const pairs = 6

// playOverhead has one guest after another play the same session, with a recorder
// beside it and without in turn, and prints the ratio of the rates. Rates in an
// emulated machine mean nothing; ratios in one boot do.
func playOverhead(r *run) error {
	var with, without []float64
	for i := range pairs {
		for _, recorded := range []bool{i%2 == 0, i%2 != 0} {
			n, err := r.measure(recorded)
			if err != nil {
				return err
			}
			if recorded {
				with = append(with, n)
			} else {
				without = append(without, n)
			}
		}
		r.say("overhead: pair %d: recorded %.0f requests/s, not recorded %.0f, ratio %.3f", i+1, with[i], without[i], with[i]/without[i])
	}
	r.say("overhead: median ratio %.3f of %d pairs", medianRatio(with, without), pairs)
	return nil
}

func medianRatio(with, without []float64) float64 {
	ratios := make([]float64, len(with))
	for i := range with {
		ratios[i] = with[i] / without[i]
	}
	slices.Sort(ratios)
	n := len(ratios)
	return (ratios[(n-1)/2] + ratios[n/2]) / 2
}

// measure plays one session and returns how many requests a second of the
// mediator's it had.
func (r *run) measure(recorded bool) (perSecond float64, err error) {
	steps := []step{
		{"create guest", r.create},
		{"wait for the guest's greeting", guestUp},
	}
	if recorded {
		steps = slices.Insert(steps, 0, step{"start recorder", r.startRecorder})
	}
	if err := r.steps(steps...); err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := r.startMediator("-divide", "6"); err != nil {
		return 0, err
	}
	if err := r.mediator.wait(sessionPatience); err != nil {
		return 0, err
	}
	took := time.Since(begun)
	words := r.mediator.lastWords()
	r.mediator = nil
	var served float64
	if _, said, ok := strings.Cut(words, ", sync "); ok {
		_, err = fmt.Sscanf(said, "%g", &served)
	}
	if err != nil || served == 0 {
		return 0, fmt.Errorf("mediator: no number of requests in %q", words)
	}
	err = r.steps(
		step{"wait for the guest's end", guestEnded},
		step{"destroy guest", destroyGuest},
		step{"end recorder", r.stopRecorder},
		step{"forget the session", forgetSession},
	)
	return served / took.Seconds(), err
}

// forgetSession removes what the next session writes anew.
func forgetSession() error {
	for _, name := range []string{SessionFile, GuestSerial} {
		if err := os.Remove(filepath.Join(OutDir, name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
