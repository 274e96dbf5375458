package record

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"
	"golang.org/x/sys/unix"
)

// A stream has the probes' records in the order in which they are to be decoded.
// Only flush may be called from another goroutine than the others.
type stream interface {
	// next returns a record, valid until the next call: nil if there is none yet.
	next() ([]byte, error)
	// passed says, behind a next without a record, that none stamped up to t is to come.
	passed(t uint64) bool
	// wait waits for more. It is false at the deadline, or if flush was called.
	wait() (more bool, err error)
	setDeadline(time.Time)
	flush()
	// last says that no probe is attached any more: what has come is all.
	last()
	close() error
}

// A perfStream reads one buffer a CPU and merges them.
//
// The kernel also says how many samples it had no room for. A sample is a batch of
// records, so that number is not used: the records' own numbers tell.
type perfStream struct {
	*perf.Reader
	rec      perf.Record
	merge    *merger
	deadline time.Time
}

// Between two passes through the buffers lies passPeriod, if the kernel does not
// ask for one. A record is in its buffer settling after it was stamped, at the
// latest: a program sends what it recorded when it ends.
const (
	passPeriod = 50 * time.Millisecond
	settling   = 20 * time.Millisecond
)

func newPerfStream(coll *ebpf.Collection, bytes int) (*perfStream, error) {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, err
	}
	each := max(bytes/cpus, os.Getpagesize())
	r, err := perf.NewReaderWithOptions(coll.Maps[perfMapEvents], each, perf.ReaderOptions{Watermark: each / 4})
	if err != nil {
		return nil, fmt.Errorf("perf buffers of %d bytes: %w", each, err)
	}
	return &perfStream{Reader: r, merge: newMerger()}, nil
}

func (s *perfStream) next() ([]byte, error) { return s.merge.next(), nil }

func (s *perfStream) passed(t uint64) bool { return s.merge.all || s.merge.limit >= t }

func (s *perfStream) wait() (more bool, err error) {
	if !s.merge.all && time.Now().After(s.deadline) {
		return false, nil
	}
	if err := s.pass(); err != nil {
		return false, fmt.Errorf("perf buffers: %w", err)
	}
	return !s.merge.all || !s.merge.empty(), nil
}

// pass waits a little and then empties every buffer once. What was stamped
// settling before that can be merged.
func (s *perfStream) pass() error {
	s.Reader.SetDeadline(time.Now().Add(passPeriod))
	if _, err := s.read(); err != nil {
		return err
	}
	begun := nanoseconds(unix.CLOCK_MONOTONIC)
	if err := s.Flush(); err != nil {
		return err
	}
	for more := true; more; {
		var err error
		if more, err = s.read(); err != nil {
			return err
		}
	}
	s.merge.release(begun - uint64(settling))
	return nil
}

// read takes one sample. It is false after a flush or at the deadline, when all
// buffers have been emptied.
func (s *perfStream) read() (bool, error) {
	err := s.ReadInto(&s.rec)
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, perf.ErrFlushed) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.merge.add(s.rec.CPU, s.rec.RawSample)
	return true, nil
}

func (s *perfStream) setDeadline(t time.Time) { s.deadline = t }
func (s *perfStream) flush()                  {} // a pass is short
func (s *perfStream) last()                   { s.merge.all = true }
func (s *perfStream) close() error            { return s.Close() }
