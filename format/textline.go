package format

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
)

// Limits of a line, without its end.
const (
	maxEventLine  = 16 << 10
	maxHeaderLine = maxHeaderJSON + 16
)

// A lineReader takes a text apart into lines.
type lineReader struct {
	r      *bufio.Reader
	buf    []byte // a line that r could not hold
	line   int    // number of the one at hand
	offset int64
}

// read returns the next line without its end. The bytes of a last line without
// an end come with ErrTruncated: a number in it may have lost digits. The line
// is valid until the next call.
func (l *lineReader) read(limit int) ([]byte, error) {
	l.line++
	part, err := l.r.ReadSlice('\n')
	l.offset += int64(len(part))
	if err == nil && len(part) <= limit+1 {
		return part[:len(part)-1], nil
	}
	return l.readLong(part, err, limit)
}

// readLong goes on with a line of which part was read, with err.
func (l *lineReader) readLong(part []byte, err error, limit int) ([]byte, error) {
	l.buf = l.buf[:0]
	for {
		if len(l.buf)+len(part) > limit+1 {
			return nil, fmt.Errorf("line: %w", ErrTooLarge)
		}
		l.buf = append(l.buf, part...)
		switch err {
		case nil:
			return l.buf[:len(l.buf)-1], nil
		case bufio.ErrBufferFull:
		case io.EOF, io.ErrUnexpectedEOF:
			if len(l.buf) == 0 {
				return nil, io.EOF
			}
			return l.buf, ErrTruncated
		default:
			return nil, &readError{err}
		}
		part, err = l.r.ReadSlice('\n')
		l.offset += int64(len(part))
	}
}

// place gives err its place, unless it came from the underlying reader.
func (l *lineReader) place(at int, err error) error {
	var failed *readError
	if errors.As(err, &failed) {
		return fmt.Errorf("offset %d: %w", l.offset, failed.err)
	}
	return &TextError{Line: l.line, Column: at + 1, Err: err}
}

// A sequence watches over the sequence numbers of a text: those of things that
// happened rise, those of a key-frame's state are not below the next one.
// Copies of earlier events have their own.
type sequence struct {
	next  uint64 // the lowest that may follow
	count uint64 // events
}

// add takes e as the next event.
func (s *sequence) add(e *Event) error {
	if e.Kind < KindOpen {
		if e.Seq < s.next || e.Seq == math.MaxUint64 {
			return malformed("sequence number %d, want %d or more, and less than 2^64-1", e.Seq, s.next)
		}
		s.next = e.Seq
		if e.Kind < KindState {
			s.next++
		}
	}
	s.count++
	return nil
}

// end checks the number of events that the last line gives.
func (s *sequence) end(n uint64) error {
	if n != s.count {
		return malformed("end of %d events, but there are %d", n, s.count)
	}
	return nil
}
