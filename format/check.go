package format

import (
	"errors"
	"io"
	"reflect"
)

// maxFaults is how many places a CheckReport names.
const maxFaults = 1000

// Condition says how much of a file is there.
type Condition uint8

// The conditions, from best to worst.
const (
	Whole   Condition = iota // every byte is as it was written
	Cut                      // the end is missing, and nothing else is wrong
	Damaged                  // something else is wrong
)

// String returns whole, cut or damaged.
func (c Condition) String() string { return enumName([]string{"whole", "cut", "damaged"}, uint64(c)) }

// A CheckReport says what is right and wrong with a file.
type CheckReport struct {
	Blocks    int    // whole blocks that have events
	Events    uint64 // in them, without those of key-frames
	KeyFrames uint64 // whose beginning is there
	Missing   uint64 // events that are known to be missing, without those of key-frames
	Bytes     int64
	Closed    bool            // the trailer is there
	Indexed   bool            // an index is there, and right
	Faults    []*CorruptError // in order of their offsets; the first 1000
}

// Condition sums up the faults.
func (r *CheckReport) Condition() Condition {
	switch n := len(r.Faults); {
	case n == 0:
		return Whole
	case n == 1 && errors.Is(r.Faults[0], ErrTruncated):
		return Cut
	}
	return Damaged
}

// Check reads all of a binary trace of size bytes and verifies every checksum,
// every invariant and the index. The error is not about damage: what was given
// is no trace, or of another version, or could not be read.
func Check(r io.ReaderAt, size int64) (CheckReport, error) {
	s := survey{report: CheckReport{Bytes: size}}
	if err := s.run(r, size); err != nil {
		return CheckReport{}, err
	}
	s.checkIndex(r)
	return s.report, nil
}

// A survey is one reading of a file that goes past all damage.
type survey struct {
	report  CheckReport
	reader  *Reader
	tally   Tally
	blocks  []Block
	trailer blockHeader
	start   int64
	end     int64                // of the blocks: where the trailer stands
	begun   func(h Header) error // called first; may be nil
	each    func(v visit) error  // called for each whole block; may be nil
	failed  error                // what each returned
}

func (s *survey) run(r io.ReaderAt, size int64) error {
	var err error
	if s.reader, err = NewReader(io.NewSectionReader(r, 0, size)); s.reader == nil {
		return err
	}
	unread := err
	if errors.Is(err, ErrVersion) {
		return err
	}
	s.start = s.reader.Bytes()
	s.reader.visit = s.visit
	if s.begun != nil {
		if err := s.begun(s.reader.Header()); err != nil {
			return err
		}
	}
	for {
		if err == nil {
			err = s.drain()
		}
		if err == nil || s.failed != nil {
			break
		}
		if err = s.fault(err); err != nil {
			return err
		}
		if s.reader.Resume() != nil {
			break
		}
	}
	if s.report.Closed = s.reader.Closed(); !s.report.Closed {
		s.report.Missing += s.reader.tail().Lost().Count
	}
	if errors.Is(unread, ErrNotTrace) && s.report.Blocks == 0 {
		return unread
	}
	return s.failed
}

// drain reads on to the end or the next damage.
func (s *survey) drain() error {
	for _, err := range s.reader.Batches() {
		if err != nil || s.failed != nil {
			return err
		}
	}
	return nil
}

// fault notes damage; any other error it returns.
func (s *survey) fault(err error) error {
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) {
		return err
	}
	if len(s.report.Faults) < maxFaults {
		s.report.Faults = append(s.report.Faults, corrupt)
	}
	return nil
}

func (s *survey) visit(v visit) {
	if v.hole != nil {
		s.report.Missing += v.hole.Lost().Count
	}
	switch {
	case v.h.hasEvents():
		s.tally.addAll(v.events)
		s.blocks = append(s.blocks, blockOf(v.offset, v.h))
		s.report.Blocks++
		if !v.h.opens() {
			break
		}
		s.report.KeyFrames++
	case v.h.kind == blockTrailer:
		s.trailer, s.end = *v.h, v.offset
	}
	s.report.Events = s.tally.sum.Events
	if s.each != nil && s.failed == nil {
		s.failed = s.each(v)
	}
}

// checkIndex compares the index with what was read.
func (s *survey) checkIndex(r io.ReaderAt) {
	if !s.report.Closed || s.trailer.index == 0 {
		return
	}
	x, err := readIndex(r, s.start, s.end, &s.trailer)
	if err == nil && len(s.report.Faults) == 0 {
		totals := s.tally.Totals()
		if !reflect.DeepEqual(x.Blocks, s.blocks) || !reflect.DeepEqual(*x.Totals, totals) {
			err = malformed("the index does not say what the blocks have")
		}
	}
	if err == nil {
		s.report.Indexed = true
		return
	}
	if len(s.report.Faults) == 0 {
		s.report.Faults = []*CorruptError{{Offset: int64(s.trailer.index), Block: s.report.Blocks, Err: err}}
	}
}
