package record

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// A ringStream reads the ring buffer that all CPUs share. It tells the probes how
// much of each domain it has taken out.
//
// It waits through the runtime and not in the reader, whose own system call would
// hold a thread: each wait would cost several switches of threads more.
type ringStream struct {
	reader *ringbuf.Reader // never waits
	rec    ringbuf.Record
	taken  shares
	ready  *os.File // readable when the probes wake the reader
	poll   syscall.RawConn
	enough int // unread bytes at which they do
}

func newRingStream(coll *ebpf.Collection, enough int) (*ringStream, error) {
	taken, err := newShares(coll.Maps[fentryMapShares])
	if err != nil {
		return nil, err
	}
	s := &ringStream{taken: taken, enough: enough}
	if err := s.openReady(coll.Maps[fentryMapEvents].FD()); err != nil {
		return nil, fmt.Errorf("ring buffer: %w", err)
	}
	if s.reader, err = ringbuf.NewReader(coll.Maps[fentryMapEvents]); err != nil {
		return nil, errors.Join(err, s.ready.Close())
	}
	s.reader.SetDeadline(time.Unix(0, 1))
	return s, nil
}

// openReady has the runtime watch a copy of the buffer's descriptor.
func (s *ringStream) openReady(buffer int) error {
	fd, err := unix.FcntlInt(uintptr(buffer), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return errors.Join(err, unix.Close(fd))
	}
	s.ready = os.NewFile(uintptr(fd), "ring buffer")
	err = s.ready.SetReadDeadline(time.Time{}) // fails if it cannot be watched
	if err == nil {
		s.poll, err = s.ready.SyscallConn()
	}
	if err != nil {
		return errors.Join(err, s.ready.Close())
	}
	return nil
}

func (s *ringStream) next() ([]byte, error) {
	err := s.reader.ReadInto(&s.rec)
	if err == nil {
		return s.rec.RawSample, s.taken.add(s.rec.RawSample)
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("ring buffer: %w", err)
	}
	return nil, s.taken.tell()
}

// passed is for a t that is over. A record that is still being filled holds back those
// behind it, so the buffer must be empty.
func (s *ringStream) passed(uint64) bool { return s.reader.AvailableBytes() == 0 }

// wait waits until the probes wake the reader. At the deadline there may be records
// of which they said nothing.
func (s *ringStream) wait() (more bool, err error) {
	woken := false
	err = s.poll.Read(func(uintptr) bool {
		more = woken || s.reader.AvailableBytes() >= s.enough
		woken = true
		return more
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ring buffer: %w", err)
	}
	return true, nil
}

// setDeadline and flush fail once the stream is closed, when nobody waits.
func (s *ringStream) setDeadline(t time.Time) { _ = s.ready.SetReadDeadline(t) }
func (s *ringStream) flush()                  { s.setDeadline(time.Unix(0, 1)) }
func (s *ringStream) last()                   {}
func (s *ringStream) close() error            { return errors.Join(s.reader.Close(), s.ready.Close()) }

// shares is how many bytes of each domain were taken out of the ring buffer, in
// memory that the probes read.
type shares struct {
	memory *ebpf.Memory
	bytes  []uint64 // by domain
	dom    uint16   // the only one of which the probes may not have been told
	untold int      // bytes of it
}

// untoldMost is how many bytes of a domain are taken before the probes are told.
const untoldMost = 4 << 10

func newShares(m *ebpf.Map) (shares, error) {
	memory, err := m.Memory()
	if err != nil {
		return shares{}, fmt.Errorf("shares of the ring buffer: %w", err)
	}
	return shares{memory: memory, bytes: make([]uint64, m.MaxEntries())}, nil
}

func (s *shares) add(record []byte) error {
	dom, ok := shareOf(record)
	if !ok || int(dom) >= len(s.bytes) {
		return nil // the decoder says that it is malformed
	}
	if dom != s.dom || s.untold >= untoldMost {
		if err := s.tell(); err != nil {
			return err
		}
	}
	s.bytes[dom] += uint64(len(record))
	s.dom, s.untold = dom, s.untold+len(record)
	return nil
}

// tell lets the probes know what was taken.
func (s *shares) tell() error {
	if s.untold == 0 {
		return nil
	}
	s.untold = 0
	var b [8]byte
	le.PutUint64(b[:], s.bytes[s.dom])
	var share fentryShare
	_, err := s.memory.WriteAt(b[:], int64(uintptr(s.dom)*unsafe.Sizeof(share)+unsafe.Offsetof(share.Taken)))
	return err
}
