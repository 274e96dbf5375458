package format

import (
	"errors"
	"io"
)

// Resume goes on after damage. It searches for the next whole block header
// behind the damaged place; the events go on with those of its block. In front
// of them stands one Lost event of ProbeFile and ReasonDamaged, whose Count is
// the number of events that are missing; those of key-frames do not count, and
// if only such are missing there is no Lost event. What is left of a key-frame
// whose beginning is missing is passed over.
//
// Without damage Resume does nothing. If there is no way on it returns the error
// that ended the reading.
func (d *Reader) Resume() error {
	var corrupt *CorruptError
	if !errors.As(d.err, &corrupt) {
		if d.err == io.EOF {
			return nil
		}
		return d.err
	}
	if d.closed {
		return d.err // data behind the trailer: it has no meaning
	}
	// A block that stands behind missing ones is itself whole.
	skip := 1
	var gap *gapError
	if errors.As(corrupt.Err, &gap) && !d.resync {
		skip = 0
	}
	d.src.unread(skip)
	switch err := d.src.search(d.accept); {
	case err == io.EOF:
		return d.err
	case err != nil:
		d.start = d.src.offset
		d.err = d.corrupt(err)
		return d.err
	}
	d.err, d.resync, d.chain.broken = nil, true, true
	d.number++
	return nil
}

// accept says whether the block with this header may come next.
func (d *Reader) accept(head []byte) bool {
	h, err := parseBlockHeader(head)
	if err != nil {
		return false
	}
	return !h.hasEvents() && h.kind != blockTrailer || d.chain.admits(&h)
}

// rejoin has what is missing delivered in front of the first events behind damage.
// It is false for the rest of a key-frame, which is passed over.
func (d *Reader) rejoin(v *visit) bool {
	h := v.h
	if h.kind == blockKeyFrame && !h.opens() && h.stateBefore != d.chain.state {
		d.events, d.blocks.left = nil, 0
		return false
	}
	if e, ok := d.chain.hole(h); ok {
		d.buf = resize(d.buf, 1+len(v.events))
		d.buf[0] = e
		d.events, v.hole = d.buf, &d.buf[0]
	}
	d.resync = false
	return true
}
