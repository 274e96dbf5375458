package xen

import "fmt"

// Errno is the result of a hypercall: zero for success, or one of Xen's
// positive error numbers. A recorded return value of -22 is EInval.
type Errno uint16

// The error numbers of public/errno.h that the modelled calls can return.
const (
	OK         Errno = 0
	EPerm      Errno = 1
	ENoEnt     Errno = 2
	ESrch      Errno = 3
	EIO        Errno = 5
	E2Big      Errno = 7
	EAgain     Errno = 11
	ENoMem     Errno = 12
	EAcces     Errno = 13
	EFault     Errno = 14
	EBusy      Errno = 16
	EExist     Errno = 17
	EInval     Errno = 22
	ENoTTY     Errno = 25
	ENoSpc     Errno = 28
	ENoSys     Errno = 38
	ENoData    Errno = 61
	EIlSeq     Errno = 84
	ERestart   Errno = 85
	EOpNotSupp Errno = 95
)

var errnoNames = map[Errno]string{
	OK: "ok", EPerm: "EPERM", ENoEnt: "ENOENT", ESrch: "ESRCH", EIO: "EIO",
	E2Big: "E2BIG", EAgain: "EAGAIN", ENoMem: "ENOMEM", EAcces: "EACCES",
	EFault: "EFAULT", EBusy: "EBUSY", EExist: "EEXIST", EInval: "EINVAL",
	ENoTTY: "ENOTTY", ENoSpc: "ENOSPC", ENoSys: "ENOSYS", ENoData: "ENODATA",
	EIlSeq: "EILSEQ", ERestart: "ERESTART", EOpNotSupp: "EOPNOTSUPP",
}

// String returns the C name, "ok" for zero, or errnoN.
func (e Errno) String() string {
	if s, ok := errnoNames[e]; ok {
		return s
	}
	return fmt.Sprintf("errno%d", uint16(e))
}

// Error makes an Errno usable as an error; callers test for OK first.
func (e Errno) Error() string { return e.String() }

// ErrnoOf returns the error number inside a raw return value: zero and positive
// results are OK, -4095..-1 is an error number. ok is false below that.
func ErrnoOf(ret int64) (e Errno, ok bool) {
	switch {
	case ret >= 0:
		return OK, true
	case ret >= -4095:
		return Errno(-ret), true
	}
	return 0, false
}
