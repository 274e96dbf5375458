package format

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// A TextWriter writes a text trace, each event with the comment that
// AppendComment has for it. After an error every call returns that error.
type TextWriter struct {
	w     *bufio.Writer
	line  []byte
	count uint64
	err   error
}

// NewTextWriter begins with the header line.
func NewTextWriter(w io.Writer, h Header) (*TextWriter, error) {
	js, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if len(js) > maxHeaderJSON {
		return nil, fmt.Errorf("header: %d bytes: %w", len(js), ErrTooLarge)
	}
	t := &TextWriter{w: bufio.NewWriterSize(w, 64<<10)}
	if _, err := fmt.Fprintf(t.w, "%s %s\nheader %s\n", textMagic, textVersion, js); err != nil {
		return nil, err
	}
	return t, nil
}

// Write writes e with the sequence number it has, so that a selection of events
// still shows where they stood. The numbers must rise, or readers refuse them.
func (t *TextWriter) Write(e Event) error {
	switch {
	case t.err != nil:
		return t.err
	case e.Kind == KindInvalid:
		return ErrInvalidKind
	}
	t.line = append(AppendText(t.line[:0], e), "  "...)
	bare := len(t.line)
	if t.line = AppendComment(t.line, e); len(t.line) == bare {
		t.line = t.line[:bare-2]
	}
	t.count++
	t.line = append(t.line, '\n')
	_, t.err = t.w.Write(t.line)
	return t.err
}

// Flush passes all that was written to the underlying writer.
func (t *TextWriter) Flush() error {
	if t.err == nil {
		t.err = t.w.Flush()
	}
	return t.err
}

// Close writes the end line and flushes. It does not close the underlying
// writer. A text without an end line reads as cut short, so a trace that was
// itself cut is ended with Flush. Later calls return ErrClosed.
func (t *TextWriter) Close() error {
	if t.err != nil {
		return t.err
	}
	fmt.Fprintf(t.w, "end events=%d\n", t.count)
	if err := t.Flush(); err != nil {
		return err
	}
	t.err = ErrClosed
	return nil
}
