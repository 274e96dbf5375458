package format

import (
	"encoding/json"
	"fmt"
	"io"
)

// A TextWriter writes a text trace, each event with the comment that
// AppendComment has for it. After an error every call returns that error.
type TextWriter struct {
	out   lineWriter
	lines TextLines
	count uint64
}

// NewTextWriter begins with the header line.
func NewTextWriter(w io.Writer, h Header) (*TextWriter, error) {
	js, err := headerJSON(h)
	if err != nil {
		return nil, err
	}
	t := &TextWriter{out: newLineWriter(w)}
	t.out.buf = fmt.Appendf(t.out.buf, "%s %s\nheader %s\n", textMagic, textVersion, js)
	return t, nil
}

// headerJSON returns h on one line, no longer than readers take it.
func headerJSON(h Header) ([]byte, error) {
	js, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if len(js) > maxHeaderJSON {
		return nil, fmt.Errorf("header: %d bytes: %w", len(js), ErrTooLarge)
	}
	return js, nil
}

// Write writes e with the sequence number it has, so that a selection of events
// still shows where they stood. The numbers must rise, or readers refuse them.
func (t *TextWriter) Write(e Event) error { return t.write(&e) }

// WriteAll writes events as Write does, without copying them.
func (t *TextWriter) WriteAll(events []Event) error {
	for i := range events {
		if err := t.write(&events[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *TextWriter) write(e *Event) error {
	if err := t.out.ready(e.Kind); err != nil {
		return err
	}
	t.count++
	t.out.buf = t.lines.append(t.out.buf, e)
	return t.out.full()
}

// WriteLines writes what TextLines made of so many events.
func (t *TextWriter) WriteLines(lines []byte, events int) error {
	t.count += uint64(events)
	return t.out.pass(lines)
}

// Flush passes all that was written to the underlying writer.
func (t *TextWriter) Flush() error { return t.out.flush() }

// Close writes the end line and flushes. It does not close the underlying
// writer. A text without an end line reads as cut short, so a trace that was
// itself cut is ended with Flush. Later calls return ErrClosed.
func (t *TextWriter) Close() error {
	return t.out.close("end events=", t.count, "\n")
}

// TextLines makes the lines that a TextWriter writes, for those who make them in
// several places at the same time, each with its own. The zero value is ready.
type TextLines struct{ memo memo }

// Append appends the lines of events, each with its end.
func (l *TextLines) Append(b []byte, events []Event) []byte {
	for i := range events {
		b = l.append(b, &events[i])
	}
	return b
}

func (l *TextLines) append(b []byte, e *Event) []byte {
	b = append(appendText(b, e, &l.memo), "  "...)
	bare := len(b)
	if b = appendComment(b, e); len(b) == bare {
		b = b[:bare-2]
	}
	return append(b, '\n')
}

// A lineWriter collects lines and passes them on many at a time. After an error
// every call returns that error.
type lineWriter struct {
	w   io.Writer
	buf []byte
	err error
}

// lineBatch is how many bytes are passed on at a time, at least.
const lineBatch = 64 << 10

func newLineWriter(w io.Writer) lineWriter {
	return lineWriter{w: w, buf: make([]byte, 0, lineBatch+maxEventLine)}
}

// ready says whether an event of kind k can be written.
func (l *lineWriter) ready(k Kind) error {
	if l.err == nil && k == KindInvalid {
		return ErrInvalidKind
	}
	return l.err
}

// full passes the lines on if there are many.
func (l *lineWriter) full() error {
	if len(l.buf) < lineBatch {
		return nil
	}
	return l.flush()
}

func (l *lineWriter) flush() error {
	if l.err == nil && len(l.buf) > 0 {
		_, l.err = l.w.Write(l.buf)
		l.buf = l.buf[:0]
	}
	return l.err
}

// pass takes lines that were made elsewhere; many are not copied.
func (l *lineWriter) pass(lines []byte) error {
	if len(lines) < lineBatch && l.err == nil {
		l.buf = append(l.buf, lines...)
		return l.full()
	}
	if err := l.flush(); err != nil {
		return err
	}
	_, l.err = l.w.Write(lines)
	return l.err
}

// close writes the last line, with the number of events in it.
func (l *lineWriter) close(before string, count uint64, behind string) error {
	if l.err != nil {
		return l.err
	}
	l.buf = fmt.Appendf(l.buf, "%s%d%s", before, count, behind)
	if err := l.flush(); err != nil {
		return err
	}
	l.err = ErrClosed
	return nil
}
