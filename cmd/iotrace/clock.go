package main

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// monotonic reads the clock that events carry.
func monotonic() uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return uint64(ts.Nano())
}

// lengthOf is so many nanoseconds, as far as a Duration reaches.
func lengthOf(ns uint64) time.Duration { return time.Duration(min(ns, math.MaxInt64)) }
