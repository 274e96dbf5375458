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
	var p slowPayload
	p.parse(b, false, n)
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
	show("late", func() { dir.uvarint() })
	for len(dir.b) > 0 {
		k := Kind(dir.b[0])
		var shapes int
		var columns byte
		show(k.String(), func() {
			dir.bytes(1)
			dir.uvarint()
			shapes = int(dir.uvarint())
			dir.zigzag()
			dir.bytes(1)
			columns = dir.byte()
		})
		for range columns {
			before := dir.b
			c := slowDescription(&dir, k, shapes, shapes)
			name := fmt.Sprintf("slot %d bits [%d,+%d)", c.column.slot, c.column.shift, c.column.bits)
			fmt.Fprintf(w, "  %-20s % x\n", name, before[:len(before)-len(dir.b)])
		}
	}
	part := func(name string, b []byte) {
		if len(b) > 0 {
			fmt.Fprintf(w, "  %-24s % x\n", name, b)
			data = data[len(b):]
		}
	}
	columns := func(what string, lane func(c *slowColumn) []byte) {
		for i := range p.columns {
			c := &p.columns[i]
			part(fmt.Sprintf("%v slot %d %s", c.kind, c.column.slot, what), lane(c))
		}
	}
	columns("codes", func(c *slowColumn) []byte { return c.codes.b })
	part("escapes of times", p.late.b)
	columns("escapes", func(c *slowColumn) []byte {
		if c.late == nil {
			return nil
		}
		return c.late.b
	})
	part("times", p.times.b)
	fmt.Fprintf(w, "%-12s % x\n", "left over", data)
}
