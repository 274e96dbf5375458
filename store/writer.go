package store

import (
	"errors"
	"io"
	"slices"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// Options are the choices of a Writer. The zero value writes one file without
// key-frames.
type Options struct {
	FileOptions
	Ring   Ring
	Resume bool                         // a ring goes on behind the files of an earlier one, which count as its own
	Header func(part int) format.Header // of each file, counted from 1; must be set
	Writer format.WriterOptions
	Mirror Mirror // nil for no key-frames
}

// A Mirror follows what is written and makes its key-frames: replay.Mirror is
// one.
type Mirror interface {
	Step(e format.Event)                 // e has been written, with this number
	Plain(next []format.Event) int       // of so many no key-frame can be due in front; they need not be asked about
	StepAll(events []format.Event)       // plain ones have been written
	Due(next format.Event) bool          // a key-frame is due in front of next; asked once an event
	Calm() bool                          // no call or request is open: a good moment to begin a file
	KeyFrame(time uint64) []format.Event // what the events so far have established; it is written
}

// A Writer writes a capture.
type Writer struct {
	opts   Options
	name   string
	stream io.Writer // instead of files
	number int       // of the first part
	part   *part
	seq    uint64 // of the next event
	last   uint64 // time of the last event
	why    error  // no more is taken because of this
	refuse uint64 // events refused since
	before uint64 // bytes of the parts before this one

	ticked time.Time // last Tick
	since  time.Time // nothing has waited for its block longer than this

	whole  []string   // finished files that are still there, oldest first
	ending chan error // of the file that is being finished, nil if none
	failed error      // of files finished before
}

// Open begins a capture in a file of this name, or in a ring of files whose
// names are made from it: session.0001.iot for session.iot. With
// FileOptions.Replace the files of an earlier ring of that name are removed,
// with Resume they are kept as long as the ring has room for them.
func Open(name string, o Options) (*Writer, error) {
	if err := CheckRing(name, o); err != nil {
		return nil, err
	}
	w := newWriter(name, nil, o)
	switch {
	case o.Ring.On() && o.Resume:
		if err := w.resume(); err != nil {
			return nil, err
		}
	case o.Ring.On():
		if err := removeParts(name); err != nil {
			return nil, err
		}
	}
	return w.begin()
}

// Stream begins a capture that goes to s, each block in one Write. Options.Ring is
// for files and has no effect.
func Stream(s io.Writer, o Options) (*Writer, error) { return newWriter("", s, o).begin() }

func newWriter(name string, stream io.Writer, o Options) *Writer {
	return &Writer{opts: o, name: name, stream: stream, number: 1}
}

func (w *Writer) begin() (*Writer, error) {
	p, err := w.makePart(w.number)
	if err != nil {
		return nil, err
	}
	w.part = p
	return w, nil
}

// Write adds an event with the next sequence number. An error is the last: the
// Writer takes no more, counts what it refuses and returns the error again.
// Close then closes what is there, if that can be done.
func (w *Writer) Write(e format.Event) error {
	if w.why == nil {
		w.why = w.write(e)
	}
	if w.why != nil {
		w.refuse++
		return w.why
	}
	w.why = w.room()
	return nil
}

// WriteAll adds events, which it numbers, as Write does one by one.
func (w *Writer) WriteAll(events []format.Event) error {
	for len(events) > 0 && w.why == nil {
		var n int
		if n, w.why = w.writeSome(events); w.why == nil {
			w.why = w.room()
		}
		events = events[n:]
	}
	if len(events) == 0 {
		return nil
	}
	w.refuse += uint64(len(events))
	return w.why
}

// writeSome writes the first of the events, up to where a file or a segment may have to
// begin, and returns how many these are.
func (w *Writer) writeSome(events []format.Event) (n int, err error) {
	plain := events[:w.plain(events)]
	if len(plain) == 0 {
		if err := w.write(events[0]); err != nil {
			return 0, err
		}
		return 1, nil
	}
	for i := range plain {
		plain[i].Seq = w.seq + uint64(i)
	}
	n, err = w.part.putAll(plain)
	if w.opts.Mirror != nil {
		w.opts.Mirror.StepAll(plain[:n])
	}
	if n > 0 {
		w.seq, w.last = w.seq+uint64(n), plain[n-1].Time
	}
	return n, err
}

// plain returns how many of the events can be written without a cut.
func (w *Writer) plain(events []format.Event) int {
	if first := (mark{w.seq, events[0].Time}); !w.part.begun || w.fileDue(first) {
		return 0
	}
	if w.opts.Mirror == nil {
		return len(events)
	}
	return w.opts.Mirror.Plain(events)
}

func (w *Writer) write(e format.Event) error {
	e.Seq = w.seq
	if err := w.cut(e); err != nil {
		return err
	}
	if err := w.part.put(e); err != nil {
		return err
	}
	if w.opts.Mirror != nil {
		w.opts.Mirror.Step(e)
	}
	w.seq++
	w.last = e.Time
	return nil
}

// Events returns how many events have been written, Refused how many have not
// since Write returned an error.
func (w *Writer) Events() uint64  { return w.seq }
func (w *Writer) Refused() uint64 { return w.refuse }

// Bytes returns how many bytes of trace have been written, Parts how many traces
// have been begun, those included that a ring has dropped since.
func (w *Writer) Bytes() uint64 { return w.before + uint64(w.part.size) }
func (w *Writer) Parts() int    { return w.part.number - w.number + 1 }

// Flush ends the block at hand.
func (w *Writer) Flush() error {
	if w.why != nil {
		return w.why
	}
	if w.why = w.part.w.Flush(); w.why == nil {
		w.why = w.room()
	}
	return w.why
}

// flushAfter and a tick's period make 0.8 seconds.
const flushAfter = 750 * time.Millisecond

// Tick flushes events that no later event has pushed out. It is to be called
// every fifth of a second: then none waits longer than 0.8 seconds.
func (w *Writer) Tick(now time.Time) error {
	p := w.part
	switch {
	case p.waiting == 0:
		w.since = now
	case p.wrote:
		w.since = w.ticked
	}
	p.wrote = false
	w.ticked = now
	if now.Sub(w.since) < flushAfter {
		return nil
	}
	w.since = now
	return w.Flush()
}

// Close ends the capture cleanly: what was refused stands at the end as a Lost
// event, the trace is closed and takes its name. If that fails, Left tells what
// the file is called.
func (w *Writer) Close() error {
	if w.refuse > 0 {
		w.part.put(w.loss()) // if it fails so does what follows
	}
	return errors.Join(w.part.finish(), w.settle(), w.failed)
}

// Abandon ends a capture that went wrong: the file is not closed and keeps its
// incomplete name.
func (w *Writer) Abandon() error {
	err := w.part.w.Flush()
	return errors.Join(err, w.part.abandon(), w.settle(), w.failed)
}

func (w *Writer) loss() format.Event {
	e := format.Lost{
		Dom: xen.DomInvalid, Server: xen.NoServer, Probe: format.ProbeWriter, Reason: format.ReasonNoSpace, CPU: -1, Count: w.refuse,
	}.Event(w.last)
	e.Seq = w.seq
	return e
}

// Left returns the name of the file that was not closed cleanly, "" if there is
// none, or while the capture goes on the name of the file being written.
func (w *Writer) Left() string {
	if w.part.file == nil || w.part.file.done {
		return ""
	}
	return w.part.file.Incomplete()
}

// Names returns the files that were finished and are still there, those of a
// ring that this one resumes included.
func (w *Writer) Names() []string {
	if f := w.part.file; f != nil && f.done {
		return append(slices.Clone(w.whole), f.name)
	}
	return slices.Clone(w.whole)
}
