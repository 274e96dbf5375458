package format

import "io"

// A RepairReport says what Repair found and kept.
type RepairReport struct {
	CheckReport       // of the file that was read
	Written     int64 // bytes of the new one
}

// Repair writes a new trace to dst that has all that is whole in src, an index
// and a trailer. Blocks are copied as they are, but for what their headers count
// before them. Where events are missing stands a Lost event of ProbeFile and
// ReasonDamaged with their number, as Reader.Resume has it; one more stands at
// the end of a trace that was not closed, with the number of events that the
// block there should have had, or 0 if not even that is known.
//
// edit, if it is not nil, returns the new file's header: the place to extend
// Provenance. It gets an empty Header if src's cannot be read. src is not
// changed. The error is as for Check, or that of dst.
func Repair(dst io.Writer, src io.ReaderAt, size int64, edit func(Header) Header) (RepairReport, error) {
	var w *Writer
	s := survey{report: CheckReport{Bytes: size}}
	s.begun = func(h Header) (err error) {
		if edit != nil {
			h = edit(h)
		}
		w, err = NewWriter(dst, h, WriterOptions{})
		return err
	}
	s.each = func(v visit) error { return w.adopt(v) }
	if err := s.run(src, size); err != nil {
		return RepairReport{}, err
	}
	s.checkIndex(src)
	if !s.report.Closed {
		if err := w.Put(s.reader.tail()); err != nil {
			return RepairReport{}, err
		}
	}
	err := w.Close()
	return RepairReport{s.report, w.Bytes()}, err
}

// tail returns the event that stands for what is behind the last whole block of
// a file without a trailer.
func (d *Reader) tail() Event {
	missing := max(d.claim, d.chain.before) - d.chain.before
	return damagedEvent(d.chain.next, d.chain.lastTime, missing)
}

// adopt writes a block of another file, behind what is missing before it.
func (w *Writer) adopt(v visit) error {
	if v.hole != nil {
		if err := w.Put(*v.hole); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	w.out = append(w.out[:0], v.raw...)
	if !v.h.hasEvents() {
		if v.h.kind == blockIndex || v.h.kind == blockTrailer {
			return nil
		}
		w.index.add(v.h)
		return w.write(w.out)
	}
	h := *v.h
	lost := w.tally.sum.Lost
	w.tally.addAll(v.events)
	h.lost = w.chain.lost + w.tally.sum.Lost - lost
	h.before, h.stateBefore, h.segment = w.chain.before, w.chain.state, w.chain.segment
	if h.opens() {
		h.segment++
	}
	h.restamp(w.out)
	if err := w.block(&h, w.out); err != nil {
		return err
	}
	w.next = w.chain.next
	return nil
}
