package main

import (
	"bytes"
	"io"
	"strings"
)

// How files begin that are no traces but hold one, what they are, and how a trace is
// had from FILE. A trace's own first frame is one that zstd skips, and begins otherwise.
var foreign = []struct{ magic, is, try string }{
	{"\x1f\x8b", "one that gzip made", "gzip -dc FILE | iotrace ... -"},
	{"\x28\xb5\x2f\xfd", "one that zstd made", "zstd -dc FILE | iotrace ... -"},
	{"\xfd7zXZ\x00", "one that xz made", "xz -dc FILE | iotrace ... -"},
	{"BZh", "one that bzip2 made", "bzip2 -dc FILE | iotrace ... -"},
	{"[\n{\"seq\":", "the array of 'cat --format json', which is for other programs", "iotrace cat --format jsonl"},
}

// foreignFile says what the file called name is and what to try, "" if that is not
// known here.
func foreignFile(f io.ReaderAt, name string) string {
	var head [16]byte
	n, _ := f.ReadAt(head[:], 0) // a pipe's beginning is gone
	for _, c := range foreign {
		if bytes.HasPrefix(head[:n], []byte(c.magic)) {
			return c.is + ": try '" + strings.Replace(c.try, "FILE", name, 1) + "'"
		}
	}
	return ""
}
