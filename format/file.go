package format

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
)

// A File reads a binary trace at any place. Its index says where the blocks are;
// without one, or with one that is wrong, the headers of all blocks are read.
// A File holds a description of each block, and the memory in which loops have
// decoded some for those to come.
type File struct {
	r       io.ReaderAt
	size    int64
	start   int64 // of the first block
	header  Header
	index   Index
	scanned bool
	open    bool  // there is no trailer
	end     error // why reading does not end well; nil if it does
	loaders chan *loader
}

// NewFile reads the header and the index of a trace of size bytes. Damage does
// not prevent it, unless the header is hit.
func NewFile(r io.ReaderAt, size int64) (*File, error) {
	src := source{r: bufio.NewReaderSize(io.NewSectionReader(r, 0, size), 4096)}
	h, err := readFileHeader(&src)
	if err != nil {
		return nil, placed(err, 0, headerBlock)
	}
	f := &File{r: r, size: size, start: src.offset, header: h, loaders: make(chan *loader, maxLoaders)}
	if err := f.readIndex(); err != nil {
		return nil, err
	}
	return f, nil
}

// placed gives err its place, unless it came from the underlying reader.
func placed(err error, offset int64, block int) error {
	var failed *readError
	if errors.As(err, &failed) {
		return fmt.Errorf("offset %d: %w", offset, failed.err)
	}
	return &CorruptError{Offset: offset, Block: block, Err: err}
}

// readIndex fills f.index from the index in the file, or by a scan.
func (f *File) readIndex() error {
	var failed *readError
	at := f.size - blockHead
	if at >= f.start {
		trailer, err := f.trailer(at)
		if err == nil {
			f.index, err = readIndex(f.r, f.start, at, &trailer)
		}
		if errors.As(err, &failed) {
			return placed(err, at, headerBlock)
		}
		if err == nil {
			return nil
		}
	}
	return f.scan()
}

func (f *File) trailer(at int64) (blockHeader, error) {
	var head [blockHead]byte
	if _, err := readAt(f.r, head[:], at); err != nil {
		return blockHeader{}, err
	}
	h, err := parseBlockHeader(head[:])
	if err == nil && h.kind != blockTrailer {
		err = malformed("no trailer")
	}
	return h, err
}

// scan fills f.index from the headers of the blocks.
func (f *File) scan() error {
	s, err := scan(f.r, f.start, f.size)
	if err != nil {
		return placed(err, f.start, headerBlock)
	}
	f.index, f.end, f.open, f.scanned = s.index, s.end, !s.closed, true
	return nil
}

// Header returns what the trace says about itself.
func (f *File) Header() Header { return f.header }

// Index lists the blocks. It must not be changed.
func (f *File) Index() Index { return f.index }

// Scanned says whether the index was absent or bad, so that all block headers
// had to be read.
func (f *File) Scanned() bool { return f.scanned }

// Closed says whether the trace was closed cleanly.
func (f *File) Closed() bool { return !f.open }

// Bytes returns the size of the file.
func (f *File) Bytes() int64 { return f.size }

// From iterates over the events from the last key-frame on whose number is at
// most seq, its events first; from the first block if there is no such
// key-frame. Damage is the last pair, as for Events; what is missing in front of that
// key-frame is no damage here.
func (f *File) From(seq uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		first, err := f.opening(seq)
		if err != nil {
			yield(Event{}, err)
			return
		}
		flat(batchesOf(f.afresh(first)))(yield)
	}
}

// opening returns the number of the block that From begins with. If that is not what a
// wrong index says, no loop that begins there would find its way.
func (f *File) opening(seq uint64) (int, error) {
	first := f.index.opening(seq)
	if f.scanned || len(f.index.Blocks) == 0 || f.has(&f.index.Blocks[first]) {
		return first, nil
	}
	if err := f.scan(); err != nil {
		return 0, err
	}
	return f.index.opening(seq), nil
}

// has says whether a block that the index lists is there.
func (f *File) has(b *Block) bool {
	var head [blockHead]byte
	if _, err := readAt(f.r, head[:], b.Offset); err != nil {
		return false
	}
	h, err := parseBlockHeader(head[:])
	return err == nil && b.is(&h)
}

// SeekTime returns the number of the first event, of those outside key-frames,
// that is not before ns. It is one more than the last number if there is none. A wrong
// index does not mislead it where times rise from block to block.
func (f *File) SeekTime(ns uint64) (seq uint64) {
	at := f.reaches(ns)
	if at < 0 {
		return f.index.LastSeq + min(1, f.index.Events)
	}
	l, err := f.loader()
	if err != nil {
		return f.index.Blocks[at].FirstSeq
	}
	defer f.release(l)
	l.open(f, at)
	for events := range l.chunks {
		if i := slices.IndexFunc(events, func(e Event) bool { return e.Time >= ns }); i >= 0 {
			return events[i].Seq
		}
	}
	return l.block.FirstSeq // reading on from there will say what is wrong
}

// reaches returns the number of the first block with events that are not before ns, -1
// if there is none. That block and the one in front of it are looked at: if they are what
// the index says, so is what lies further in front.
func (f *File) reaches(ns uint64) int {
	before, at := -1, -1
	for i := range f.index.Blocks {
		b := &f.index.Blocks[i]
		if b.KeyFrame {
			continue
		}
		if b.LastTime >= ns {
			at = i
			break
		}
		before = i
	}
	for _, i := range [...]int{before, at} {
		if i < 0 || f.scanned || f.has(&f.index.Blocks[i]) {
			continue
		}
		if f.scan() != nil {
			return at // reading on from there will say what is wrong
		}
		return f.reaches(ns)
	}
	return at
}

// Events iterates over all events in order, decoding up to workers blocks at the
// same time. Events of key-frames come where they stand. The last pair may be
// an error instead of an event: a *CorruptError where the file is damaged or
// cut. Nothing runs on after the loop. Reader.Resume reads what is behind
// damage.
func (f *File) Events(workers int) iter.Seq2[Event, error] { return flat(f.Batches(workers)) }

// Batches is Events in slices: of a whole block if others are decoded at the same
// time, else of a part of it that is small enough for a processor's second cache. A
// slice is valid until the next step; it may be changed.
func (f *File) Batches(workers int) iter.Seq2[[]Event, error] { return f.BatchesFrom(0, workers) }

// maxReaders is how many workers decode for a loop that takes one event after
// another: more find events faster than any such loop takes them.
const maxReaders = 4

// BatchesFrom is Batches from block number first of the index on, for those who have
// read the blocks before it: if it does not follow upon them, that is an error here too.
func (f *File) BatchesFrom(first, workers int) iter.Seq2[[]Event, error] {
	if workers > 1 {
		return Ordered(f, first, min(workers, maxReaders), wholeBlock)
	}
	return batchesOf(f.pipeline(first))
}

// batchesOf is a loop without others beside it, which begins as start does.
func batchesOf(start *pipeline) iter.Seq2[[]Event, error] {
	return func(yield func([]Event, error) bool) {
		p := *start
		err := p.run(func() error { return p.alone(len(p.f.index.Blocks), yield) })
		if err != nil {
			yield(nil, err)
		}
	}
}

// wholeBlock returns all events of a block.
func wholeBlock(room []Event, chunks iter.Seq[[]Event]) []Event {
	room = room[:0]
	for events := range chunks {
		room = append(room, events...)
	}
	return room
}

// Stretch iterates over the events of the blocks from number first up to, and
// without, limit, which lies in the index, in slices of a part of a block. Unlike the
// other loops any number of these may run at the same time, for none of them mends a
// wrong index: a block that is not what the index says is an error, and BatchesFrom
// that block on finds the way. So is one that does not follow upon the block before first.
func (f *File) Stretch(first, limit int) iter.Seq2[[]Event, error] {
	return func(yield func([]Event, error) bool) {
		p := f.pipeline(first)
		err := p.alone(limit, yield)
		if err == nil && !p.stopped && limit == len(f.index.Blocks) {
			err = f.end
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// flat turns batches into events.
func flat(batches iter.Seq2[[]Event, error]) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for batch, err := range batches {
			if err != nil {
				yield(Event{}, err)
				return
			}
			for i := range batch {
				if !yield(batch[i], nil) {
					return
				}
			}
		}
	}
}
