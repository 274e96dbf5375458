package format

import (
	"errors"
	"iter"
)

// errIndex means that a block is not what the index says.
var errIndex = errors.New("the index is wrong")

// An outcome is what is known of a block that a loader went through.
type outcome struct {
	number int // in the index
	block  Block
	known  bool // h is the block's
	h      blockHeader
	some   bool   // its first events are right
	lost   uint64 // by those that are
	err    error  // what is wrong with it, or behind them
}

// A loader decodes a block a chunk at a time: each while it is in the processor's
// cache.
type loader struct {
	reader *blockReader
	raw    []byte
	room   []Event           // for a chunk
	chunk  []Event           // the one at hand
	seq    iter.Seq[[]Event] // l.chunks, made once
	outcome
}

// maxLoaders is how many a File holds for loops to come.
const maxLoaders = 8

// loader returns one, which release takes back: who replays segments side by side
// has a loop for each.
func (f *File) loader() (*loader, error) {
	select {
	case l := <-f.loaders:
		return l, nil
	default:
	}
	x, err := newBlockReader()
	l := &loader{reader: x, room: make([]Event, decodeChunk)}
	l.seq = l.chunks
	return l, err
}

func (f *File) release(l *loader) {
	select {
	case f.loaders <- l:
	default:
	}
}

// open reads block number n of f and its first chunk.
func (l *loader) open(f *File, n int) {
	l.outcome = outcome{number: n, block: f.index.Blocks[n]}
	if l.err = l.fetch(f); l.err == nil {
		l.read()
		l.some = l.err == nil
	}
}

// fetch reads the block and makes ready to decode it.
func (l *loader) fetch(f *File) error {
	l.raw = resize(l.raw, int(l.block.Size))
	if _, err := readAt(f.r, l.raw, l.block.Offset); err != nil {
		return err
	}
	h, err := parseBlockHeader(l.raw)
	if err != nil {
		return err
	}
	if !l.block.is(&h) {
		return errIndex
	}
	l.h, l.known = h, true
	return l.reader.open(&l.h, l.raw[blockHead:])
}

// read decodes the next chunk; false if there is none, or it is wrong.
func (l *loader) read() bool {
	if l.err != nil || l.reader.left == 0 {
		return false
	}
	l.chunk, l.err = l.reader.read(l.room)
	l.lost = l.reader.lost
	return l.err == nil
}

// chunks iterates over the chunks of the block that was opened, as far as they are
// right.
func (l *loader) chunks(yield func([]Event) bool) {
	for more := l.some; more && yield(l.chunk); more = l.read() {
	}
}
