package format

import (
	"encoding/binary"
	"math/bits"
)

func zigzag(d uint64) uint64   { return d<<1 ^ uint64(int64(d)>>63) }
func unzigzag(z uint64) uint64 { return z>>1 ^ -(z & 1) }

// appendUvarints appends values shifted right by shift, as varints.
func appendUvarints(b []byte, values []uint64, shift uint) []byte {
	n := len(b)
	b = grow(b, len(values)*binary.MaxVarintLen64)
	for _, v := range values {
		z := v >> shift
		for z >= 0x80 {
			b[n] = byte(z) | 0x80
			z >>= 7
			n++
		}
		b[n] = byte(z)
		n++
	}
	return b[:n]
}

// readUvarints fills dst from the front of b and returns what is left of b.
func readUvarints(dst []uint64, b []byte) (rest []byte, ok bool) {
	i, at := 0, 0
	for i < len(dst) && at+8 <= len(b) {
		x := le.Uint64(b[at:])
		ends := ^x & 0x8080808080808080
		switch {
		case ends == 0x8080808080808080 && len(dst)-i >= 8: // eight of one byte
			d := (*[8]uint64)(dst[i:])
			d[0], d[1], d[2], d[3] = x&127, x>>8&127, x>>16&127, x>>24&127
			d[4], d[5], d[6], d[7] = x>>32&127, x>>40&127, x>>48&127, x>>56
			i, at = i+8, at+8
			continue
		case x&0x80 == 0:
			dst[i] = x & 127
			at++
		case x&0x8000 == 0:
			dst[i] = x&127 | x>>1&(127<<7)
			at += 2
		case ends == 0:
			v, n := binary.Uvarint(b[at:])
			if n <= 0 {
				return nil, false
			}
			dst[i] = v
			at += n
		default:
			size := bits.TrailingZeros64(ends) + 1
			dst[i] = squeeze(x << (64 - size) >> (64 - size))
			at += size / 8
		}
		i++
	}
	for b = b[at:]; i < len(dst); i++ {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, false
		}
		dst[i], b = v, b[n:]
	}
	return b, true
}

// squeeze returns the low seven bits of each byte of x in one number.
func squeeze(x uint64) uint64 {
	x = x&0x007f007f007f007f | x&0x7f007f007f007f00>>1
	x = x&0x00003fff00003fff | x&0x3fff00003fff0000>>2
	return x&0x0fffffff | x>>32<<28
}

// appendLow appends the low n bytes of each value.
func appendLow(b []byte, values []uint64, n int) []byte {
	if n == 0 {
		return b
	}
	at := len(b)
	b = grow(b, len(values)*n+8)
	for _, v := range values {
		le.PutUint64(b[at:], v)
		at += n
	}
	return b[:at]
}

// joinLow puts the n bytes that b has for each value below it. It returns false
// if a value has no room for them.
func joinLow(values []uint64, b []byte, n int) bool {
	shift, some := 8*uint(n)&63, uint64(0)
	mask, at := uint64(1)<<shift-1, 0
	whole := 0 // values whose bytes can be read eight at once
	if len(b) >= 8 {
		whole = min(len(values), (len(b)-8)/n+1)
	}
	for i, v := range values[:whole] {
		some |= v
		values[i] = v<<shift | le.Uint64(b[at:])&mask
		at += n
	}
	var last [16]byte
	if whole < len(values) {
		copy(last[:], b[at:])
	}
	at = 0
	for i := whole; i < len(values); i++ {
		some |= values[i]
		values[i] = values[i]<<shift | le.Uint64(last[at:])&mask
		at += n
	}
	return some>>(64-shift) == 0
}

// grow returns b with n more bytes of undefined content.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(make([]byte, 0, 2*cap(b)+n), b...)
	}
	return b[:len(b)+n]
}
