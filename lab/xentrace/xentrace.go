// Package xentrace reads the files that Xen's program xentrace writes, as far as the
// lab compares Xen's own trace with the model: the p2m entries that Xen set between
// marks which a program in dom0 has put into the trace (dm.Conn.Mark). It also makes
// files of a part of their records, or longer, for programs that read them.
//
// A file that is cut or is none is an error, never a panic. Records that Xen had no
// room for are known by the record that it writes in their place; a window in which
// there are any is not whole.
package xentrace

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// Record is a record of a trace buffer. Of its words those that it has not are zero.
type Record struct {
	Event uint32
	Words [maxWords]uint32

	raw, time []byte // parts of the file: all of it, and its time if it has one
}

const maxWords = 7

// Classes and events of public/trace.h.
const (
	classMem    = 0x0010f000
	classGuest  = 0x0800f000
	eventLost   = 0x0001f001 // records are missing here
	eventCPU    = 0x0001f003 // xentrace's own: what follows is of another CPU
	eventSetP2M = classMem | 4
	eventMark   = classGuest | MarkEvent
)

// A record's header, and the sizes of what is behind it.
const (
	headerEvent = 1<<28 - 1
	headerWords = 28      // where the number of words begins
	headerTime  = 1 << 31 // a time comes before them
	wordSize    = 4
	timeSize    = 8
)

// MarkEvent is the number that marks have among a guest's own events.
const MarkEvent = 0x107

// Mask is what xentrace -e takes for the events that Windows reads.
const Mask = classGuest | classMem

// Records yields the records of a file in their order. An error is the last pair.
func Records(file []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for at := 0; at < len(file); {
			r, n, err := decode(file[at:])
			if err != nil {
				yield(r, fmt.Errorf("xentrace: offset %d: %w", at, err))
				return
			}
			if !yield(r, nil) {
				return
			}
			at += n
		}
	}
}

// decode reads the record at the start of b and says how long it is.
func decode(b []byte) (r Record, size int, err error) {
	if len(b) < wordSize {
		return r, 0, fmt.Errorf("want a header of %d bytes, got %d", wordSize, len(b))
	}
	header := binary.LittleEndian.Uint32(b)
	words := int(header >> headerWords & maxWords)
	at := wordSize
	if header&headerTime != 0 {
		at += timeSize
	}
	if size = at + words*wordSize; len(b) < size {
		return r, 0, fmt.Errorf("want a record of %d bytes, got %d", size, len(b))
	}
	r.Event, r.raw = header&headerEvent, b[:size:size]
	if header&headerTime != 0 {
		r.time = b[wordSize:][:timeSize]
	}
	for i := range words {
		r.Words[i] = binary.LittleEndian.Uint32(b[at+i*wordSize:])
	}
	return r, size, nil
}
