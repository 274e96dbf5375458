package dom0

import (
	"fmt"
	"time"
)

// patience bounds every wait. It is far longer than anything takes under TCG on
// a busy machine, so running into it means failure.
const patience = 10 * time.Minute

// sessionPatience bounds a mediator's session. It ends by itself when the guest
// falls silent, so this only catches a mediator that hangs.
const sessionPatience = time.Hour

// pollEvery is how often a condition without an event of its own is looked at.
const pollEvery = 50 * time.Millisecond

// until waits for cond to return nil. Its last error is what is reported.
func until(what string, cond func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := cond()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %v for %s: %w", patience, what, err)
		}
		time.Sleep(pollEvery)
	}
}
