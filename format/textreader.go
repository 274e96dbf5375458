package format

import (
	"bufio"
	"fmt"
	"io"
	"iter"
)

// A TextReader reads a text trace from front to back, one line at a time.
type TextReader struct {
	lines  lineReader
	seq    sequence
	header Header
	closed bool
	err    error
}

// NewTextReader reads up to and with the header line.
func NewTextReader(r io.Reader) (*TextReader, error) {
	t := &TextReader{lines: lineReader{r: bufio.NewReaderSize(r, 64<<10)}}
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
		return nil, t.lines.place(p.at, err)
	}
	return t, nil
}

// Header returns what the trace says about itself.
func (t *TextReader) Header() Header { return t.header }

// Closed says whether the end line has been read.
func (t *TextReader) Closed() bool { return t.closed }

// Bytes returns how many bytes of the text have been consumed.
func (t *TextReader) Bytes() int64 { return t.lines.offset }

// Line returns the number, from 1, of the line that was read last: behind an
// event, the event's.
func (t *TextReader) Line() int { return t.lines.line }

// Events iterates over the events that have not been delivered yet. The last
// pair may be an error instead of an event; it is delivered again to every
// later loop.
func (t *TextReader) Events() iter.Seq2[Event, error] {
	return eachEvent(t.event, &t.err)
}

// eachEvent iterates over what next returns, up to an error, which it keeps.
// io.EOF means a good end.
func eachEvent(next func(*Event) error, kept *error) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		var e Event
		for *kept == nil {
			if *kept = next(&e); *kept != nil {
				break
			}
			if !yield(e, nil) {
				return
			}
		}
		if *kept != io.EOF {
			yield(Event{}, *kept)
		}
	}
}

// event reads lines up to the next event.
func (t *TextReader) event(e *Event) error {
	p, tok, err := t.token(maxEventLine)
	if err == io.EOF && !t.closed {
		err = ErrTruncated
	}
	switch {
	case err != nil:
	case t.closed:
		err = malformed("%q behind the end line", tok)
	case string(tok) == "end":
		if err = t.end(&p); err == nil {
			t.closed = true
			return t.event(e)
		}
	default:
		first := p.at
		if err = p.event(e, tok, t.seq.next); err == nil {
			if err = t.seq.add(e); err == nil {
				return nil
			}
			p.at = first
		}
	}
	if err == io.EOF {
		return err
	}
	return t.lines.place(p.at, err)
}

// end checks the end line behind its first word.
func (t *TextReader) end(p *lineParser) error {
	tok := p.next()
	n, ok := uint64(0), len(tok) > len("events=") && string(tok[:len("events=")]) == "events="
	if ok {
		n, ok = parseDecimal(tok[len("events="):])
	}
	if !ok {
		return malformed("%q is not events=N", tok)
	}
	if err := t.seq.end(n); err != nil {
		return err
	}
	return p.finish()
}

func (t *TextReader) magic(p *lineParser, tok []byte) error {
	if string(tok) != textMagic {
		return ErrNotTrace
	}
	switch v := p.next(); string(v) {
	case textVersion:
		return p.finish()
	case "0":
		return fmt.Errorf("text form 0 is of a development version of iotrace; the iotrace that wrote it reads it: %w", ErrVersion)
	default:
		return fmt.Errorf("text form %q, not %s: %w", v, textVersion, ErrVersion)
	}
}

func (t *TextReader) headerLine(p *lineParser, tok []byte) (err error) {
	if string(tok) != "header" {
		return malformed("%q is not the header line", tok)
	}
	t.header, err = parseHeaderJSON(p.line[p.pos:])
	return err
}

// token returns the next line that is not empty or a comment, with its first
// token taken. The line is valid until the next call.
func (t *TextReader) token(limit int) (p lineParser, tok []byte, err error) {
	for {
		line, err := t.lines.read(limit)
		if err != nil {
			return lineParser{}, nil, err
		}
		p = lineParser{line: line}
		if tok = p.next(); len(tok) > 0 {
			return p, tok, nil
		}
	}
}
