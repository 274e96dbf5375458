package format

// laneSlack is how many bytes are readable behind codes, so that each is read in
// one piece.
const laneSlack = 8

// A bitWriter appends codes of some bits, the first in the lowest bits of the
// first byte.
type bitWriter struct {
	b    []byte
	word uint64 // the last bits, less than 8
	used uint   // how many
}

// put appends the low bits of code, which has no others, at most maxWidth.
func (w *bitWriter) put(code uint64, width uint8) {
	n := len(w.b)
	w.b = grow(w.b, laneSlack)
	w.word |= code << (w.used & 63)
	le.PutUint64(w.b[n:], w.word)
	w.used += uint(width)
	w.word >>= w.used & 56
	w.b = w.b[:n+int(w.used/8)]
	w.used &= 7
}

// end fills the last byte with zeros and returns the lane.
func (w *bitWriter) end() []byte {
	if w.used > 0 {
		w.b = append(w.b, byte(w.word))
	}
	w.word, w.used = 0, 0
	return w.b
}

// grow returns b with n more bytes of undefined content.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(make([]byte, 0, 2*cap(b)+n), b...)
	}
	return b[:len(b)+n]
}
