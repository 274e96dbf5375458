package format

// Sizes and kinds of zstd's blocks.
const (
	maxZstdBlock = 128 << 10 // bytes of content
	zstdRaw      = 0
	zstdLast     = 1 // in a block's first byte
)

// appendStored appends a zstd frame (RFC 8878) that holds data as it is; nothing if
// there is none.
func appendStored(b, data []byte) []byte {
	if len(data) == 0 {
		return b
	}
	b = appendFrameHead(b, len(data))
	for last := 0; last == 0; {
		n := min(len(data), maxZstdBlock)
		if n == len(data) {
			last = zstdLast
		}
		head := n<<3 | zstdRaw<<1 | last
		b = append(append(b, byte(head), byte(head>>8), byte(head>>16)), data[:n]...)
		data = data[n:]
	}
	return b
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
