// Package flight is the flight recorder: what is kept in memory of a capture that
// goes on for ever, what makes it worth keeping, and when it is.
//
// A [Ring] takes the blocks of a format.Writer and holds the newest of them, whole
// segments at a time, in a fixed amount of memory. A [Snapshot] of it writes a
// whole trace, which opens with a key-frame and replays alone, while the ring goes
// on. A [Pace] lets key-frames come as often as the ring wants them.
//
// A [Trigger] watches the events of the capture, one after the other, and fires at
// one of them. Each takes constant time for an event and allocates nothing. A
// [Schedule] turns firings and requests into dumps, not too many of them.
//
// No part of the package reads a clock: all times are those of events. None opens a
// file, and none is safe for concurrent use, except that a Snapshot may be written
// by another goroutine than the ring's.
package flight
