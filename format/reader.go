package format

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
)

// A Reader reads a binary trace from front to back, one block at a time.
type Reader struct {
	src    source
	blocks *blockReader
	header Header
	chain  chain

	buf    []Event // room for one event and a chunk's
	events []Event // of the block at hand that were decoded last
	pos    int     // of the next one to deliver

	start  int64  // of the block at hand
	number int    // of the block at hand, from 0
	claim  uint64 // events up to the end of the block at hand that its header speaks of
	resync bool   // after damage, until events of the next block are delivered
	joins  bool   // the block at hand is that one
	closed bool
	err    error // that ended the reading; io.EOF for a good end

	visit func(visit) // for Check and Repair; may be nil
}

// A visit is a whole block, as Check and Repair see it. Its slices are valid
// until the next one.
type visit struct {
	offset int64
	h      *blockHeader
	raw    []byte  // all of the block
	events []Event // those of the block
	hole   *Event  // what is missing before it
}

// NewReader reads the header from r. If the header is damaged, or r does not
// begin with one, there is an error and a Reader nevertheless: its Header is
// empty, and its Resume searches for blocks.
func NewReader(r io.Reader) (*Reader, error) {
	blocks, err := newBlockReader()
	if err != nil {
		return nil, err
	}
	d := &Reader{src: source{r: bufio.NewReaderSize(r, 64<<10)}, blocks: blocks, number: headerBlock}
	if d.header, err = readFileHeader(&d.src); err != nil {
		d.err = d.corrupt(err)
		return d, d.err
	}
	d.number++
	return d, nil
}

// Header returns what the trace says about itself.
func (d *Reader) Header() Header { return d.header }

// Closed says whether the trace was closed cleanly: false until the end has
// been read, and for ever if it is missing.
func (d *Reader) Closed() bool { return d.closed }

// Bytes returns how many bytes of the file have been consumed.
func (d *Reader) Bytes() int64 { return d.src.offset }

// Events iterates over the events that have not been delivered yet: a loop that
// breaks off can be followed by another. Events of key-frames come where they
// stand. The last pair may be an error instead of an event; it is delivered
// again to every later loop, unless Resume finds a way on.
func (d *Reader) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for d.more() {
			d.pos++
			if !yield(d.events[d.pos-1], nil) {
				return
			}
		}
		if !errors.Is(d.err, io.EOF) {
			yield(Event{}, d.err)
		}
	}
}

// Batches is Events in slices of a part of a block, small enough for a processor's
// second cache. A slice is valid until the next step; it may be changed.
func (d *Reader) Batches() iter.Seq2[[]Event, error] {
	return func(yield func([]Event, error) bool) {
		for d.more() {
			batch := d.events[d.pos:]
			d.pos = len(d.events)
			if !yield(batch, nil) {
				return
			}
		}
		if !errors.Is(d.err, io.EOF) {
			yield(nil, d.err)
		}
	}
}

// more reads on until there is an event to deliver; false at the end.
func (d *Reader) more() bool {
	for d.pos >= len(d.events) && d.err == nil {
		d.next()
	}
	return d.pos < len(d.events)
}

// next reads the next block of whatever kind, or the next events of the one at hand,
// or sets d.err.
func (d *Reader) next() {
	d.events, d.pos = nil, 0
	var err error
	if d.blocks.left > 0 {
		err = d.readOn()
	} else {
		d.start = d.src.offset
		d.src.begin()
		err = d.readBlock()
	}
	switch {
	case err != nil:
		d.err = d.corrupt(err)
	case d.blocks.left == 0:
		d.number++
	}
}

// corrupt gives err its place, unless it is a good end or came from the
// underlying reader.
func (d *Reader) corrupt(err error) error {
	var failed *readError
	switch {
	case err == io.EOF:
		return err
	case errors.As(err, &failed):
		return fmt.Errorf("offset %d: %w", d.src.offset, failed.err)
	}
	return &CorruptError{Offset: d.start, Block: d.number, Err: err}
}

// readBlock reads the next block into d.events. io.EOF means a good end.
func (d *Reader) readBlock() error {
	if d.closed {
		return d.expectEnd()
	}
	if err := d.src.fill(blockHead); err != nil {
		return err
	}
	h, err := parseBlockHeader(d.src.raw)
	if err != nil {
		return err
	}
	if h.hasEvents() || h.kind == blockTrailer {
		if err := d.place(&h); err != nil {
			return err
		}
		if h.kind == blockEvents {
			d.claim = h.before + uint64(h.count)
		}
	}
	if err := d.src.fill(int(h.size())); err != nil {
		return err
	}
	switch h.kind {
	case blockEvents, blockKeyFrame:
		return d.readEvents(&h)
	case blockTrailer:
		return d.readTrailer(&h)
	}
	// An index, or a kind that this version does not know.
	if err := checkBody(&h, d.src.raw[blockHead:]); err != nil {
		return err
	}
	d.show(visit{offset: d.start, h: &h, raw: d.src.raw})
	return nil
}

// place refuses a block that is not the next one, or, after damage, that cannot
// be a later one.
func (d *Reader) place(h *blockHeader) error {
	err := d.chain.follows(h)
	var gap *gapError
	if d.resync && errors.As(err, &gap) && d.chain.admits(h) {
		return nil
	}
	return err
}

// expectEnd returns io.EOF if nothing follows the trailer.
func (d *Reader) expectEnd() error {
	end, err := d.src.atEnd()
	if err == nil && end {
		return io.EOF
	}
	if err == nil {
		err = malformed("data behind the trailer")
	}
	return err
}

// readEvents reads the first events of a block.
func (d *Reader) readEvents(h *blockHeader) error {
	if err := d.blocks.open(h, d.src.raw[blockHead:]); err != nil {
		return err
	}
	d.joins = d.resync
	return d.readOn()
}

// readOn reads the next events of the block at hand: all of them if somebody looks
// at whole blocks.
func (d *Reader) readOn() error {
	past, n := d.blocks.part(), d.blocks.left
	if d.visit == nil {
		n = min(n, decodeChunk)
	}
	d.buf = resize(d.buf, 1+n)
	events, err := d.blocks.read(d.buf[1:])
	if err == nil && d.blocks.left == 0 {
		err = d.checkLost()
	}
	if err != nil {
		if past.count > 0 {
			d.chain.advance(&past)
		}
		return err
	}
	d.events = events
	v := visit{offset: d.start, h: &d.blocks.h, raw: d.src.raw, events: events}
	if d.resync && !d.rejoin(&v) {
		return nil
	}
	if d.blocks.left == 0 {
		d.chain.advance(&d.blocks.h)
		d.show(v)
	}
	return nil
}

// checkLost compares what the events of the block at hand say is lost with what its
// header does. Behind damage nobody knows what that should be.
func (d *Reader) checkLost() error {
	if sum := d.chain.lost + d.blocks.lost; !d.joins && sum != d.blocks.h.lost {
		return malformed("counts %d lost, the events say %d", d.blocks.h.lost, sum)
	}
	return nil
}

func (d *Reader) readTrailer(h *blockHeader) error {
	if err := d.chain.closes(h); err != nil {
		return err
	}
	d.closed = true
	v := visit{offset: d.start, h: h, raw: d.src.raw}
	if d.resync {
		d.rejoin(&v)
	}
	d.show(v)
	return nil
}

// show lets Check and Repair see a block.
func (d *Reader) show(v visit) {
	if d.visit != nil {
		d.visit(v)
	}
}
