package record

import (
	"github.com/iotrace-xen/iotrace/format"
	"golang.org/x/sys/unix"
)

// rdtsc reads the CPU's time stamp counter, by which xentrace counts.
func rdtsc() uint64

// readClocks reads all clocks between two readings of CLOCK_MONOTONIC. Of a few
// tries it takes the closest pair.
func readClocks() format.Event {
	var best format.Event
	least := ^uint64(0)
	for range 3 {
		begin := nanoseconds(unix.CLOCK_MONOTONIC)
		c := format.Clock{TSC: rdtsc(), WallNS: nanoseconds(unix.CLOCK_REALTIME), RawNS: nanoseconds(unix.CLOCK_MONOTONIC_RAW)}
		end := nanoseconds(unix.CLOCK_MONOTONIC)
		if end-begin < least {
			least, best = end-begin, c.Event(begin+(end-begin)/2)
		}
	}
	return best
}

func nanoseconds(clock int32) uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(clock, &ts) != nil {
		return 0
	}
	return uint64(ts.Nano())
}
