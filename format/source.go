package format

import (
	"bufio"
	"bytes"
	"io"
)

// A source is the bytes of a file, in order. It keeps those of the part at hand
// in raw, so that a part that turns out to be damaged can be searched.
type source struct {
	r      *bufio.Reader
	raw    []byte // of the part at hand
	back   []byte // to be read again, before r
	offset int64  // of the next byte
}

// A readError is an error of the underlying reader, which is no damage.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

// begin starts a new part.
func (s *source) begin() { s.raw = s.raw[:0] }

// fill reads on until the part has n bytes.
func (s *source) fill(n int) error {
	at := len(s.raw)
	if cap(s.raw) < n {
		s.raw = append(make([]byte, 0, n), s.raw...)
	}
	k := copy(s.raw[at:n], s.back)
	if s.back = s.back[k:]; len(s.back) == 0 {
		s.back = nil
	}
	more, err := io.ReadFull(s.r, s.raw[at+k:n])
	s.raw = s.raw[:at+k+more]
	s.offset += int64(k + more)
	switch err {
	case nil:
		return nil
	case io.EOF, io.ErrUnexpectedEOF:
		return ErrTruncated
	}
	return &readError{err}
}

// atEnd says whether no byte is left.
func (s *source) atEnd() (bool, error) {
	if len(s.back) > 0 {
		return false, nil
	}
	switch _, err := s.r.Peek(1); err {
	case nil:
		return false, nil
	case io.EOF:
		return true, nil
	default:
		return false, &readError{err}
	}
}

// unread gives back the part at hand but for its first n bytes.
func (s *source) unread(n int) {
	n = min(n, len(s.raw))
	s.offset -= int64(len(s.raw) - n)
	s.back = append(bytes.Clone(s.raw[n:]), s.back...)
	s.begin()
}

// searchStep is how many bytes a search reads at a time.
const searchStep = 64 << 10

// search goes to the next block header that accept takes. It returns io.EOF if
// there is none.
func (s *source) search(accept func(head []byte) bool) error {
	s.begin()
	for {
		err := s.fill(max(len(s.raw), blockHead) + searchStep)
		if err != nil && err != ErrTruncated {
			return err
		}
		if at := findBlock(s.raw, accept); at >= 0 {
			s.unread(at)
			return nil
		}
		if err != nil {
			s.begin()
			return io.EOF
		}
		// A header may begin in the last bytes.
		s.raw = append(s.raw[:0], s.raw[len(s.raw)-blockHead:]...)
	}
}

// findBlock returns where the first block header in b is that accept takes, -1
// if there is none.
func findBlock(b []byte, accept func(head []byte) bool) int {
	for at := frameHead; ; at++ {
		i := bytes.Index(b[min(at, len(b)):], []byte(syncWord))
		if i < 0 {
			return -1
		}
		at += i
		start := at - frameHead
		if len(b)-start < blockHead {
			return -1
		}
		if accept(b[start : start+blockHead]) {
			return start
		}
	}
}
