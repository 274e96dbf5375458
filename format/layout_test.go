package format

import (
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
	fmt.Fprintf(w, "%-12s % x\n", "shapes", b[:n])
	b = b[n:]
	size := int(le.Uint32(b))
	dir, data := slowReader{b[4:][:size]}, b[4+size:]
	fmt.Fprintf(w, "%-12s % x\n", "directory", b[:4])
	show := func(name string, read func()) {
		before := dir.b
		read()
		fmt.Fprintf(w, "%-12s % x\n", name, before[:len(before)-len(dir.b)])
	}
	show("unit", func() { dir.uvarint() })
	type part struct {
		name string
		size int
	}
	var coded, low []part
	for len(dir.b) > 0 {
		k := Kind(dir.b[0])
		var count, shapes int
		var columns byte
		show(k.String(), func() {
			dir.byte()
			count, shapes, columns = int(dir.uvarint()), int(dir.uvarint()), dir.byte()
		})
		for range columns {
			before := dir.b
			c := slowDescription(&dir, k, shapes, shapes)
			name := fmt.Sprintf("slot %d bits [%d,+%d)", c.column.slot, c.column.shift, c.column.bits)
			fmt.Fprintf(w, "  %-20s % x\n", name, before[:len(before)-len(dir.b)])
			if encoding(c.enc).form() == formCoded {
				coded = append(coded, part{fmt.Sprintf("%v slot %d", k, c.column.slot), int(c.size)})
				low = append(low, part{fmt.Sprintf("%v slot %d low", k, c.column.slot), count * encoding(c.enc).low()})
			}
		}
	}
	for _, p := range append(coded, low...) {
		if p.size > 0 {
			fmt.Fprintf(w, "  %-24s % x\n", p.name, data[:p.size])
			data = data[p.size:]
		}
	}
	fmt.Fprintf(w, "%-12s % x\n", "left over", data)
}
