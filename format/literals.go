package format

import (
	"errors"

	"github.com/klauspost/compress/huff0"
)

// A literalCoder makes zstd frames (RFC 8878) without looking for matches: what is
// the same in a part of them is a block of one repeated byte, the bytes of others
// get Huffman codes if that makes them shorter, and are stored as they are if not.
// It takes a third of the time that zstd's fastest encoder takes. Its memory is
// reused from frame to frame.
type literalCoder struct{ huffman huff0.Scratch }

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

// appendFrame appends one frame that holds parts, at least one of which is not
// empty, and then data as it is. No block has bytes of two parts, so each part has
// codes of its own.
func (l *literalCoder) appendFrame(b []byte, parts [][]byte, data []byte) []byte {
	size := len(data)
	for _, p := range parts {
		size += len(p)
	}
	b = appendFrameHead(b, size)
	last := 0
	for _, p := range parts {
		for len(p) > 0 {
			n := min(len(p), maxZstdBlock)
			last = len(b)
			b = l.appendBlock(b, p[:n])
			p = p[n:]
		}
	}
	if len(data) > 0 {
		return appendRaw(b, data)
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
