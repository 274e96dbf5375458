package main

import (
	"bufio"
	"io"

	"github.com/iotrace-xen/iotrace/format"
)

// A sink takes a trace's events in one of the forms that cat prints, or lines that an
// appender made of them. Close ends the trace, Flush leaves it open.
type sink interface {
	WriteAll([]format.Event) error
	WriteLines(lines []byte, events int) error
	Flush() error
	Close() error
}

func newSink(w io.Writer, h format.Header, f outFormat) (sink, error) {
	switch f {
	case formatText:
		return format.NewTextWriter(w, h)
	case formatJSONL:
		return format.NewJSONWriter(w, h)
	}
	return &arraySink{buf: bufio.NewWriterSize(w, 1<<16)}, nil
}

// An appender appends the lines of events for a sink, in one goroutine at a time.
type appender func(b []byte, events []format.Event) []byte

func newAppender(f outFormat) appender {
	switch f {
	case formatText:
		return new(format.TextLines).Append
	case formatJSONL:
		return format.AppendJSONLines
	}
	return appendElements
}

// appendElements appends elements of an array, each behind a comma.
func appendElements(b []byte, events []format.Event) []byte {
	for _, e := range events {
		b = format.AppendJSON(append(b, ",\n"...), e)
	}
	return b
}

// An arraySink writes an array with an object a line. Write errors stick to the
// buffer and come out of Flush.
type arraySink struct {
	buf   *bufio.Writer
	begun bool
	lines []byte
}

func (a *arraySink) WriteAll(events []format.Event) error {
	a.lines = appendElements(a.lines[:0], events)
	return a.WriteLines(a.lines, len(events))
}

func (a *arraySink) WriteLines(lines []byte, events int) error {
	if !a.begun && events > 0 {
		a.begun = true
		a.buf.WriteString("[")
		lines = lines[1:] // without the comma
	}
	_, err := a.buf.Write(lines)
	return err
}

// Flush closes the array too: half an array is no JSON.
func (a *arraySink) Flush() error {
	if !a.begun {
		a.buf.WriteString("[")
	}
	a.buf.WriteString("\n]\n")
	return a.buf.Flush()
}

func (a *arraySink) Close() error { return a.Flush() }
