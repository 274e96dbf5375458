package store

import (
	"io"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
)

// BenchmarkWrite compares a Writer with the format's own, which it wraps.
func BenchmarkWrite(b *testing.B) {
	event := func(i int) format.Event { return format.Clock{WallNS: uint64(i)}.Event(uint64(i) * 1000) }
	b.Run("format", func(b *testing.B) {
		w, err := format.NewWriter(io.Discard, format.Header{}, format.WriterOptions{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			w.Write(event(i))
		}
	})
	b.Run("store", func(b *testing.B) {
		w, err := Stream(io.Discard, Options{Header: header, Ring: Ring{Size: 1 << 50}})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			w.Write(event(i))
		}
	})
}
