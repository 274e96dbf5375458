package format

import "encoding/binary"

// How the values of a column are written.
type encoding uint8

const (
	encConst encoding = 0 // one uvarint: every event has this value
	encDelta encoding = 1 // zigzag varints of the difference to the value before; the first to zero
)

func zigzag(d uint64) uint64   { return d<<1 ^ uint64(int64(d)>>63) }
func unzigzag(z uint64) uint64 { return z>>1 ^ -(z & 1) }

// appendDeltas appends values to b, the first as difference to base.
func appendDeltas(b []byte, base uint64, values []uint64) []byte {
	prev := base
	for _, v := range values {
		z := zigzag(v - prev)
		prev = v
		for z >= 0x80 {
			b = append(b, byte(z)|0x80)
			z >>= 7
		}
		b = append(b, byte(z))
	}
	return b
}

// readDeltas is the inverse of appendDeltas. It reads len(values) values that
// fill b exactly, and refuses a value that exceeds mask.
func readDeltas(b []byte, base, mask uint64, values []uint64) error {
	v, over := base, uint64(0)
	for i := range values {
		var z uint64
		if len(b) > 0 && b[0] < 0x80 {
			z, b = uint64(b[0]), b[1:]
		} else {
			n := 0
			if z, n = binary.Uvarint(b); n <= 0 {
				return malformed("a column ends early")
			}
			b = b[n:]
		}
		v += unzigzag(z)
		over |= v &^ mask
		values[i] = v
	}
	if over != 0 {
		return malformed("a value exceeds its column")
	}
	if len(b) != 0 {
		return malformed("%d bytes behind a column", len(b))
	}
	return nil
}
