package format

// laneSlack is how many bytes are readable behind codes, so that each is read in
// one piece.
const laneSlack = 8

// grow returns b with n more bytes of undefined content.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(make([]byte, 0, 2*cap(b)+n), b...)
	}
	return b[:len(b)+n]
}

// load returns the eight bytes from a place on. To name where they end spares the
// case that b has none.
func load(b []byte, at uint) uint64 { return le.Uint64(b[at : at+8 : at+8]) }

// store sets the eight bytes from a place on.
func store(b []byte, at uint, v uint64) { le.PutUint64(b[at:at+8:at+8], v) }
