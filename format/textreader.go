package format

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Limits of a line, without its end.
const (
	maxEventLine  = 16 << 10
	maxHeaderLine = maxHeaderJSON + 16
)

// A TextReader reads a text trace from front to back, one line at a time.
type TextReader struct {
	r      *bufio.Reader
	header Header
	buf    []byte // a line that r could not hold
	line   int    // number of the one at hand
	offset int64
	next   uint64 // lowest sequence number that may follow
	count  uint64 // events delivered
	closed bool
	err    error
}

// NewTextReader reads up to and with the header line.
func NewTextReader(r io.Reader) (*TextReader, error) {
	t := &TextReader{r: bufio.NewReaderSize(r, 64<<10)}
	p, tok, err := t.token(maxEventLine)
	if err == nil {
		err = t.magic(&p, tok)
	}
	if err == nil {
		if p, tok, err = t.token(maxHeaderLine); err == nil {
			err = t.headerLine(&p, tok)
		}
	}
	if err == io.EOF {
		err = ErrTruncated
	}
	if err != nil {
		return nil, t.place(p.at, err)
	}
	return t, nil
}

// Header returns what the trace says about itself.
func (t *TextReader) Header() Header { return t.header }

// Closed says whether the end line has been read.
func (t *TextReader) Closed() bool { return t.closed }

// Bytes returns how many bytes of the text have been consumed.
func (t *TextReader) Bytes() int64 { return t.offset }

// Events iterates over the events that have not been delivered yet. The last
// pair may be an error instead of an event; it is delivered again to every
// later loop.
func (t *TextReader) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for t.err == nil {
			var e Event
			if e, t.err = t.event(); t.err != nil {
				break
			}
			if !yield(e, nil) {
				return
			}
		}
		if t.err != io.EOF {
			yield(Event{}, t.err)
		}
	}
}

// event reads lines up to the next event. io.EOF means a good end.
func (t *TextReader) event() (Event, error) {
	p, tok, err := t.token(maxEventLine)
	if err == io.EOF && !t.closed {
		err = ErrTruncated
	}
	var e Event
	switch {
	case err != nil:
	case t.closed:
		err = malformed("%q behind the end line", tok)
	case string(tok) == "end":
		if err = t.end(&p); err == nil {
			t.closed = true
			return t.event()
		}
	default:
		if e, err = p.event(tok, t.next); err == nil {
			t.next = e.Seq + 1
			t.count++
			return e, nil
		}
	}
	if err == io.EOF {
		return Event{}, err
	}
	return Event{}, t.place(p.at, err)
}

// end checks the end line behind its first word.
func (t *TextReader) end(p *lineParser) error {
	tok := p.next()
	n, ok := uint64(0), len(tok) > len("events=") && string(tok[:len("events=")]) == "events="
	if ok {
		n, ok = parseDecimal(tok[len("events="):])
	}
	switch {
	case !ok:
		return malformed("%q is not events=N", tok)
	case n != t.count:
		return malformed("end of %d events, but there are %d", n, t.count)
	}
	return p.finish()
}

func (t *TextReader) magic(p *lineParser, tok []byte) error {
	if string(tok) != textMagic {
		return ErrNotTrace
	}
	if v := p.next(); string(v) != textVersion {
		return fmt.Errorf("text form %q, not %s: %w", v, textVersion, ErrVersion)
	}
	return p.finish()
}

func (t *TextReader) headerLine(p *lineParser, tok []byte) (err error) {
	if string(tok) != "header" {
		return malformed("%q is not the header line", tok)
	}
	t.header, err = parseHeaderJSON(p.line[p.pos:])
	return err
}

// finish refuses more tokens.
func (p *lineParser) finish() error {
	if tok := p.next(); len(tok) > 0 {
		return malformed("%q is too much", tok)
	}
	return nil
}

// token returns the next line that is not empty or a comment, with its first
// token taken. The line is valid until the next call.
func (t *TextReader) token(limit int) (p lineParser, tok []byte, err error) {
	for {
		line, err := t.readLine(limit)
		if err != nil {
			return lineParser{}, nil, err
		}
		p = lineParser{line: line}
		if tok = p.next(); len(tok) > 0 {
			return p, tok, nil
		}
	}
}

// readLine returns the next line without its end. A last line without an end is
// ErrTruncated: a number in it may have lost digits.
func (t *TextReader) readLine(limit int) ([]byte, error) {
	t.line++
	t.buf = t.buf[:0]
	for {
		part, err := t.r.ReadSlice('\n')
		t.offset += int64(len(part))
		if len(t.buf)+len(part) > limit+1 {
			return nil, fmt.Errorf("line: %w", ErrTooLarge)
		}
		switch {
		case err == nil && len(t.buf) == 0:
			return part[:len(part)-1], nil
		case err == nil:
			t.buf = append(t.buf, part...)
			return t.buf[:len(t.buf)-1], nil
		case err == bufio.ErrBufferFull:
			t.buf = append(t.buf, part...)
		case err == io.EOF && len(part)+len(t.buf) == 0:
			return nil, io.EOF
		case err == io.EOF, err == io.ErrUnexpectedEOF:
			return nil, ErrTruncated
		default:
			return nil, &readError{err}
		}
	}
}

// place gives err its place, unless it came from the underlying reader.
func (t *TextReader) place(at int, err error) error {
	var failed *readError
	if errors.As(err, &failed) {
		return fmt.Errorf("offset %d: %w", t.offset, failed.err)
	}
	return &TextError{Line: t.line, Column: at + 1, Err: err}
}
