package store

import (
	"errors"
	"io"

	"github.com/iotrace-xen/iotrace/format"
)

// A part is one trace of a capture: a file, or a stream.
type part struct {
	number int
	file   *File // nil for a stream
	out    io.Writer
	w      *format.Writer

	size    int64
	block   int64  // size of the largest one
	waiting uint64 // events that may not be in a block yet
	wrote   bool   // a block since the last tick

	begun bool
	first mark // its first event
	due   mark // since when its end has been waiting
	waits bool
}

// A mark is a place in the capture.
type mark struct{ seq, time uint64 }

// newPart opens the trace with this number.
func (w *Writer) newPart(number int) (*part, error) {
	p := &part{number: number, out: w.stream}
	if w.stream == nil {
		name := w.name
		if w.opts.Ring.On() {
			name = PartName(name, number)
		}
		f, err := Create(name, w.opts.FileOptions)
		if err != nil {
			return nil, err
		}
		p.file, p.out = f, f
	}
	var err error
	if p.w, err = format.NewWriter(p, w.opts.Header(number), w.opts.Writer); err != nil && p.file != nil {
		err = errors.Join(err, p.file.Discard())
	}
	return p, err
}

// Write takes a block from the format's writer.
func (p *part) Write(block []byte) (int, error) {
	n, err := p.out.Write(block)
	p.size += int64(n)
	p.block, p.waiting, p.wrote = max(p.block, int64(len(block))), 0, true
	return n, err
}

// put adds an event, which has its number.
func (p *part) put(e format.Event) error {
	err := p.w.Put(e)
	p.waiting++
	return err
}

// putAll adds events, which have their numbers, and returns how many could be added.
func (p *part) putAll(events []format.Event) (n int, err error) {
	n, err = p.w.PutAll(events)
	p.waiting += uint64(n)
	return n, err
}

// finish closes the trace and gives the file its name.
func (p *part) finish() error {
	if err := p.w.Close(); err != nil {
		return errors.Join(err, p.abandon())
	}
	if p.file == nil {
		return nil
	}
	return p.file.Finish()
}

func (p *part) abandon() error {
	if p.file == nil {
		return nil
	}
	return p.file.Abandon()
}
