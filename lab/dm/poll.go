package dm

import (
	"syscall"
	"time"
	"unsafe"
)

// pollFD is struct pollfd.
type pollFD struct {
	fd      int32
	events  int16
	revents int16
}

const pollIn = 1

// pollEvents waits until the evtchn device can be read.
func (c *Conn) pollEvents(limit time.Duration) error { return Wait(limit, c) }

// Wait waits until one of the connections has an event, which Next then finds. It keeps
// the processor of Go's scheduler meanwhile, as a device model in C would: handed to
// another thread at each wait of more than 20 µs, it costs a request three switches more.
// Who else is to run need not wait for long, because the scheduler's signal ends a poll.
func Wait(limit time.Duration, conns ...*Conn) error {
	deadline := time.Now().Add(limit)
	fds := make([]pollFD, len(conns))
	for i, c := range conns {
		fds[i] = pollFD{fd: int32(c.evtchn.Fd()), events: pollIn}
	}
	for {
		ms := max(time.Until(deadline).Milliseconds(), 0)
		n, _, errno := syscall.RawSyscall(syscall.SYS_POLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)), uintptr(ms))
		switch {
		case errno == syscall.EINTR:
		case errno != 0:
			return errno
		case n == 0:
			return ErrQuiet
		default:
			return nil
		}
	}
}
