package format

import (
	"bufio"
	"io"
	"iter"
)

// A Trace is a trace in either form.
type Trace struct {
	bin  *Reader
	text *TextReader
}

// Open reads the header of the trace in r, whichever form it has. What is
// neither form is ErrNotTrace; a start too short to tell, ErrTruncated. As with
// NewReader, there is a Trace besides the error if Resume may find blocks.
func Open(r io.Reader) (*Trace, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	first, err := b.Peek(1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(first) == 1 && looksLikeText(first[0]) {
		text, err := NewTextReader(b)
		if err != nil {
			return nil, err
		}
		return &Trace{text: text}, nil
	}
	bin, err := NewReader(b)
	if bin == nil {
		return nil, err
	}
	return &Trace{bin: bin}, err
}

// looksLikeText says whether a text trace may begin with c: with its magic, a
// comment or an empty line.
func looksLikeText(c byte) bool {
	return c == textMagic[0] || c == '#' || c == '\n' || blankChar(c)
}

// Text says whether the trace has the text form.
func (t *Trace) Text() bool { return t.text != nil }

// Header returns what the trace says about itself.
func (t *Trace) Header() Header {
	if t.text != nil {
		return t.text.Header()
	}
	return t.bin.Header()
}

// Events iterates over the events that have not been delivered yet. The last
// pair may be an error instead of an event.
func (t *Trace) Events() iter.Seq2[Event, error] {
	if t.text != nil {
		return t.text.Events()
	}
	return t.bin.Events()
}

// Resume goes on after damage, as Reader.Resume does. A text is read by people,
// who can mend it: there it returns the error that ended the reading.
func (t *Trace) Resume() error {
	if t.text == nil {
		return t.bin.Resume()
	}
	if t.text.err == io.EOF {
		return nil
	}
	return t.text.err
}

// Closed says whether the trace was closed cleanly: false until the end has
// been read, and for ever if it is missing.
func (t *Trace) Closed() bool {
	if t.text != nil {
		return t.text.Closed()
	}
	return t.bin.Closed()
}

// Bytes returns how many bytes have been consumed; behind the end, all.
func (t *Trace) Bytes() int64 {
	if t.text != nil {
		return t.text.Bytes()
	}
	return t.bin.Bytes()
}
