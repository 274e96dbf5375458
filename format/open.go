package format

import (
	"bufio"
	"errors"
	"io"
	"iter"
)

// A Trace is a trace in any of the three forms.
type Trace struct {
	anyReader
	form Form
}

// An anyReader is what the readers of all forms have in common.
type anyReader interface {
	Header() Header
	Events() iter.Seq2[Event, error]
	Closed() bool
	Bytes() int64
}

// Form is one of the forms that a trace can have.
type Form uint8

// The forms.
const (
	FormBinary Form = iota
	FormText
	FormJSON
)

// Open reads the header of the trace in r, whichever form it has. What has none
// is ErrNotTrace; a start too short to tell, ErrTruncated. As with NewReader, there
// is a Trace besides the error if Resume may find blocks.
func Open(r io.Reader) (*Trace, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	first, err := b.Peek(1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	t := &Trace{}
	switch {
	case len(first) == 1 && first[0] == '{':
		t.form = FormJSON
		t.anyReader, err = NewJSONReader(b)
	case len(first) == 1 && looksLikeText(first[0]):
		t.form = FormText
		t.anyReader, err = NewTextReader(b)
	default:
		bin, err := NewReader(b)
		if bin == nil {
			return nil, err
		}
		t.anyReader = bin
		return t, err
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// looksLikeText says whether a text trace may begin with c: with its magic, a
// comment or an empty line.
func looksLikeText(c byte) bool {
	return c == textMagic[0] || c == '#' || c == '\n' || blankChar(c)
}

// Form returns the form that the trace has.
func (t *Trace) Form() Form { return t.form }

// Header returns what the trace says about itself.
func (t *Trace) Header() Header { return t.anyReader.Header() }

// Events iterates over the events that have not been delivered yet. The last
// pair may be an error instead of an event.
func (t *Trace) Events() iter.Seq2[Event, error] { return t.anyReader.Events() }

// Batches is Events in slices, of which a binary trace has many in each and copies
// none. A slice is valid until the next step; it may be
// changed.
func (t *Trace) Batches() iter.Seq2[[]Event, error] {
	if bin, ok := t.anyReader.(*Reader); ok {
		return bin.Batches()
	}
	return func(yield func([]Event, error) bool) {
		var one [1]Event
		for e, err := range t.Events() {
			if err != nil {
				yield(nil, err)
				return
			}
			if one[0] = e; !yield(one[:], nil) {
				return
			}
		}
	}
}

// errResume says why a text stops at its first mistake.
var errResume = errors.New("only the binary form goes on behind damage: a text can be mended by hand")

// Resume goes on after damage, as Reader.Resume does; in the other forms it
// returns an error.
func (t *Trace) Resume() error {
	if bin, ok := t.anyReader.(*Reader); ok {
		return bin.Resume()
	}
	return errResume
}

// Closed says whether the trace was closed cleanly: false until the end has
// been read, and for ever if it is missing.
func (t *Trace) Closed() bool { return t.anyReader.Closed() }

// Bytes returns how many bytes have been consumed; behind the end, all.
func (t *Trace) Bytes() int64 { return t.anyReader.Bytes() }

// Line returns the number of the line that was read last, from 1; 0 in the
// binary form, which has no lines.
func (t *Trace) Line() int {
	if l, ok := t.anyReader.(interface{ Line() int }); ok {
		return l.Line()
	}
	return 0
}
