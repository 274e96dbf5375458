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
func (c *Conn) pollEvents(limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		ms := max(time.Until(deadline).Milliseconds(), 0)
		p := pollFD{fd: int32(c.evtchn.Fd()), events: pollIn}
		n, _, errno := syscall.Syscall(syscall.SYS_POLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(ms))
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
