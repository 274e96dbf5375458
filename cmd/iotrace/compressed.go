package main

import (
	"bytes"
	"io"
)

// How files begin that a program has compressed. A trace's own first frame is one
// that zstd skips, and begins otherwise.
var compressions = []struct{ magic, program string }{
	{"\x1f\x8b", "gzip"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"\xfd7zXZ\x00", "xz"}, {"BZh", "bzip2"},
}

// compressedBy returns the program that has compressed a file, "" for none that is
// known here.
func compressedBy(f io.ReaderAt) string {
	var head [8]byte
	n, _ := f.ReadAt(head[:], 0) // a pipe's beginning is gone
	for _, c := range compressions {
		if bytes.HasPrefix(head[:n], []byte(c.magic)) {
			return c.program
		}
	}
	return ""
}
