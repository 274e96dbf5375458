package format

import (
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

// A blockReader turns the bytes of whole blocks into events. Its buffers are
// reused from block to block.
type blockReader struct {
	zstd *zstd.Decoder
	data []byte // the payload
	code blockDecoder
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

// read fills events, which has room for exactly those of the block, and
// verifies all that can be verified without the blocks before. It returns how
// many things the events say are lost.
func (x *blockReader) read(h *blockHeader, body []byte, events []Event) (lost uint64, err error) {
	if err := checkBody(h, body); err != nil {
		return 0, err
	}
	if cap(x.data) < int(h.usize)+laneSlack {
		x.data = make([]byte, h.usize+laneSlack)
	}
	payload, err := x.zstd.DecodeAll(body, x.data[:0:h.usize])
	if err != nil {
		return 0, malformed("%v", err)
	}
	if len(payload) != int(h.usize) {
		return 0, malformed("payload has %d bytes, not %d", len(payload), h.usize)
	}
	if err := x.code.decode(x.data[:len(payload)], h, events); err != nil {
		return 0, err
	}
	if h.flags&blockSparse != 0 {
		if err := checkNumbers(h, events); err != nil {
			return 0, err
		}
	}
	return x.checkKinds(h, events)
}

// checkNumbers verifies explicit sequence numbers.
func checkNumbers(h *blockHeader, events []Event) error {
	if h.kind == blockKeyFrame {
		for i := range events {
			if e := &events[i]; e.Kind < KindOpen && e.Seq != h.firstSeq {
				return malformed("%v of key-frame %d has number %d", e.Kind, h.firstSeq, e.Seq)
			}
		}
		return nil
	}
	bad := events[0].Seq != h.firstSeq || events[len(events)-1].Seq != h.lastSeq
	for i := 1; i < len(events); i++ {
		bad = bad || events[i].Seq <= events[i-1].Seq
	}
	if bad {
		return malformed("sequence numbers do not agree with the block header")
	}
	return nil
}

// checkKinds verifies that the events, of the kinds that were decoded, are such
// as belong into the block.
func (x *blockReader) checkKinds(h *blockHeader, events []Event) (lost uint64, err error) {
	opens := events[0].Kind == KindKeyFrame
	if h.opens() != opens {
		return 0, malformed("%v opens a block with flags %d", events[0].Kind, h.flags)
	}
	frame := h.kind == blockKeyFrame
	for _, g := range x.code.groups {
		switch {
		case g.kind.InKeyFrame() != frame, g.kind == KindKeyFrame && (g.count > 1 || !opens):
			return 0, malformed("%v in a block of kind %d", g.kind, h.kind)
		case g.kind == KindLost:
			lost = lostCounts(events)
		}
	}
	return lost, nil
}

// lostCounts returns how many things the events say are missing.
func lostCounts(events []Event) (lost uint64) {
	for i := range events {
		lost += lostCount(&events[i])
	}
	return lost
}
