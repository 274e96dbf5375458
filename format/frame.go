package format

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Limits. A reader refuses what exceeds them before it allocates anything.
const (
	maxBlockEvents = 16 << 10
	maxPayload     = 4 << 20           // columns of one block
	maxFrame       = maxPayload + 4096 // what follows a block header
)

const (
	frameMagic = 0x184D2A54          // a zstd skippable frame: "T*M" and 0x18
	syncWord   = "\xd3iob\xa7lk\x1e" // opens every block header, to find it again after damage
	frameHead  = 8                   // magic and size of a skippable frame
	blockHead  = 128
	crcSize    = 4
	sizeBytes  = 4 // of a size inside a payload
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// blockKind says what a block holds.
type blockKind uint8

const (
	blockEvents   blockKind = 1
	blockTrailer  blockKind = 2 // the trace was closed; no body
	blockKeyFrame blockKind = 3 // events of a key-frame
	blockIndex    blockKind = 4 // what a reader may use instead of reading all headers
)

// Flags of a block. Readers ignore those that they do not know.
const (
	blockCritical = 1 << 0 // a reader must know the kind
	blockOpens    = 1 << 1 // its first event is the first of a key-frame: a segment begins
	blockSparse   = 1 << 2 // the payload has a column of sequence numbers
)

// A blockHeader precedes every block, in a skippable frame of its own.
type blockHeader struct {
	kind                blockKind
	flags               uint8
	count               uint32 // events
	csize, usize        uint32 // of the body that follows, and of the payload in it
	firstSeq, lastSeq   uint64 // of a key-frame: both the number of the event that follows it; of a trailer: of all events
	firstTime, lastTime uint64 // earliest and latest; of a trailer: of all events outside key-frames
	lost                uint64 // sum of all Lost events up to and with this block
	before              uint64 // events in the file before this block, without those of key-frames
	stateBefore         uint64 // events of key-frames before this block
	index               uint64 // of a trailer: offset of the last index block, 0 if there is none
	segment             uint32 // how many blocks up to and with this one open a segment
	payloadCRC          uint32 // of the body
}

// hasEvents says whether a block of this kind holds events.
func (h *blockHeader) hasEvents() bool { return h.kind == blockEvents || h.kind == blockKeyFrame }

func (h *blockHeader) opens() bool { return h.flags&blockOpens != 0 }

// size returns the bytes of the whole block.
func (h *blockHeader) size() int64 { return blockHead + int64(h.csize) }

func (h *blockHeader) append(b []byte) []byte {
	start := len(b)
	b = le.AppendUint32(b, frameMagic)
	b = le.AppendUint32(b, blockHead-frameHead)
	b = append(b, syncWord...)
	b = append(b, byte(h.kind), h.flags, 0, 0)
	b = le.AppendUint32(b, h.count)
	b = le.AppendUint32(b, h.csize)
	b = le.AppendUint32(b, h.usize)
	for _, v := range [...]uint64{h.firstSeq, h.lastSeq, h.firstTime, h.lastTime, h.lost, h.before, h.stateBefore, h.index} {
		b = le.AppendUint64(b, v)
	}
	b = le.AppendUint32(b, h.segment)
	b = append(b, make([]byte, 20)...) // room for later minor versions
	b = le.AppendUint32(b, h.payloadCRC)
	return le.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// restamp writes the fields that count what is before the block into the header
// b of a block that is copied, and leaves all others as they are.
func (h *blockHeader) restamp(b []byte) {
	le.PutUint64(b[64:], h.lost)
	le.PutUint64(b[72:], h.before)
	le.PutUint64(b[80:], h.stateBefore)
	le.PutUint32(b[96:], h.segment)
	le.PutUint32(b[blockHead-crcSize:], crc32.Checksum(b[:blockHead-crcSize], castagnoli))
}

// parseBlockHeader decodes blockHead bytes.
func parseBlockHeader(b []byte) (blockHeader, error) {
	body := b[:blockHead-crcSize]
	if crc32.Checksum(body, castagnoli) != le.Uint32(b[blockHead-crcSize:]) {
		return blockHeader{}, fmt.Errorf("block header: %w", ErrChecksum)
	}
	if le.Uint32(b) != frameMagic || le.Uint32(b[4:]) != blockHead-frameHead || string(b[8:16]) != syncWord {
		return blockHeader{}, malformed("no block header")
	}
	h := blockHeader{
		kind: blockKind(b[16]), flags: b[17], count: le.Uint32(b[20:]),
		csize: le.Uint32(b[24:]), usize: le.Uint32(b[28:]),
		firstSeq: le.Uint64(b[32:]), lastSeq: le.Uint64(b[40:]),
		firstTime: le.Uint64(b[48:]), lastTime: le.Uint64(b[56:]),
		lost: le.Uint64(b[64:]), before: le.Uint64(b[72:]), stateBefore: le.Uint64(b[80:]), index: le.Uint64(b[88:]),
		segment: le.Uint32(b[96:]), payloadCRC: le.Uint32(b[120:]),
	}
	return h, h.check()
}

// check refuses what no writer of this major version writes.
func (h *blockHeader) check() error {
	if h.csize > maxFrame {
		return fmt.Errorf("%d bytes behind a block header: %w", h.csize, ErrTooLarge)
	}
	switch h.kind {
	case blockEvents, blockKeyFrame:
		return h.checkEvents()
	case blockTrailer:
		if h.count != 0 || h.csize != 0 || h.usize != 0 || h.payloadCRC != 0 || h.lastSeq < h.firstSeq || h.lastTime < h.firstTime {
			return malformed("a trailer with content")
		}
	case blockIndex:
		if h.count != 0 || h.csize < frameHead+indexHead || h.usize != h.csize-frameHead {
			return malformed("an index of %d in %d bytes", h.usize, h.csize)
		}
	default:
		if h.flags&blockCritical != 0 {
			return fmt.Errorf("block kind %d: %w", h.kind, ErrVersion)
		}
	}
	return nil
}

func (h *blockHeader) checkEvents() error {
	if h.count > maxBlockEvents || h.usize > maxPayload {
		return fmt.Errorf("%d events in %d of %d bytes: %w", h.count, h.csize, h.usize, ErrTooLarge)
	}
	span, sparse := h.lastSeq-h.firstSeq, h.flags&blockSparse != 0
	bad := h.count == 0 || h.usize == 0 || h.csize == 0 || h.lastTime < h.firstTime || h.lastSeq < h.firstSeq ||
		h.lastSeq == math.MaxUint64 || h.before > math.MaxUint64/2 || h.stateBefore > math.MaxUint64/2
	if h.kind == blockEvents {
		bad = bad || h.opens() || span < uint64(h.count)-1 || !sparse && span != uint64(h.count)-1
	} else {
		bad = bad || !sparse || span != 0
	}
	if bad {
		return malformed("%d events from %d to %d in %d bytes", h.count, h.firstSeq, h.lastSeq, h.usize)
	}
	return nil
}
