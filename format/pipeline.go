package format

import "errors"

// A pipeline is one loop over the blocks of a file.
type pipeline struct {
	f       *File
	next    int   // block to deliver
	end     int64 // of the block delivered last
	chain   chain
	stopped bool // by whoever runs the loop
}

// pipeline makes one that begins with block number first, as one does that has
// delivered all blocks before it.
func (f *File) pipeline(first int) *pipeline {
	p := &pipeline{f: f, next: first}
	if first > 0 {
		b := f.index.Blocks[first-1]
		p.chain, p.end = chainBehind(&b), b.Offset+b.Size
	}
	return p
}

// afresh makes one that begins with block number first, which opens a segment or is
// the first of all, as if nothing were missing before it.
func (f *File) afresh(first int) *pipeline {
	p := &pipeline{f: f, next: first}
	if first > 0 {
		b := f.index.Blocks[first]
		p.chain, p.end = chain{before: b.Before, state: b.KeyFrameBefore, lost: b.Lost, segment: b.Segment - 1}, b.Offset
	}
	return p
}

// run goes through the file: pass delivers blocks from the next one on. If the index
// turns out to be wrong, run reads the headers and goes on from where it was.
func (p *pipeline) run(pass func() error) error {
	for {
		err := pass()
		switch {
		case errors.Is(err, errIndex) && !p.f.scanned:
			if err := p.rescan(); err != nil {
				return err
			}
			continue
		case err == nil && !p.stopped:
			err = p.f.end
		}
		return err
	}
}

// rescan replaces a wrong index and finds the block to go on with.
func (p *pipeline) rescan() error {
	if err := p.f.scan(); err != nil {
		return err
	}
	p.next = 0
	for _, b := range p.f.index.Blocks {
		if b.Offset >= p.end {
			break
		}
		p.next++
	}
	return nil
}

// alone delivers blocks up to, and without, limit. It passes on chunks as soon as
// they are decoded.
func (p *pipeline) alone(limit int, yield func([]Event, error) bool) error {
	l, err := p.f.loader()
	if err != nil {
		return err
	}
	defer p.f.release(l)
	for p.next < limit {
		l.open(p.f, p.next)
		err := p.deliver(&l.outcome, func() bool {
			for events := range l.chunks {
				if !yield(events, nil) {
					return false
				}
			}
			return true
		})
		if err != nil || p.stopped {
			return err
		}
	}
	return nil
}

// deliver goes past a block, if it is the one that must follow and all of it is
// right. Before, it has yield pass on what is right of it; if that is false, the loop
// has stopped.
func (p *pipeline) deliver(b *outcome, yield func() bool) error {
	if err := p.follows(b); err != nil {
		return placed(err, b.block.Offset, b.number)
	}
	if b.some && !yield() {
		p.stopped = true
		return nil
	}
	if err := p.holds(b); err != nil {
		return placed(err, b.block.Offset, b.number)
	}
	p.chain.advance(&b.h)
	p.next, p.end = p.next+1, b.block.Offset+b.block.Size
	return nil
}

// follows refuses a block that is not the next one.
func (p *pipeline) follows(b *outcome) error {
	if !b.known {
		return nil // which is what is wrong with it
	}
	return p.chain.follows(&b.h)
}

// holds says what is wrong with a block whose right events were delivered.
func (p *pipeline) holds(b *outcome) error {
	if sum := p.chain.lost + b.lost; b.err == nil && sum != b.h.lost {
		return malformed("counts %d lost, the events say %d", b.h.lost, sum)
	}
	return b.err
}
