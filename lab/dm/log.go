package dm

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/iotrace-xen/iotrace/xen"
)

// LineKind says what a Line of the log is about.
type LineKind string

// The kinds of lines, and which of Line's members each one has.
const (
	LineStep  LineKind = "step"  // Step: what the device model does next
	LineCall  LineKind = "call"  // Call: a hypercall or ioctl, with its result
	LineSync  LineKind = "sync"  // Sync: a request served through a slot
	LineBuf   LineKind = "buf"   // Buf: an entry taken from a ring
	LineTotal LineKind = "total" // Total: the last line of a process that has ended as it should
)

// Line is one line of the log, in the order in which things happened.
type Line struct {
	Kind  LineKind   `json:"kind"`
	Step  string     `json:"step,omitempty"`
	Call  *CallLine  `json:"call,omitempty"`
	Sync  *SyncLine  `json:"sync,omitempty"`
	Buf   *BufLine   `json:"buf,omitempty"`
	Total *TotalLine `json:"total,omitempty"`
}

// CallLine is a call made. For a dm_op, In and Out are the union's words before
// and after; Args names the same fields for people.
type CallLine struct {
	Name  string    `json:"name"` // of the dm_op, or of the ioctl
	Args  any       `json:"args,omitempty"`
	In    [3]uint64 `json:"in"`
	Out   [3]uint64 `json:"out"`
	Errno xen.Errno `json:"errno"`
}

// SyncLine is a request as the slot held it, and the data of the answer.
type SyncLine struct {
	Server    xen.ServerID  `json:"server"`
	VCPU      xen.VCPU      `json:"vcpu"`
	Type      xen.IOReqType `json:"type"`
	Addr      uint64        `json:"addr"`
	Data      uint64        `json:"data"`
	Size      uint32        `json:"size"`
	Count     uint32        `json:"count"`
	Dir       xen.Dir       `json:"dir"`
	DF        bool          `json:"df,omitempty"`
	DataIsPtr bool          `json:"data_is_ptr,omitempty"`
	Answer    uint64        `json:"answer"`
}

// BufLine is a buffered request. One of 8 bytes took two slots of the ring, of
// which Slot is the first. Two lines in a row with the same slot are one request
// that was taken twice: see package crosscheck.
type BufLine struct {
	Server xen.ServerID  `json:"server"`
	Slot   uint32        `json:"slot"`
	Type   xen.IOReqType `json:"type"`
	Addr   uint32        `json:"addr"`
	Data   uint64        `json:"data"`
	Size   uint32        `json:"size"`
	Dir    xen.Dir       `json:"dir"`
}

// TotalLine counts what the log holds.
type TotalLine struct {
	Calls    int `json:"calls"`
	Refused  int `json:"refused"` // calls with an errno
	Sync     int `json:"sync"`
	Buf      int `json:"buf"`
	BufSlots int `json:"buf_slots"`
	Spurious int `json:"spurious"` // events without a request, one a bind
}

// Log writes Lines as JSON, one a line. The first error stops it and stays. A nil
// Log takes everything and keeps nothing.
type Log struct {
	w     *bufio.Writer
	enc   *json.Encoder
	err   error
	total TotalLine
}

// NewLog returns a Log that writes to w. Close it to have everything written.
func NewLog(w io.Writer) *Log {
	bw := bufio.NewWriterSize(w, 1<<16)
	return &Log{w: bw, enc: json.NewEncoder(bw)}
}

// Total returns the counts so far.
func (l *Log) Total() TotalLine { return l.total }

// Close writes the totals and returns the first error of any write.
func (l *Log) Close() error {
	t := l.total
	l.line(Line{Kind: LineTotal, Total: &t})
	return l.Flush()
}

// Flush has everything so far written, so that another process may go on with the
// file.
func (l *Log) Flush() error {
	if l.err == nil {
		l.err = l.w.Flush()
	}
	return l.err
}

// Step notes what the device model is about to do.
func (l *Log) Step(name string) { l.line(Line{Kind: LineStep, Step: name}) }

func (l *Log) call(c CallLine) {
	if l == nil {
		return
	}
	l.total.Calls++
	if c.Errno != xen.OK {
		l.total.Refused++
	}
	l.line(Line{Kind: LineCall, Call: &c})
}

func (l *Log) sync(s SyncLine) {
	if l == nil {
		return
	}
	l.total.Sync++
	l.line(Line{Kind: LineSync, Sync: &s})
}

func (l *Log) buf(b BufLine) {
	if l == nil {
		return
	}
	l.total.Buf++
	l.total.BufSlots += int(1 + b.Size/8)
	l.line(Line{Kind: LineBuf, Buf: &b})
}

func (l *Log) spurious() {
	if l != nil {
		l.total.Spurious++
	}
}

func (l *Log) line(x Line) {
	if l != nil && l.err == nil {
		l.err = l.enc.Encode(x)
	}
}

// ReadLog returns the lines of a log. An error is the last pair.
func ReadLog(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		d := json.NewDecoder(r)
		for n := 1; ; n++ {
			var x Line
			err := d.Decode(&x)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Line{}, fmt.Errorf("device model's log: line %d: %w", n, err))
				return
			}
			if !yield(x, nil) {
				return
			}
		}
	}
}
