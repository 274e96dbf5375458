package format

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sort"
)

// A Block is a stretch of a file that decodes alone.
type Block struct {
	Offset, Size        int64 // of all of it, header included
	Events              uint32
	KeyFrame            bool   // its events belong to a key-frame
	Opens               bool   // and the key-frame begins with it
	FirstSeq, LastSeq   uint64 // of a key-frame: the number of the event behind it
	FirstTime, LastTime uint64 // earliest and latest
	Before              uint64 // events in blocks before it, without those of key-frames
	KeyFrameBefore      uint64 // events of key-frames in blocks before it
	Lost                uint64 // things that Lost events up to and with this block count
	Segment             uint32 // key-frames up to and with this block
}

// An Index lists a file's blocks that have events, in order, and says what is in
// them all. Without an index block in the file, Totals is nil.
type Index struct {
	Blocks              []Block
	Events              uint64 // without those of key-frames
	KeyFrameEvents      uint64
	FirstSeq, LastSeq   uint64 // of Events; zero if there are none
	FirstTime, LastTime uint64
	Lost                uint64
	Totals              *Totals
}

// blockOf describes a block with events. The same header at the same place
// always gives the same Block.
func blockOf(offset int64, h *blockHeader) Block {
	return Block{
		Offset: offset, Size: h.size(), Events: h.count, KeyFrame: h.kind == blockKeyFrame, Opens: h.opens(),
		FirstSeq: h.firstSeq, LastSeq: h.lastSeq, FirstTime: h.firstTime, LastTime: h.lastTime,
		Before: h.before, KeyFrameBefore: h.stateBefore, Lost: h.lost, Segment: h.segment,
	}
}

// is says whether h is the header of the block.
func (b *Block) is(h *blockHeader) bool { return h.hasEvents() && blockOf(b.Offset, h) == *b }

// header is what a block's header says that its description keeps.
func (b *Block) header() blockHeader {
	h := blockHeader{
		kind: blockEvents, count: b.Events, firstSeq: b.FirstSeq, lastSeq: b.LastSeq, firstTime: b.FirstTime, lastTime: b.LastTime,
		before: b.Before, stateBefore: b.KeyFrameBefore, lost: b.Lost, segment: b.Segment,
	}
	if b.KeyFrame {
		h.kind = blockKeyFrame
	}
	if b.Opens {
		h.flags = blockOpens
	}
	return h
}

// opening returns the number of the last block that opens a segment with a number of at
// most seq, or of the first.
func (x *Index) opening(seq uint64) int {
	first := sort.Search(len(x.Blocks), func(i int) bool { return x.Blocks[i].FirstSeq > seq }) - 1
	for first > 0 && !x.Blocks[first].Opens {
		first--
	}
	return max(first, 0)
}

// summed completes x with what chain c knows.
func (x *Index) summed(c *chain) {
	x.Events, x.KeyFrameEvents, x.Lost = c.before, c.state, c.lost
	x.FirstSeq, x.LastSeq, x.FirstTime, x.LastTime = c.firstSeq, c.lastSeq, c.firstTime, c.lastTime
}

// chunk is one index block.
type chunk struct {
	offset  int64
	end     int64
	prev    int64 // offset of the one before, 0 if there is none
	count   int
	entries []byte
	totals  []byte
}

// readIndex reads the index of a file whose header ends at start and whose
// trailer stands at end. Whatever it says must agree with the trailer, and its
// blocks must fill the file.
func readIndex(r io.ReaderAt, start, end int64, trailer *blockHeader) (Index, error) {
	if trailer.index == 0 || trailer.index > math.MaxInt64 {
		return Index{}, malformed("the trailer names no index")
	}
	var chunks []chunk // the last one first
	for at, limit := int64(trailer.index), end; at != 0; {
		c, err := readChunk(r, at, start, limit)
		if err != nil {
			return Index{}, fmt.Errorf("index at offset %d: %w", at, err)
		}
		chunks = append(chunks, c)
		at, limit = c.prev, at
	}
	if chunks[0].end != end {
		return Index{}, malformed("the trailer does not follow the index")
	}
	w := indexWalker{offset: start}
	for i := len(chunks) - 1; i >= 0; i-- {
		if err := w.walk(&chunks[i]); err != nil {
			return Index{}, fmt.Errorf("index at offset %d: %w", chunks[i].offset, err)
		}
	}
	if err := w.chain.follows(trailer); err != nil {
		return Index{}, err
	}
	if err := w.chain.closes(trailer); err != nil {
		return Index{}, err
	}
	return w.finish(chunks[0].totals)
}

// readChunk reads the index block at offset at, which must end before limit.
func readChunk(r io.ReaderAt, at, start, limit int64) (chunk, error) {
	if at < start || at > limit-blockHead {
		return chunk{}, malformed("stands outside the blocks")
	}
	var head [blockHead]byte
	if _, err := readAt(r, head[:], at); err != nil {
		return chunk{}, err
	}
	h, err := parseBlockHeader(head[:])
	if err != nil {
		return chunk{}, err
	}
	if h.kind != blockIndex || h.size() > limit-at {
		return chunk{}, malformed("is no index")
	}
	body := make([]byte, h.csize)
	if _, err := readAt(r, body, at+blockHead); err != nil {
		return chunk{}, err
	}
	if err := checkBody(&h, body); err != nil {
		return chunk{}, err
	}
	return parseChunk(at, body)
}

// parseChunk decodes the body of an index block.
func parseChunk(at int64, body []byte) (chunk, error) {
	if le.Uint32(body) != frameMagic || int(le.Uint32(body[4:])) != len(body)-frameHead {
		return chunk{}, malformed("is in no skippable frame")
	}
	body = body[frameHead:]
	prev, count, size := le.Uint64(body), le.Uint32(body[8:]), le.Uint32(body[12:])
	body = body[indexHead:]
	if prev >= uint64(at) && prev != 0 || count > maxChunk || uint64(size) > uint64(len(body)) {
		return chunk{}, malformed("%d entries and %d bytes of totals in %d bytes, after %d", count, size, len(body), prev)
	}
	split := len(body) - int(size)
	return chunk{offset: at, end: at + blockHead + frameHead + indexHead + int64(len(body)), prev: int64(prev), count: int(count), entries: body[:split], totals: body[split:]}, nil
}

// An indexWalker turns entries into blocks.
type indexWalker struct {
	index  Index
	chain  chain
	prev   blockHeader // as the indexer's
	offset int64       // of the next block
}

func (w *indexWalker) walk(c *chunk) error {
	b := c.entries
	for range c.count {
		h, rest, err := parseEntry(b, &w.prev)
		if err != nil {
			return err
		}
		b = rest
		if h.size() > c.offset-w.offset {
			return malformed("has a block beyond itself")
		}
		if h.hasEvents() {
			if err := w.block(&h); err != nil {
				return err
			}
		}
		w.offset += h.size()
	}
	if len(b) != 0 || w.offset != c.offset {
		return malformed("its blocks end at offset %d", w.offset)
	}
	return nil
}

func (w *indexWalker) block(h *blockHeader) error {
	h.before, h.stateBefore, h.segment = w.chain.before, w.chain.state, w.chain.segment
	if h.opens() {
		h.segment++
	}
	h.usize = 1 // which an index does not say
	if err := h.check(); err != nil {
		return err
	}
	if err := w.chain.follows(h); err != nil {
		return err
	}
	w.chain.advance(h)
	w.prev = *h
	w.index.Blocks = append(w.index.Blocks, blockOf(w.offset, h))
	return nil
}

// finish returns the index with its totals.
func (w *indexWalker) finish(js []byte) (Index, error) {
	var totals Totals
	if err := json.Unmarshal(js, &totals); err != nil {
		return Index{}, malformed("index: %v", err)
	}
	totals, err := totals.raw()
	if err != nil {
		return Index{}, err
	}
	if c := &w.chain; totals.Events != c.before || totals.Lost != c.lost || totals.FirstTime != c.firstTime || totals.LastTime != c.lastTime {
		return Index{}, malformed("index: totals of %d events and %d lost, the blocks have %d and %d", totals.Events, totals.Lost, c.before, c.lost)
	}
	w.index.Totals = &totals
	w.index.summed(&w.chain)
	return w.index, nil
}

// parseEntry is the inverse of appendEntry.
func parseEntry(b []byte, prev *blockHeader) (h blockHeader, rest []byte, err error) {
	if len(b) < 2 {
		return h, nil, malformed("ends early")
	}
	h.kind, h.flags = blockKind(b[0]), b[1]
	b = b[2:]
	bad := false
	next := func(limit uint64) uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > limit {
			bad = true
			return 0
		}
		b = b[n:]
		return v
	}
	h.csize = uint32(next(maxFrame))
	if h.hasEvents() {
		h.count = uint32(next(maxBlockEvents))
		h.firstSeq = prev.lastSeq + unzigzag(next(math.MaxUint64))
		h.lastSeq = h.firstSeq + next(math.MaxUint64)
		h.firstTime = prev.lastTime + unzigzag(next(math.MaxUint64))
		h.lastTime = h.firstTime + next(math.MaxUint64)
		h.lost = prev.lost + next(math.MaxUint64)
	}
	if bad {
		return h, nil, malformed("ends early")
	}
	return h, b, nil
}

// readAt reads all of b.
func readAt(r io.ReaderAt, b []byte, at int64) (int, error) {
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b):
		return n, nil
	case err == io.EOF:
		return n, ErrTruncated
	}
	return n, &readError{err}
}
