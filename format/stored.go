package format

// maxStored is how many bytes a block of a zstd frame holds.
const maxStored = 128 << 10

// appendStored appends a zstd frame (RFC 8878) that holds data as it is; nothing
// if there is none. Its header says the content's size, its blocks are raw.
func appendStored(b, data []byte) []byte {
	if len(data) == 0 {
		return b
	}
	b = le.AppendUint32(b, 0xfd2fb528)
	switch n := len(data); { // a single segment, and bytes of the size
	case n < 256:
		b = append(b, 1<<5, byte(n))
	case n < 256+1<<16:
		b = le.AppendUint16(append(b, 1<<6|1<<5), uint16(n-256))
	default:
		b = le.AppendUint32(append(b, 2<<6|1<<5), uint32(n))
	}
	for len(data) > 0 {
		n := min(len(data), maxStored)
		head := uint32(n) << 3 // a raw block
		if n == len(data) {
			head |= 1 // the last one
		}
		b = append(b, byte(head), byte(head>>8), byte(head>>16))
		b = append(b, data[:n]...)
		data = data[n:]
	}
	return b
}
