package store

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// roomAhead is the room for one more block, the largest possible, and for
// closing a small file; a large file's index takes one part in roomIndex more.
const (
	roomAhead = 4 << 20
	roomIndex = 256
)

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
	ahead := int64(roomAhead) + size/roomIndex
	if size+ahead > r.limit {
		return fmt.Errorf("%w: a file of this process may have %d bytes", ErrFull, r.limit)
	}
	if err := r.allocate(f, size, ahead); err != nil {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	need := r.reserve
	if r.blind {
		need += uint64(ahead)
	}
	free, err := r.look(f, size, need)
	if err != nil || free >= need {
		return nil // what cannot be asked cannot be kept free
	}
	if r.reserve == 0 {
		return fmt.Errorf("%w: %s free on the file system", ErrFull, FormatSize(free))
	}
	return fmt.Errorf("%w: %s free on the file system, %s are to stay free", ErrFull, FormatSize(free), FormatSize(r.reserve))
}

// allocate keeps between one and two times ahead allocated behind the file.
func (r *room) allocate(f *os.File, size, ahead int64) error {
	if r.blind || size+ahead <= r.allocated {
		return nil
	}
	from := max(size, r.allocated)
	for _, upTo := range []int64{size + 2*ahead, size + ahead} {
		err := r.sys.allocate(f, from, upTo-from)
		if err == nil {
			r.allocated = upTo
			return nil
		}
		if errors.Is(err, errNoAllocate) {
			r.blind = true
			return nil
		}
		if upTo == size+ahead {
			return err
		}
	}
	return nil
}

// look returns the free space. It asks at most once a period while there is
// plenty.
func (r *room) look(f *os.File, size int64, need uint64) (uint64, error) {
	if need == 0 {
		return 0, nil
	}
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
