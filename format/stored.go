package format

// The frames of zstd (RFC 8878) that need no encoder.

// appendStored appends a zstd frame that holds data as it is; nothing if there is
// none.
func appendStored(b, data []byte) []byte {
	if len(data) == 0 {
		return b
	}
	return appendRaw(appendFrameHead(b, len(data)), data)
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

// appendRaw appends data, which is not empty, as the last blocks of a frame.
func appendRaw(b, data []byte) []byte {
	for len(data) > 0 {
		n := min(len(data), maxZstdBlock)
		at := len(b)
		b = append(appendBlockHead(b, zstdRaw, n), data[:n]...)
		if data = data[n:]; len(data) == 0 {
			b[at] |= zstdLast
		}
	}
	return b
}

// appendBlockHead appends the head of a block that is not the last one. Size is
// that of its content, or of what follows if that is compressed.
func appendBlockHead(b []byte, kind, size int) []byte {
	head := size<<3 | kind<<1
	return append(b, byte(head), byte(head>>8), byte(head>>16))
}
