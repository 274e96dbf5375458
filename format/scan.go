package format

import (
	"bufio"
	"errors"
	"io"
)

// A scanner finds the blocks of a file by their headers, without reading what is
// in them. What is damaged it passes over.
type scanner struct {
	r      io.ReaderAt
	size   int64
	offset int64
	chain  chain
	index  Index
	bad    error // what is wrong at offset
	end    error // why reading does not end well; nil if it does
	closed bool  // the trailer is there
}

// scan lists the blocks of r from offset start on. The error is the underlying
// reader's.
func scan(r io.ReaderAt, start, size int64) (*scanner, error) {
	s := &scanner{r: r, size: size, offset: start}
	for !s.closed && s.offset < s.size {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	switch {
	case !s.closed:
		if s.bad == nil {
			s.bad = ErrTruncated
		}
		s.end = &CorruptError{Offset: s.offset, Block: len(s.index.Blocks), Err: s.bad}
	case s.offset < size:
		s.end = &CorruptError{Offset: s.offset, Block: len(s.index.Blocks), Err: malformed("data behind the trailer")}
	}
	s.index.summed(&s.chain)
	return s, nil
}

// step goes past one block, or to the next one behind damage.
func (s *scanner) step() error {
	var head [blockHead]byte
	if s.size-s.offset < blockHead {
		s.bad = ErrTruncated
		return s.search()
	}
	if _, err := readAt(s.r, head[:], s.offset); err != nil {
		return err
	}
	h, err := s.accept(head[:], s.offset)
	if s.bad = err; err != nil {
		return s.search()
	}
	switch {
	case h.hasEvents():
		s.index.Blocks = append(s.index.Blocks, blockOf(s.offset, &h))
		s.chain.advance(&h)
	case h.kind == blockTrailer:
		s.closed = true
		s.ends(&h)
	}
	s.offset += h.size()
	return nil
}

// ends compares the trailer with the blocks: nothing comes behind it that would
// show that the last ones are missing.
func (s *scanner) ends(trailer *blockHeader) {
	err := s.chain.follows(trailer)
	if err == nil {
		err = s.chain.closes(trailer)
	}
	if err != nil {
		s.end = &CorruptError{Offset: s.offset, Block: len(s.index.Blocks), Err: err}
	}
}

// accept refuses what is not the header of a whole block that may come next.
func (s *scanner) accept(head []byte, at int64) (blockHeader, error) {
	h, err := parseBlockHeader(head)
	switch {
	case err != nil:
		return h, err
	case h.size() > s.size-at:
		return h, ErrTruncated
	case (h.hasEvents() || h.kind == blockTrailer) && !s.chain.admits(&h):
		return h, s.chain.follows(&h)
	}
	return h, nil
}

// search goes to the next block behind damage, or to the end of the file. The
// offset of a file that ends with damage is where that begins.
func (s *scanner) search() error {
	s.chain.broken = true
	rest := io.NewSectionReader(s.r, s.offset+1, s.size-s.offset-1)
	src := source{r: bufio.NewReaderSize(rest, searchStep)}
	var failed *readError
	switch err := src.search(func(head []byte) bool { _, err := s.accept(head, s.offset); return err == nil }); {
	case err == io.EOF:
		s.size = s.offset
	case errors.As(err, &failed):
		return failed.err
	case err != nil:
		return err
	default:
		s.offset += 1 + src.offset
	}
	return nil
}
