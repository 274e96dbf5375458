package lab

import (
	"os"
	"testing"
	"time"
)

func TestPulse(t *testing.T) {
	type look struct {
		seconds int
		ticks   uint64
		signs   int
		dead    bool
	}
	for name, looks := range map[string][]look{
		"sleeps":  {{0, 100, 1, false}, {30, 100, 1, false}, {59, 106, 1, false}, {60, 106, 1, true}},
		"idle":    {{0, 100, 1, false}, {59, 107, 1, false}, {118, 113, 1, false}, {119, 113, 1, true}},
		"spins":   {{0, 100, 1, false}, {50, 5000, 1, false}, {89, 9099, 1, false}, {90, 9100, 1, true}},
		"busy":    {{0, 100, 1, false}, {80, 8000, 2, false}, {160, 16000, 3, false}, {240, 24000, 3, false}},
		"starved": {{0, 100, 1, false}, {50, 110, 1, false}, {100, 120, 1, false}, {150, 130, 1, false}},
	} {
		var p pulse
		for _, l := range looks {
			if got := p.lost(time.Unix(int64(1000+l.seconds), 0), l.ticks, l.signs); got != l.dead {
				t.Errorf("%s, after %d s with %d ticks: dead %v", name, l.seconds, l.ticks, got)
			}
		}
	}
}

// TestPulseIsWeak: a machine is woken long before it is given up, and one that works is not.
func TestPulseIsWeak(t *testing.T) {
	type look struct {
		seconds int
		ticks   uint64
		signs   int
		weak    bool
	}
	for name, looks := range map[string][]look{
		"sleeps":  {{0, 100, 1, false}, {1, 100, 1, false}, {2, 100, 1, true}, {4, 100, 1, true}, {5, 101, 1, false}},
		"idle":    {{0, 100, 1, false}, {1, 101, 1, false}, {2, 102, 1, false}, {3, 103, 2, false}},
		"spins":   {{0, 100, 1, false}, {9, 1099, 1, false}, {10, 1100, 1, true}, {11, 1101, 2, false}},
		"starved": {{0, 100, 1, false}, {20, 101, 1, false}, {21, 101, 1, false}},
	} {
		var p pulse
		for _, l := range looks {
			now := time.Unix(int64(1000+l.seconds), 0)
			if p.lost(now, l.ticks, l.signs) {
				t.Errorf("%s, after %d s with %d ticks: dead", name, l.seconds, l.ticks)
			}
			if got := p.weak(now); got != l.weak {
				t.Errorf("%s, after %d s with %d ticks: weak %v", name, l.seconds, l.ticks, got)
			}
		}
	}
}

func TestCPUTicksGrow(t *testing.T) {
	first, err := cpuTicks(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for { // a starved machine takes its time
		now, err := cpuTicks(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if now > first {
			return
		}
	}
}
