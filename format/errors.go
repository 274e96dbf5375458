package format

import (
	"errors"
	"fmt"
)

// The causes of errors that readers report, for errors.Is.
var (
	ErrNotTrace  = errors.New("not an iotrace file")
	ErrVersion   = errors.New("written in another version of the format")
	ErrTruncated = errors.New("cut short")
	ErrChecksum  = errors.New("bad checksum")
	ErrTooLarge  = errors.New("larger than the format allows")
	ErrMalformed = errors.New("malformed")
	ErrMissing   = errors.New("blocks are missing")
)

// Errors of a Writer or TextWriter.
var (
	ErrInvalidKind = errors.New("event has no kind")
	ErrClosed      = errors.New("trace is closed")
	ErrSequence    = errors.New("sequence numbers do not rise")
)

// headerBlock stands in CorruptError.Block for the file's header.
const headerBlock = -1

// A CorruptError says where a binary trace is damaged and how.
type CorruptError struct {
	Offset int64 // of the damaged block, from the start of the file
	Block  int   // how many blocks were read before it; -1 for the file's header
	Err    error // ErrTruncated, ErrChecksum, ErrTooLarge, ... possibly wrapped
}

func (e *CorruptError) Error() string {
	if e.Block == headerBlock {
		return fmt.Sprintf("offset %d: header: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("offset %d: block %d: %v", e.Offset, e.Block, e.Err)
}

// Unwrap returns the cause.
func (e *CorruptError) Unwrap() error { return e.Err }

// A TextError says where a text trace cannot be read and why.
type TextError struct {
	Line   int // from 1
	Column int // in bytes, from 1
	Err    error
}

func (e *TextError) Error() string {
	return fmt.Sprintf("line %d, column %d: %v", e.Line, e.Column, e.Err)
}

// Unwrap returns the cause.
func (e *TextError) Unwrap() error { return e.Err }

// malformed returns an ErrMalformed with its detail.
func malformed(layout string, args ...any) error {
	return fmt.Errorf("%w: "+layout, append([]any{ErrMalformed}, args...)...)
}

// A gapError stands at a block that is whole, behind blocks that are gone.
type gapError struct{ events, state uint64 }

func (e *gapError) Error() string {
	return fmt.Sprintf("%v: %d events and %d of key-frames", ErrMissing, e.events, e.state)
}

func (e *gapError) Unwrap() error { return ErrMissing }
