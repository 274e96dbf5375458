package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// roomAhead is the room for one more block and for closing: 16Ki events of 88
// bytes that do not compress, a piece of the index, its totals, the trailer.
const roomAhead = 4 << 20

// A look at the file system is good for lookPeriod, or until lookMargin bytes
// above the reserve have been written.
const (
	lookPeriod = time.Second
	lookMargin = 64 << 20
)

// A system is what a File asks of the operating system; tests put their own in.
type system struct {
	writeAt  func(f *os.File, p []byte, at int64) (int, error)
	allocate func(f *os.File, from, n int64) error // errNoAllocate if it cannot be done
	free     func(f *os.File) (uint64, error)      // bytes that an unprivileged user could write
	limit    func() int64                          // of a file's size, for this process
}

// errNoAllocate says that a file system cannot reserve space ahead.
var errNoAllocate = errors.New("no allocation")

// room is the space that a file may still grow into.
type room struct {
	sys       system
	reserve   uint64
	limit     int64
	allocated int64 // bytes of the file, or errNoAllocate came
	blind     bool  // nothing can be allocated ahead

	looked time.Time // at the free space,
	free   uint64    // which was this, less what was written since
	size   int64     // of the file at the last look
}

func newRoom(reserve uint64, sys system) room {
	return room{sys: sys, reserve: reserve, limit: sys.limit()}
}

// forget makes the next ensure look at the file system again.
func (r *room) forget() { r.looked = time.Time{} }

// ensure makes sure that a file of this size can take one more block and be
// closed. It returns ErrFull, with the reason, if it cannot.
func (r *room) ensure(f *os.File, size int64) error {
	if size+roomAhead > r.limit {
		return fmt.Errorf("%w: a file of this process may have %d bytes", errLimit, r.limit)
	}
	if r.blind {
		return r.spare(f, size, roomAhead)
	}
	if size+roomAhead <= r.allocated {
		return r.spare(f, size, 0)
	}
	// As seldom as possible: up to twice as much ahead, if there is so much.
	if r.allocate(f, size, size+2*roomAhead) == nil {
		return nil
	}
	return r.allocate(f, size, size+roomAhead)
}

// allocate makes the file's room reach up to an offset.
func (r *room) allocate(f *os.File, size, upTo int64) error {
	from := max(size, r.allocated)
	if err := r.spare(f, size, upTo-from); err != nil {
		return err
	}
	switch err := r.sys.allocate(f, from, upTo-from); {
	case err == nil:
		r.allocated = upTo
		r.forget()
	case errors.Is(err, errNoAllocate):
		r.blind = true
	case errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w: %w", errLimit, err)
	default:
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return nil
}

// spare makes sure that taking n bytes leaves the reserve alone.
func (r *room) spare(f *os.File, size, n int64) error {
	need := r.reserve + uint64(n)
	if r.reserve == 0 && !r.blind {
		return nil // the allocation will show
	}
	free, err := r.look(f, size, need)
	switch {
	case err != nil || free >= need:
		return nil // what cannot be asked cannot be kept free
	case r.reserve == 0:
		return fmt.Errorf("%w: %d bytes are free on the file system", ErrFull, free)
	}
	return fmt.Errorf("%w: %d bytes are free on the file system, and %s are to stay free", ErrFull, free, FormatSize(r.reserve))
}

// look returns the free space. It asks at most once a period while there is
// plenty.
func (r *room) look(f *os.File, size int64, need uint64) (uint64, error) {
	if time.Since(r.looked) < lookPeriod && r.free >= need+lookMargin+uint64(size-r.size) {
		return r.free, nil
	}
	free, err := r.sys.free(f)
	if err != nil {
		return 0, err
	}
	r.looked, r.free, r.size = time.Now(), free, size
	return free, nil
}

// removingHelps says whether so many bytes would be free, where name is or is to be, if
// these files beside it were removed. full is why there is no room now: how large a file
// may be is no matter of that. What cannot be asked is tried.
func removingHelps(full error, name string, need uint64, files []string, sys system) bool {
	if len(files) == 0 || errors.Is(full, errLimit) {
		return false
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return true
	}
	defer dir.Close()
	free, err := sys.free(dir)
	for _, f := range files {
		if st, err := os.Stat(f); err == nil {
			free += uint64(taken(st))
		}
	}
	return err != nil || free >= need
}
