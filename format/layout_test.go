package format

import (
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func mustZstd(t testing.TB) *zstd.Decoder {
	t.Helper()
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// showPayload prints the parts of a good payload of n events.
func showPayload(w io.Writer, b []byte, n int) {
	fmt.Fprintf(w, "%-12s % x\n", "kinds", b[:n])
	b = b[n:]
	times := int(le.Uint32(b))
	fmt.Fprintf(w, "%-12s % x  % x\n", "times", b[:4], b[4:4+times])
	b = b[4+times:]
	size := int(le.Uint32(b))
	fmt.Fprintf(w, "%-12s % x\n", "directory", b[:4])
	dir, data := b[4:4+size], b[4+size:]
	for len(dir) > 0 {
		fmt.Fprintf(w, "%-12s % x\n", Kind(dir[0]), dir[:2])
		columns := dir[1]
		dir = dir[2:]
		for range columns {
			length, k := binary.Uvarint(dir[4:])
			fmt.Fprintf(w, "  slot %-2d bits [%d,+%d): % x  % x\n", dir[0], dir[1], dir[2], dir[:4+k], data[:length])
			dir, data = dir[4+k:], data[length:]
		}
	}
	fmt.Fprintf(w, "%-12s % x\n", "left over", data)
}
