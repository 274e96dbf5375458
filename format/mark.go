package format

import (
	"encoding/binary"
	"errors"
	"strings"
)

// markChars is how much of a mark's text one event holds, markParts how many
// events a mark may take.
const (
	markChars = 8 * (NumWords - 1)
	markParts = 64

	// MaxMark is the longest text of a mark, in bytes.
	MaxMark = markChars * markParts
)

// ErrMark reports a text that no mark can hold.
var ErrMark = errors.New("a mark's text has 1 to 3584 bytes and no NUL")

// Mark is a piece of a text that somebody put into the running capture. Long
// texts take several events in a row: Part of Parts, from 0.
type Mark struct {
	Part, Parts uint16
	Text        string
}

// Event packs m; what exceeds one event's room is cut off.
func (m Mark) Event(t uint64) Event {
	e := blank(KindMark, t)
	e.W[0] = uint64(m.Part) | uint64(m.Parts)<<16
	var text [markChars]byte
	copy(text[:], m.Text)
	for i := range NumWords - 1 {
		e.W[1+i] = binary.LittleEndian.Uint64(text[8*i:])
	}
	return e
}

// Mark unpacks a KindMark event.
func (e Event) Mark() Mark {
	if e.Kind != KindMark {
		return Mark{}
	}
	var text [markChars]byte
	for i := range NumWords - 1 {
		binary.LittleEndian.PutUint64(text[8*i:], e.W[1+i])
	}
	return Mark{uint16(e.W[0]), uint16(e.W[0] >> 16), strings.TrimRight(string(text[:]), "\x00")}
}

// MarkEvents returns the events of a mark with this text.
func MarkEvents(text string, t uint64) ([]Event, error) {
	if text == "" || len(text) > MaxMark || strings.Contains(text, "\x00") {
		return nil, ErrMark
	}
	parts := (len(text) + markChars - 1) / markChars
	events := make([]Event, parts)
	for i := range events {
		end := min(len(text), (i+1)*markChars)
		events[i] = Mark{uint16(i), uint16(parts), text[i*markChars : end]}.Event(t)
	}
	return events, nil
}
