package main

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/control"
)

// TestAskAllAtOnce has the first capture answer once the second was asked.
func TestAskAllAtOnce(t *testing.T) {
	asked := make(chan struct{})
	var out bytes.Buffer
	err := askAll(&out, []control.Capture{{PID: 1}, {PID: 2}, {PID: 3}}, func(c control.Capture) (string, error) {
		switch c.PID {
		case 1:
			select {
			case <-asked:
			case <-time.After(patience):
				return "", errors.New("waited in vain for the next to be asked")
			}
		case 2:
			close(asked)
			return "", errors.New("it is stopped")
		}
		return "marked", nil
	})
	var e *exitError
	if want := "capture 1: marked\ncapture 3: marked\n"; out.String() != want || !errors.As(err, &e) || e.code != exitIncomplete || e.Error() != "it is stopped" {
		t.Errorf("want %q and what the second says, got %q, %v", want, &out, err)
	}
}
