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

	buf    []Event // room for one event and a block's
	events []Event // of the block at hand
	pos    int     // of the next one to deliver

	start  int64 // of the block at hand
	number int   // of the block at hand, from 0
	resync bool  // after damage, until the next block was delivered
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

// Batches is Events in slices of up to a block. A slice is valid until the next
// step; it may be changed.
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

// next reads the next block of whatever kind, or sets d.err.
func (d *Reader) next() {
	d.events, d.pos = nil, 0
	d.start = d.src.offset
	d.src.begin()
	if err := d.readBlock(); err != nil {
		d.events = nil
		d.err = d.corrupt(err)
		return
	}
	d.number++
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

func (d *Reader) readEvents(h *blockHeader) error {
	d.buf = resize(d.buf, 1+int(h.count))
	lost, err := d.blocks.read(h, d.src.raw[blockHead:], d.buf[1:])
	if err != nil {
		return err
	}
	if d.resync {
		d.rejoin(h, d.buf[1:])
		return nil
	}
	if d.chain.lost+lost != h.lost {
		return malformed("counts %d lost, the events say %d", h.lost, d.chain.lost+lost)
	}
	d.chain.advance(h)
	d.events = d.buf[1:]
	d.show(visit{offset: d.start, h: h, raw: d.src.raw, events: d.buf[1:]})
	return nil
}

func (d *Reader) readTrailer(h *blockHeader) error {
	if err := d.chain.closes(h); err != nil {
		return err
	}
	d.closed = true
	if d.resync {
		d.rejoin(h, nil)
		return nil
	}
	d.show(visit{offset: d.start, h: h, raw: d.src.raw})
	return nil
}

// show lets Check and Repair see a block.
func (d *Reader) show(v visit) {
	if d.visit != nil {
		d.visit(v)
	}
}
