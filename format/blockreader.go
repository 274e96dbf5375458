package format

import (
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

// A blockReader turns the bytes of a block into events, some at a time. Its buffers
// are reused from block to block.
type blockReader struct {
	zstd *zstd.Decoder
	data []byte // the payload
	code blockDecoder
	h    blockHeader // of the block at hand
	left int         // events of it that were not read yet
	next uint64      // one more than the number of the last that was
	time uint64      // of that one
	lost uint64      // things that those that were read say are lost
	says bool        // there are events that say so
}

func newBlockReader() (*blockReader, error) {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxPayload), zstd.WithDecoderMaxWindow(maxPayload), zstd.WithDecodeAllCapLimit(true),
		zstd.IgnoreChecksum(true)) // that of the block was verified
	if err != nil {
		return nil, err
	}
	return &blockReader{zstd: dec}, nil
}

// checkBody verifies the checksum of what follows a block header.
func checkBody(h *blockHeader, body []byte) error {
	if crc32.Checksum(body, castagnoli) != h.payloadCRC {
		return ErrChecksum
	}
	return nil
}

// open makes ready to read the events of a block: it verifies the checksum of the
// body, and all of the payload that can be verified without decoding it.
func (x *blockReader) open(h *blockHeader, body []byte) error {
	x.left = 0
	if err := checkBody(h, body); err != nil {
		return err
	}
	if cap(x.data) < int(h.usize)+laneSlack {
		x.data = make([]byte, h.usize+laneSlack)
	}
	payload, err := x.zstd.DecodeAll(body, x.data[:0:h.usize])
	if err != nil {
		return malformed("%v", err)
	}
	if len(payload) != int(h.usize) {
		return malformed("payload has %d bytes, not %d", len(payload), h.usize)
	}
	if err := x.code.open(x.data[:len(payload)], h); err != nil {
		return err
	}
	x.h, x.next, x.time, x.lost = *h, h.firstSeq, h.firstTime, 0
	if err := x.checkKinds(h); err != nil {
		return err
	}
	x.left = int(h.count)
	return nil
}

// read reads the next events of the block into the front of room, as many as it
// has room for, and returns them: none at the block's end. What a writer did wrong
// may show in the midst of a block; with the error come those events that are
// right so far, and none after it.
func (x *blockReader) read(room []Event) ([]Event, error) {
	n := 0
	for n < len(room) && x.left > 0 {
		events := room[n:][:min(len(room)-n, x.left, decodeChunk)]
		if err := x.chunk(events); err != nil {
			x.left = 0
			return room[:n], err
		}
		n += len(events)
	}
	return room[:n], nil
}

// chunk reads the next events, and verifies all that can be verified without the
// blocks before.
func (x *blockReader) chunk(events []Event) error {
	if err := x.code.decode(events); err != nil {
		return err
	}
	if x.h.flags&blockSparse != 0 {
		if err := x.checkNumbers(events); err != nil {
			return err
		}
	}
	if x.says {
		x.lost += lostCounts(events)
	}
	last := &events[len(events)-1]
	x.left, x.next, x.time = x.left-len(events), last.Seq+1, last.Time
	return nil
}

// part describes a block that has no more than what was read of the one at hand.
func (x *blockReader) part() blockHeader {
	h := x.h
	h.count, h.lastSeq, h.lastTime = h.count-uint32(x.left), x.next-1, x.time
	return h
}

// checkNumbers verifies explicit sequence numbers.
func (x *blockReader) checkNumbers(events []Event) error {
	if x.h.kind == blockKeyFrame {
		for i := range events {
			if e := &events[i]; e.Kind < KindOpen && e.Seq != x.h.firstSeq {
				return malformed("%v of key-frame %d has number %d", e.Kind, x.h.firstSeq, e.Seq)
			}
		}
		return nil
	}
	next, bad := x.next, false
	if x.left == int(x.h.count) {
		bad = events[0].Seq != next
	}
	for i := range events {
		seq := events[i].Seq
		bad = bad || seq < next || seq > x.h.lastSeq
		next = seq + 1
	}
	if bad || x.left == len(events) && next-1 != x.h.lastSeq {
		return malformed("sequence numbers do not agree with the block header")
	}
	return nil
}

// checkKinds verifies that the kinds of events, of which the first one opens the
// block, are such as belong into it.
func (x *blockReader) checkKinds(h *blockHeader) error {
	first := x.code.opening()
	opens := first == KindKeyFrame
	if h.opens() != opens {
		return malformed("%v opens a block with flags %d", first, h.flags)
	}
	frame := h.kind == blockKeyFrame
	x.says = false
	for _, g := range x.code.groups {
		if g.kind.InKeyFrame() != frame || g.kind == KindKeyFrame && (g.count > 1 || !opens) {
			return malformed("%v in a block of kind %d", g.kind, h.kind)
		}
		x.says = x.says || g.kind == KindLost
	}
	return nil
}

// lostCounts returns how many things the events say are missing.
func lostCounts(events []Event) (lost uint64) {
	for i := range events {
		lost += lostCount(&events[i])
	}
	return lost
}
