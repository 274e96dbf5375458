package format

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// A JSONReader reads a trace in JSON Lines from front to back, one line at a
// time. What a JSONWriter wrote reads back as the same events.
type JSONReader struct {
	lines  lineReader
	scan   jsonScanner
	seq    sequence
	header Header
	closed bool
	err    error
}

// NewJSONReader reads up to and with the line of the header.
func NewJSONReader(r io.Reader) (*JSONReader, error) {
	j := &JSONReader{lines: lineReader{r: bufio.NewReaderSize(r, 64<<10)}}
	err := j.nextLine(maxHeaderLine + 64)
	if err == nil {
		err = j.headerLine()
	}
	if err == io.EOF {
		err = ErrTruncated
	}
	if err != nil {
		return nil, j.lines.place(j.scan.at, err)
	}
	return j, nil
}

// Header returns what the trace says about itself.
func (j *JSONReader) Header() Header { return j.header }

// Closed says whether the last line, with the number of events, has been read.
func (j *JSONReader) Closed() bool { return j.closed }

// Bytes returns how many bytes of the text have been consumed.
func (j *JSONReader) Bytes() int64 { return j.lines.offset }

// Line returns the number, from 1, of the line that was read last: behind an
// event, the event's.
func (j *JSONReader) Line() int { return j.lines.line }

// Events iterates over the events that have not been delivered yet. The last
// pair may be an error instead of an event; it is delivered again to every
// later loop.
func (j *JSONReader) Events() iter.Seq2[Event, error] {
	return eachEvent(j.event, &j.err)
}

// nextLine goes to the next line that is not empty. A last line without an end
// is as good as any if it is a whole object.
func (j *JSONReader) nextLine(limit int) error {
	for {
		line, err := j.lines.read(limit)
		if err != nil && !errors.Is(err, ErrTruncated) {
			j.scan.at = 0
			return err
		}
		j.scan.line, j.scan.pos, j.scan.cut = line, 0, err != nil
		if j.scan.peek(); j.scan.pos < len(line) {
			return nil
		}
	}
}

// event reads the next event. io.EOF means a good end.
func (j *JSONReader) event(e *Event) error {
	err := j.nextLine(maxEventLine)
	switch {
	case err == io.EOF && j.closed:
		return err
	case err == io.EOF:
		err = ErrTruncated
	case err != nil:
	case j.closed:
		err = malformed("a line behind the end")
	case j.scan.isEnd():
		if err = j.end(); err == nil {
			j.closed = true
			return j.event(e)
		}
	default:
		if err = j.scan.event(e); err == nil {
			j.scan.at = 0
			if err = j.seq.add(e); err == nil {
				return nil
			}
		} else if j.scan.cut {
			err = ErrTruncated
		}
	}
	return j.lines.place(j.scan.at, err)
}

// isEnd says whether the line is the last one.
func (s *jsonScanner) isEnd() bool {
	if i := s.pos + 2; i < len(s.line) && s.line[i-1] == '"' && s.line[i] != 'e' {
		return false // the common case
	}
	ahead := *s
	key, err := ahead.open()
	return err == nil && string(key) == "end"
}

// open takes an object's brace and its first key.
func (s *jsonScanner) open() ([]byte, error) {
	if err := s.expect('{'); err != nil {
		return nil, err
	}
	key, _, err := s.member(true)
	return key, err
}

// end reads the last line, {"end":{"events":N}}.
func (j *JSONReader) end() error {
	n, err := j.scan.end()
	switch {
	case err == nil:
		j.scan.at = 0
		return j.seq.end(n)
	case j.scan.cut:
		return ErrTruncated
	}
	return err
}

func (s *jsonScanner) end() (n uint64, err error) {
	if _, err = s.open(); err != nil {
		return 0, err
	}
	key, err := s.open()
	if err != nil {
		return 0, err
	}
	if string(key) != "events" {
		return 0, malformed("%q is not events", key)
	}
	if n, err = s.unsigned(); err != nil {
		return 0, err
	}
	for range 2 {
		if err := s.expect('}'); err != nil {
			return 0, err
		}
	}
	return n, s.finish()
}

// headerLine reads the first line, {"iotrace":1,"header":{...}}.
func (j *JSONReader) headerLine() error {
	err := j.scan.header(&j.header)
	if err != nil && j.scan.cut {
		return ErrTruncated
	}
	return err
}

func (s *jsonScanner) header(h *Header) error {
	if s.expect('{') != nil {
		return ErrNotTrace
	}
	version, given := uint64(0), false
	for first := true; ; first = false {
		key, more, err := s.member(first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		switch string(key) {
		case "iotrace":
			if version, err = s.unsigned(); err == nil && version != jsonVersion {
				err = fmt.Errorf("JSON form %d, not %d: %w", version, jsonVersion, ErrVersion)
			}
		case "header":
			given = true
			*h, err = s.headerValue()
		case "comment":
			_, err = s.string()
		default:
			err = ErrNotTrace
			if version != 0 {
				err = malformed("the first line has no %q", key)
			}
		}
		if err != nil {
			return err
		}
	}
	if version == 0 || !given {
		s.at = 0
		return ErrNotTrace
	}
	return s.finish()
}

// headerValue reads the header's object.
func (s *jsonScanner) headerValue() (h Header, err error) {
	s.peek()
	dec := json.NewDecoder(bytes.NewReader(s.line[s.pos:]))
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return h, malformed("header: %v", err)
	}
	if len(raw) > maxHeaderJSON {
		return h, fmt.Errorf("header: %w", ErrTooLarge)
	}
	s.pos += int(dec.InputOffset())
	return parseHeaderJSON(raw)
}
