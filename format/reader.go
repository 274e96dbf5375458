package format

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"
)

// A Reader reads a binary trace from front to back, one block at a time.
type Reader struct {
	r      *bufio.Reader
	zstd   *zstd.Decoder
	block  blockDecoder
	header Header

	events []Event // of the block at hand
	pos    int     // of the next one to deliver
	head   [blockHead]byte
	frame  []byte // compressed
	data   []byte // and not

	offset int64 // bytes consumed
	number int   // of the next block
	seq    uint64
	lost   uint64
	closed bool
	err    error // that ended the reading; io.EOF for a good end
}

// NewReader reads the header from r.
func NewReader(r io.Reader) (*Reader, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxPayload), zstd.WithDecoderMaxWindow(maxPayload), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	d := &Reader{r: bufio.NewReaderSize(r, 64<<10), zstd: dec}
	if err := d.readHeader(); err != nil {
		return nil, d.corrupt(0, headerBlock, err)
	}
	return d, nil
}

// Header returns what the trace says about itself.
func (d *Reader) Header() Header { return d.header }

// Closed says whether the trace was closed cleanly: false until the end has
// been read, and for ever if it is missing.
func (d *Reader) Closed() bool { return d.closed }

// Bytes returns how many bytes of the file have been consumed.
func (d *Reader) Bytes() int64 { return d.offset }

// Events iterates over the events that have not been delivered yet: a loop that
// breaks off can be followed by another. The last pair may be an error instead
// of an event; it is delivered again to every later loop.
func (d *Reader) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for d.err == nil || d.pos < len(d.events) {
			for d.pos < len(d.events) {
				d.pos++
				if !yield(d.events[d.pos-1], nil) {
					return
				}
			}
			d.next()
		}
		if !errors.Is(d.err, io.EOF) {
			yield(Event{}, d.err)
		}
	}
}

// next reads the next block of events, or sets d.err.
func (d *Reader) next() {
	if d.err != nil {
		return
	}
	start := d.offset
	d.events, d.pos = d.events[:0], 0
	if err := d.readBlock(); err != nil {
		d.events = d.events[:0]
		d.err = d.corrupt(start, d.number, err)
		return
	}
	d.number++
}

// corrupt gives err its place, unless it is a good end or came from the
// underlying reader.
func (d *Reader) corrupt(offset int64, block int, err error) error {
	var failed *readError
	switch {
	case err == io.EOF:
		return err
	case errors.As(err, &failed):
		return fmt.Errorf("offset %d: %w", d.offset, failed.err)
	}
	return &CorruptError{Offset: offset, Block: block, Err: err}
}

// A readError is an error of the underlying reader, which is no damage.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

// fill reads len(b) bytes.
func (d *Reader) fill(b []byte) error {
	n, err := io.ReadFull(d.r, b)
	d.offset += int64(n)
	switch err {
	case nil:
		return nil
	case io.EOF, io.ErrUnexpectedEOF:
		return ErrTruncated
	}
	return &readError{err}
}

func (d *Reader) readHeader() error {
	start, err := d.r.Peek(frameHead + len(fileMagic))
	if err != nil && err != io.EOF {
		return &readError{err}
	}
	if err := checkMagic(start); err != nil {
		return err
	}
	b := make([]byte, fixedHead)
	if err := d.fill(b); err != nil {
		return err
	}
	size, err := parseFixedHeader(b)
	if err != nil {
		return err
	}
	b = append(b, make([]byte, size+crcSize)...)
	if err := d.fill(b[fixedHead:]); err != nil {
		return err
	}
	end := fixedHead + size
	if crc32.Checksum(b[:end], castagnoli) != le.Uint32(b[end:]) {
		return ErrChecksum
	}
	d.header, err = parseHeaderJSON(b[fixedHead:end])
	return err
}

// readBlock reads the next block into d.events. io.EOF means a good end.
func (d *Reader) readBlock() error {
	if d.closed {
		return d.expectEnd()
	}
	if err := d.fill(d.head[:]); err != nil {
		return err
	}
	h, err := parseBlockHeader(d.head[:])
	if err != nil {
		return err
	}
	switch h.kind {
	case blockEvents:
		return d.readEvents(&h)
	case blockTrailer:
		if h.firstSeq != d.seq || h.lost != d.lost {
			return malformed("trailer counts %d events and %d lost, the blocks have %d and %d", h.firstSeq, h.lost, d.seq, d.lost)
		}
		d.closed = true
		return nil
	}
	return d.skip(&h)
}

// expectEnd returns io.EOF if nothing follows the trailer.
func (d *Reader) expectEnd() error {
	switch _, err := d.r.Peek(1); err {
	case nil:
		return malformed("data behind the trailer")
	case io.EOF:
		return io.EOF
	default:
		return &readError{err}
	}
}

// skip passes over a block of a kind that this version does not know.
func (d *Reader) skip(h *blockHeader) error {
	sum := crc32.New(castagnoli)
	n, err := io.CopyN(sum, d.r, int64(h.csize))
	d.offset += n
	switch {
	case err == io.EOF:
		return ErrTruncated
	case err != nil:
		return &readError{err}
	case sum.Sum32() != h.payloadCRC:
		return ErrChecksum
	}
	return nil
}

func (d *Reader) readEvents(h *blockHeader) error {
	if h.firstSeq != d.seq {
		return malformed("begins with event %d, not %d", h.firstSeq, d.seq)
	}
	d.frame = resize(d.frame, int(h.csize))
	if err := d.fill(d.frame); err != nil {
		return err
	}
	if crc32.Checksum(d.frame, castagnoli) != h.payloadCRC {
		return ErrChecksum
	}
	d.data = resize(d.data, int(h.usize))
	data, err := d.zstd.DecodeAll(d.frame, d.data[:0:h.usize])
	if err != nil {
		return malformed("%v", err)
	}
	if len(data) != int(h.usize) {
		return malformed("payload has %d bytes, not %d", len(data), h.usize)
	}
	d.events = resize(d.events, int(h.count))
	if err := d.block.decode(data, h, d.events); err != nil {
		return err
	}
	lost := d.lost
	for i := range d.events {
		lost += lostCount(&d.events[i])
	}
	if lost != h.lost {
		return malformed("counts %d lost, the events say %d", h.lost, lost)
	}
	d.lost, d.seq = lost, h.lastSeq+1
	return nil
}
