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
