package main

import (
	"slices"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/flight"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// TestNothingBetweenAClockAndItsLosses has a trigger fire at each clock, which is often
// the first event that shows that something took too long. What the clock says was lost
// in front of it stands right behind it all the same, without a mark or a key-frame in
// between, and no dump ends there.
func TestNothingBetweenAClockAndItsLosses(t *testing.T) {
	const losses = 3
	c := recorderOf(t)
	c.flags.flight.keep = keepValue{}
	trigger, err := flight.ParseTrigger("filter:kind==clock")
	if err != nil {
		t.Fatal(err)
	}
	c.box.triggers, c.box.schedule = []*flight.Trigger{trigger}, flight.Schedule{}
	for second := range uint64(30) { // key-frames come after ten
		now := second * uint64(time.Second)
		batch := []format.Event{format.Clock{WallNS: now}.Event(now)}
		for cpu := range losses {
			batch = append(batch, format.Lost{Dom: xen.DomInvalid, Server: xen.NoServer, Probe: format.ProbePrivcmd, CPU: int64(cpu), Count: 1}.Event(now))
		}
		if err := c.put(append(batch, format.Process{PID: 1}.Event(now))); err != nil {
			t.Fatal(err)
		}
		name := awaitDump(t, c, int(second)+1)
		_, events, closed := readTrace(t, name)
		frames := checkLosses(t, name, events, losses)
		if got := marks(events); !closed || len(got) == 0 {
			t.Errorf("%s: closed %v, marks %q", name, closed, got)
		}
		if second == 29 && frames < 2 {
			t.Errorf("%s has %d key-frames", name, frames)
		}
	}
}

// awaitDump waits for the nth dump, which has begun and may be there, and returns its name.
func awaitDump(t *testing.T, c *capture, n int) string {
	t.Helper()
	c.mu.Lock()
	d := c.box.writing
	c.mu.Unlock()
	if d != nil {
		<-d.done
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.box.made != n || c.box.failed != 0 || len(c.box.names) == 0 {
		t.Fatalf("%d dumps and %d failed, want %d: %q", c.box.made, c.box.failed, n, c.box.names)
	}
	return c.box.names[len(c.box.names)-1]
}

// checkLosses looks whether as many losses stand behind each clock, and counts the
// key-frames.
func checkLosses(t *testing.T, name string, events []format.Event, want int) (frames int) {
	t.Helper()
	for i, e := range events {
		if e.Kind == format.KindKeyFrame {
			frames++
		}
		if e.Kind != format.KindClock {
			continue
		}
		behind := events[i+1 : min(i+1+want, len(events))]
		if len(behind) < want || slices.ContainsFunc(behind, func(e format.Event) bool { return e.Kind != format.KindLost }) {
			t.Errorf("%s: behind the clock at %d s stands %v, want %d losses", name, e.Time/uint64(time.Second), kindsOf(behind), want)
		}
	}
	return frames
}

func kindsOf(events []format.Event) (kinds []format.Kind) {
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}
