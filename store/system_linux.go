package store

import (
	"errors"
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

var ownSystem = system{
	writeAt:  (*os.File).WriteAt,
	allocate: allocate,
	free:     freeBytes,
	limit:    sizeLimit,
}

// allocate reserves space behind a file without changing its size.
func allocate(f *os.File, from, n int64) error {
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, from, n)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.Is(err, unix.EFBIG):
		return err
	}
	return errNoAllocate
}

func freeBytes(f *os.File) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return 0, err
	}
	if st.Blocks == 0 {
		return 0, unix.ENOSYS // a file system that does not count
	}
	return st.Bavail * uint64(st.Bsize), nil
}

// taken returns how many bytes a file has of the disk, with those behind its end.
func taken(st os.FileInfo) int64 {
	const unit = 512
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return max(st.Size(), unit*s.Blocks)
	}
	return st.Size()
}

func sizeLimit() int64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &l); err != nil || l.Cur > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(l.Cur)
}

// lock marks the file as being written, for as long as it is open.
func lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	var st unix.Stat_t
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return ErrBusy
	case err != nil:
		return nil // a file system without locks
	case unix.Fstat(int(f.Fd()), &st) == nil && st.Nlink == 0:
		return ErrBusy // somebody removed it in between
	}
	return nil
}

// renameNew renames a file unless the new name is taken.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return placeNew(from, to)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
