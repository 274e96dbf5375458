package format

import (
	"errors"

	"github.com/klauspost/compress/huff0"
)

// A literalCoder makes zstd frames (RFC 8878) without looking for matches: what is
// the same is a block of one repeated byte, other bytes get Huffman codes if that is
// wanted and makes them shorter, and are stored as they are if not. Its memory is
// reused from frame to frame.
type literalCoder struct{ huffman huff0.Scratch }

// A literalPart is some of the bytes of a frame, to be coded or stored. No block has
// bytes of two parts, so each has codes of its own.
type literalPart struct {
	bytes []byte
	coded bool
}

// Sizes and kinds of zstd's blocks.
const (
	maxZstdBlock   = 128 << 10 // bytes of content
	zstdRaw        = 0
	zstdRepeated   = 1
	zstdCompressed = 2
	zstdLast       = 1 // in a block's first byte

	// minHuffman is how few bytes are not worth a table of codes.
	minHuffman = 64
)

// appendFrame appends one frame that holds the parts; nothing if all are empty.
func (l *literalCoder) appendFrame(b []byte, parts []literalPart) []byte {
	size := 0
	for _, p := range parts {
		size += len(p.bytes)
	}
	if size == 0 {
		return b
	}
	b = appendFrameHead(b, size)
	last := 0
	for _, p := range parts {
		for rest := p.bytes; len(rest) > 0; {
			n := min(len(rest), maxZstdBlock)
			last = len(b)
			if p.coded {
				b = l.appendBlock(b, rest[:n])
			} else {
				b = append(appendBlockHead(b, zstdRaw, n), rest[:n]...)
			}
			rest = rest[n:]
		}
	}
	b[last] |= zstdLast
	return b
}

// appendBlock appends a block of literals that is not marked as the last one.
func (l *literalCoder) appendBlock(b, data []byte) []byte {
	if len(data) < minHuffman {
		return append(appendBlockHead(b, zstdRaw, len(data)), data...)
	}
	l.huffman.Reuse = huff0.ReusePolicyNone // the table of another frame
	out, _, err := huff0.Compress4X(data, &l.huffman)
	switch {
	case errors.Is(err, huff0.ErrUseRLE):
		return append(appendBlockHead(b, zstdRepeated, len(data)), data[0])
	case err != nil || len(out)+maxLiteralsHead >= len(data):
		return append(appendBlockHead(b, zstdRaw, len(data)), data...)
	}
	head := len(b)
	b = appendLiteralsHead(append(b, 0, 0, 0), len(data), len(out))
	b = append(append(b, out...), 0) // no sequences
	appendBlockHead(b[:head], zstdCompressed, len(b)-head-3)
	return b
}

// maxLiteralsHead is how many bytes a block takes beside codes, its own head apart.
const maxLiteralsHead = 6

// appendLiteralsHead appends the head of a section of literals with a table of
// codes and four streams.
func appendLiteralsHead(b []byte, content, coded int) []byte {
	const compressed = 2
	form, bits := 1, 10 // of each size
	for content>>bits > 0 {
		form, bits = form+1, bits+4
	}
	head := uint64(compressed) | uint64(form)<<2 | uint64(content)<<4 | uint64(coded)<<(4+bits)
	return le.AppendUint64(b, head)[:len(b)+2+form]
}

// appendFrameHead appends the head of a frame of a single segment that says its
// content's size and has no checksum.
func appendFrameHead(b []byte, n int) []byte {
	b = le.AppendUint32(b, 0xfd2fb528)
	switch { // flags, and bytes of the size
	case n < 256:
		return append(b, 1<<5, byte(n))
	case n < 256+1<<16:
		return le.AppendUint16(append(b, 1<<6|1<<5), uint16(n-256))
	}
	return le.AppendUint32(append(b, 2<<6|1<<5), uint32(n))
}

// appendBlockHead appends the head of a block that is not the last one. Size is
// that of its content, or of what follows if that is compressed.
func appendBlockHead(b []byte, kind, size int) []byte {
	head := size<<3 | kind<<1
	return append(b, byte(head), byte(head>>8), byte(head>>16))
}
