package format

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
)

// The version of the binary form. Major 0 is the development format: a reader
// takes exactly its own version.
const (
	VersionMajor = 0
	VersionMinor = 1
)

// Limits. A reader refuses what exceeds them before it allocates anything.
const (
	maxBlockEvents = 16 << 10
	maxPayload     = 4 << 20           // columns of one block
	maxFrame       = maxPayload + 4096 // its zstd frame
	maxHeaderJSON  = 1 << 20
)

const (
	frameMagic = 0x184D2A54            // a zstd skippable frame: "T*M" and 0x18
	fileMagic  = "\x89IOT\r\n\x1a\n"   // as in PNG: survives no transfer that is not binary
	syncWord   = "\xd3iob\xa7lk\x1e"   // opens every block header, to find it again after damage
	frameHead  = 8                     // magic and size of a skippable frame
	fixedHead  = frameHead + 8 + 4 + 4 // up to the JSON
	blockHead  = 80
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
	blockEvents  blockKind = 1
	blockTrailer blockKind = 2 // the trace was closed; no payload
)

// blockCritical is the flag of a block that a reader must understand.
const blockCritical = 1

// blockSparse is the flag of a block whose payload carries sequence numbers.
const blockSparse = 4

// A blockHeader precedes every block, in a skippable frame of its own.
type blockHeader struct {
	kind                blockKind
	flags               uint8
	count               uint32 // events
	csize, usize        uint32 // of the zstd frame that follows, and of what it holds
	firstSeq, lastSeq   uint64 // of a trailer: both the number of events before it
	firstTime, lastTime uint64 // earliest and latest
	lost                uint64 // sum of all Lost events up to and with this block
	payloadCRC          uint32 // of the zstd frame
}

func (h blockHeader) append(b []byte) []byte {
	start := len(b)
	b = le.AppendUint32(b, frameMagic)
	b = le.AppendUint32(b, blockHead-frameHead)
	b = append(b, syncWord...)
	b = append(b, byte(h.kind), h.flags, 0, 0)
	b = le.AppendUint32(b, h.count)
	b = le.AppendUint32(b, h.csize)
	b = le.AppendUint32(b, h.usize)
	for _, v := range [...]uint64{h.firstSeq, h.lastSeq, h.firstTime, h.lastTime, h.lost} {
		b = le.AppendUint64(b, v)
	}
	b = le.AppendUint32(b, h.payloadCRC)
	return le.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
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
		lost: le.Uint64(b[64:]), payloadCRC: le.Uint32(b[72:]),
	}
	return h, h.check()
}

// check refuses what no writer of this version writes.
func (h blockHeader) check() error {
	switch h.kind {
	case blockEvents:
		if h.count > maxBlockEvents || h.usize > maxPayload || h.csize > maxFrame {
			return fmt.Errorf("%d events in %d of %d bytes: %w", h.count, h.csize, h.usize, ErrTooLarge)
		}
		if h.count == 0 || h.usize < h.count || h.lastSeq-h.firstSeq != uint64(h.count)-1 || h.lastSeq < h.firstSeq {
			return malformed("%d events from %d to %d in %d bytes", h.count, h.firstSeq, h.lastSeq, h.usize)
		}
	case blockTrailer:
		if h.count != 0 || h.csize != 0 || h.usize != 0 || h.payloadCRC != 0 || h.firstSeq != h.lastSeq {
			return malformed("a trailer with content")
		}
	default:
		if h.flags&blockCritical != 0 {
			return fmt.Errorf("block kind %d: %w", h.kind, ErrVersion)
		}
	}
	return nil
}

// appendFileHeader appends the frame that opens a file.
func appendFileHeader(b []byte, h Header) ([]byte, error) {
	js, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if len(js) > maxHeaderJSON {
		return nil, fmt.Errorf("header: %d bytes: %w", len(js), ErrTooLarge)
	}
	start := len(b)
	b = le.AppendUint32(b, frameMagic)
	b = le.AppendUint32(b, uint32(fixedHead-frameHead+len(js)+crcSize))
	b = append(b, fileMagic...)
	b = le.AppendUint16(b, VersionMajor)
	b = le.AppendUint16(b, VersionMinor)
	b = le.AppendUint32(b, uint32(len(js)))
	b = append(b, js...)
	return le.AppendUint32(b, crc32.Checksum(b[start:], castagnoli)), nil
}

// checkMagic judges the first bytes of a file, at most frameHead+8 of them.
func checkMagic(b []byte) error {
	want := le.AppendUint32(nil, frameMagic)
	if n := min(len(b), len(want)); !bytes.Equal(b[:n], want[:n]) {
		return ErrNotTrace
	}
	if len(b) < frameHead {
		return ErrTruncated
	}
	got := b[frameHead:]
	if n := min(len(got), len(fileMagic)); string(got[:n]) != fileMagic[:n] {
		if bytes.Contains(got, []byte("IOT")) {
			return fmt.Errorf("%w any more: a transfer that is not binary changed it", ErrNotTrace)
		}
		return ErrNotTrace
	}
	if len(got) < len(fileMagic) {
		return ErrTruncated
	}
	return nil
}

// parseFixedHeader decodes the first fixedHead bytes of a file, behind the
// magic, and returns how long the JSON is.
func parseFixedHeader(b []byte) (jsonSize int, err error) {
	major, minor := le.Uint16(b[16:]), le.Uint16(b[18:])
	if major != VersionMajor || minor != VersionMinor {
		return 0, fmt.Errorf("format %d.%d, not %d.%d: %w", major, minor, VersionMajor, VersionMinor, ErrVersion)
	}
	size := le.Uint32(b[20:])
	if size > maxHeaderJSON {
		return 0, fmt.Errorf("%d bytes: %w", size, ErrTooLarge)
	}
	if le.Uint32(b[4:]) != fixedHead-frameHead+size+crcSize {
		return 0, malformed("sizes disagree")
	}
	return int(size), nil
}

// parseHeaderJSON decodes the header's JSON, in either form of a trace.
func parseHeaderJSON(js []byte) (h Header, err error) {
	if err := json.Unmarshal(js, &h); err != nil {
		return Header{}, malformed("%v", err)
	}
	return h, nil
}
