package format

import (
	"fmt"
	"io"
)

// jsonVersion is the version of the JSON form, in its first line.
const jsonVersion = 1

// A JSONWriter writes a trace as JSON Lines: a line with the header, one for
// each event, as AppendJSON has it, and one that ends the trace. After an error
// every call returns that error.
type JSONWriter struct {
	out   lineWriter
	count uint64
}

// NewJSONWriter begins with the header.
func NewJSONWriter(w io.Writer, h Header) (*JSONWriter, error) {
	js, err := headerJSON(h)
	if err != nil {
		return nil, err
	}
	j := &JSONWriter{out: newLineWriter(w)}
	j.out.buf = fmt.Appendf(j.out.buf, "{\"iotrace\":%d,\"header\":%s}\n", jsonVersion, js)
	return j, nil
}

// Write writes e with the sequence number it has. The numbers must rise, or
// readers refuse them.
func (j *JSONWriter) Write(e Event) error { return j.write(&e) }

// WriteAll writes events as Write does, without copying them.
func (j *JSONWriter) WriteAll(events []Event) error {
	for i := range events {
		if err := j.write(&events[i]); err != nil {
			return err
		}
	}
	return nil
}

func (j *JSONWriter) write(e *Event) error {
	if err := j.out.ready(e.Kind); err != nil {
		return err
	}
	j.count++
	j.out.buf = append(appendJSON(j.out.buf, e), '\n')
	return j.out.full()
}

// WriteLines writes what AppendJSONLines made of so many events.
func (j *JSONWriter) WriteLines(lines []byte, events int) error {
	j.count += uint64(events)
	return j.out.pass(lines)
}

// AppendJSONLines appends the lines that a JSONWriter writes, for those who make them
// in several places at the same time.
func AppendJSONLines(b []byte, events []Event) []byte {
	for i := range events {
		b = append(appendJSON(b, &events[i]), '\n')
	}
	return b
}

// Flush passes all that was written to the underlying writer.
func (j *JSONWriter) Flush() error { return j.out.flush() }

// Close writes the last line and flushes. It does not close the underlying
// writer. Without that line the trace reads as cut short, so one that was
// itself cut is ended with Flush. Later calls return ErrClosed.
func (j *JSONWriter) Close() error {
	return j.out.close(`{"end":{"events":`, j.count, "}}\n")
}
