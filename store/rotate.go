package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/iotrace-xen/iotrace/format"
)

// How long the end of a file waits for a calm moment.
const (
	patienceTime   = uint64(time.Second)
	patienceEvents = 16 << 10
)

// cut begins a new file or a new segment in front of an event, if it is time.
func (w *Writer) cut(next format.Event) error {
	p := w.part
	here := mark{next.Seq, next.Time}
	segment := w.opts.Mirror != nil && w.opts.Mirror.Due(next)
	if !p.begun {
		p.begun, p.first = true, here
	}
	switch {
	case next.Kind == format.KindLost: // it may speak of what is in front of it
	case w.fileDue(here) && w.ripe(here):
		return w.rotate(here)
	case segment:
		return w.keyFrame(here)
	}
	return nil
}

// fileDue reports whether the file has become long or large enough. A file holds
// a second or a block at least, however large its key-frame.
func (w *Writer) fileDue(here mark) bool {
	r, p := w.opts.Ring, w.part
	if p.file == nil {
		return false // a stream stays one trace
	}
	if r.Time > 0 && p.first.before(here, uint64(r.Time), 0) {
		return true
	}
	return r.Size > 0 && uint64(p.size+p.block) > r.Size && p.first.before(here, patienceTime, patienceEvents)
}

// before reports whether m lies so much time or, unless 0, so many events
// before here.
func (m mark) before(here mark, time, events uint64) bool {
	return here.time >= m.time && here.time-m.time >= time || events > 0 && here.seq-m.seq >= events
}

// ripe reports whether a cut that is due may be made: at a calm moment, or after
// some patience anywhere.
func (w *Writer) ripe(here mark) bool {
	p := w.part
	if w.opts.Mirror == nil || w.opts.Mirror.Calm() {
		return true
	}
	if !p.waits {
		p.waits, p.due = true, here
	}
	return p.due.before(here, patienceTime, patienceEvents)
}

// keyFrame opens a segment. State has the number of the event behind it, open
// events keep theirs.
func (w *Writer) keyFrame(here mark) error {
	if w.opts.Mirror == nil {
		return nil
	}
	for _, e := range w.opts.Mirror.KeyFrame(here.time) {
		if e.Kind < format.KindOpen {
			e.Seq = here.seq
		}
		if err := w.part.put(e); err != nil {
			return err
		}
	}
	return nil
}

// rotate goes on in a new file. The old one is finished in the background, since
// the disk may take its time and the capture must not wait.
func (w *Writer) rotate(here mark) error {
	next, err := w.makePart(w.part.number + 1)
	if err != nil {
		return err
	}
	old := w.part
	w.part, next.begun, next.first = next, true, here
	if err := w.end(old); err != nil {
		return err
	}
	return w.keyFrame(here)
}

// makePart opens the next part, and makes room for it in a ring if need be.
func (w *Writer) makePart(number int) (*part, error) {
	p, err := w.newPart(number)
	for errors.Is(err, ErrFull) && w.makeRoom(err) {
		p, err = w.newPart(number)
	}
	return p, err
}

// end finishes a file, and removes those that are too many then.
func (w *Writer) end(p *part) error {
	err := w.settle()
	closeErr := p.w.Close()
	w.before += uint64(p.size)
	if closeErr != nil {
		return errors.Join(err, closeErr, p.file.Abandon())
	}
	w.whole = append(w.whole, p.file.name)
	var gone []string
	if n := w.opts.Ring.Files; n > 0 && len(w.whole) > n-1 {
		gone = w.whole[:len(w.whole)-(n-1)]
		w.whole = w.whole[len(gone):]
	}
	done := make(chan error, 1)
	w.ending = done
	go func() {
		err := p.file.Finish()
		for _, name := range gone {
			err = errors.Join(err, remove(name))
		}
		done <- err
	}()
	return err
}

// settle waits for the file that is being finished.
func (w *Writer) settle() error {
	if w.ending == nil {
		return nil
	}
	err := <-w.ending
	w.ending = nil
	return err
}

// room makes room in a ring. It returns an error where that is not enough.
func (w *Writer) room() error {
	f := w.part.file
	if f == nil || f.Full() == nil {
		return nil
	}
	for w.makeRoom(f.Full()) {
		if f.Look() == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", f.name, f.Full())
}

// makeRoom waits for the file that is being finished, which gives back what it has ahead
// and has others removed, or else removes the oldest of a ring of so many files. It is
// false where there is none, and where removing all would not be enough: all stay.
func (w *Writer) makeRoom(full error) bool {
	if w.ending != nil {
		w.failed = errors.Join(w.failed, w.settle())
		return true
	}
	if w.opts.Ring.Files == 0 || !removingHelps(full, w.name, w.opts.Reserve+roomAhead, w.whole, ownSystem) {
		return false
	}
	w.dropOldest()
	return true
}

// dropOldest removes the oldest file.
func (w *Writer) dropOldest() {
	w.failed = errors.Join(w.failed, remove(w.whole[0]))
	w.whole = w.whole[1:]
}

func remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
