package format

import "math/bits"

// The put functions write at d[n:] and return where they end. The caller has
// made room: 20 bytes for any number.

// pairs are the numbers from 00 to 99, hexPairs those from 00 to ff, as two bytes
// that are written at once.
var (
	pairs    = [100]uint16(buildPairs("0123456789"))
	hexPairs = [256]uint16(buildPairs(hexDigits))
)

func buildPairs(digits string) (all []uint16) {
	for i := range len(digits) * len(digits) {
		all = append(all, uint16(digits[i/len(digits)])|uint16(digits[i%len(digits)])<<8)
	}
	return all
}

// powers are those of ten that fit 64 bits.
var powers = buildPowers()

func buildPowers() (all [20]uint64) {
	all[0] = 1
	for i := range all[1:] {
		all[i+1] = all[i] * 10
	}
	return all
}

// putDigit writes v, which is less than ten.
func putDigit(d []byte, n int, v uint64) int {
	d[n] = '0' + byte(v)
	return n + 1
}

// putDec writes v in decimal.
func putDec(d []byte, n int, v uint64) int {
	if v < 10 {
		return putDigit(d, n, v)
	}
	width := bits.Len64(v) * 1233 >> 12 // log10 of 2 is 1233/4096 and a bit
	if v >= powers[width] {
		width++
	}
	d = d[n : n+width]
	i := width
	for v >= 100 {
		q := v / 100
		i -= 2
		le.PutUint16(d[i:], pairs[v-100*q])
		v = q
	}
	if i == 2 {
		le.PutUint16(d, pairs[v])
	} else {
		d[0] = '0' + byte(v)
	}
	return n + width
}

// putHex writes v in hexadecimal behind 0x.
func putHex(d []byte, n int, v uint64) int {
	d[n], d[n+1] = '0', 'x'
	n += 2
	if v < 16 {
		d[n] = hexDigits[v]
		return n + 1
	}
	width := (bits.Len64(v) + 3) / 4
	d = d[n : n+width]
	i := width
	for v >= 16 {
		i -= 2
		le.PutUint16(d[i:], hexPairs[byte(v)])
		v >>= 8
	}
	if i == 1 {
		d[0] = hexDigits[v]
	}
	return n + width
}

// putTime writes nanoseconds as seconds with nine decimals.
func putTime(d []byte, n int, ns uint64) int {
	sec := ns / 1e9
	frac := uint32(ns - sec*1e9)
	n = putDec(d, n, sec)
	d = d[n : n+10]
	d[0] = '.'
	high, low := frac/1e4, frac%1e4 // five digits and four
	d[1] = '0' + byte(high/1e4)
	high %= 1e4
	le.PutUint16(d[2:], pairs[high/100])
	le.PutUint16(d[4:], pairs[high%100])
	le.PutUint16(d[6:], pairs[low/100])
	le.PutUint16(d[8:], pairs[low%100])
	return n + 10
}
