package lab

import (
	"os"
	"testing"
	"time"
)

func TestPulse(t *testing.T) {
	start := time.Unix(1000, 0)
	var p pulse
	for _, c := range []struct {
		seconds int
		ticks   uint64
		lost    bool
	}{
		{0, 100, false}, {30, 100, false}, {59, 106, false}, // nearly asleep
		{60, 107, false}, {100, 108, false}, {119, 113, false}, {120, 113, true},
		{121, 120, false}, // awake after all
	} {
		if got := p.lost(start.Add(time.Duration(c.seconds)*time.Second), c.ticks); got != c.lost {
			t.Errorf("after %d s with %d ticks: lost %v", c.seconds, c.ticks, got)
		}
	}
}

func TestCPUTicksGrow(t *testing.T) {
	first, err := cpuTicks(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if now, err := cpuTicks(os.Getpid()); err != nil || now > first {
			return
		}
	}
	t.Error("ten seconds of work took no CPU time")
}
