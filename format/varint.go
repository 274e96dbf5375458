package format

import "encoding/binary"

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
	for len(dst) >= 8 && len(b) >= 8 {
		x := le.Uint64(b)
		d := (*[8]uint64)(dst)
		dst = dst[8:]
		if x&0x8080808080808080 == 0 { // eight of one byte
			d[0], d[1], d[2], d[3] = x&127, x>>8&127, x>>16&127, x>>24&127
			d[4], d[5], d[6], d[7] = x>>32&127, x>>40&127, x>>48&127, x>>56
			b = b[8:]
		} else if b, ok = readUvarintsSlowly(d[:], b); !ok {
			return nil, false
		}
	}
	return readUvarintsSlowly(dst, b)
}

func readUvarintsSlowly(dst []uint64, b []byte) (rest []byte, ok bool) {
	for i := range dst {
		if len(b) > 1 && b[0] < 0x80 {
			dst[i], b = uint64(b[0]), b[1:]
			continue
		}
		if len(b) > 2 && b[1] < 0x80 {
			dst[i], b = uint64(b[0]&127)|uint64(b[1])<<7, b[2:]
			continue
		}
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, false
		}
		dst[i], b = v, b[n:]
	}
	return b, true
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
