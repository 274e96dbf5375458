package format

import (
	"encoding/binary"
	"math"
)

func zigzag(d uint64) uint64   { return d<<1 ^ uint64(int64(d)>>63) }
func unzigzag(z uint64) uint64 { return z>>1 ^ -(z & 1) }

// varints are read from the front. What is read behind their end is 0, and sets
// bad for good.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *varints) uvarint() uint64 {
	if len(r.b) > 0 && r.b[0] < 1<<7 {
		v := r.b[0]
		r.b = r.b[1:]
		return uint64(v)
	}
	return r.long()
}

// long is uvarint for all that is not a single byte.
func (r *varints) long() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *varints) zigzag() uint64 { return unzigzag(r.uvarint()) }

// replace reads the values at places.
func (r *varints) replace(values []uint64, places []uint16) {
	for _, at := range places {
		values[at] = r.zigzag()
	}
}

// never is the gap behind the last escape that has a place.
const never = math.MaxUint64

// gap reads how many events have no escape before the next one that has; never if
// there is none.
func (r *varints) gap() uint64 {
	if len(r.b) == 0 {
		return never
	}
	return uint64(r.int(maxBlockEvents))
}

// int reads a number of at most limit.
func (r *varints) int(limit int) int {
	v := r.uvarint()
	if v > uint64(limit) {
		r.bad = true
		return 0
	}
	return int(v)
}

// cut takes n bytes off the front.
func (r *varints) cut(n int) []byte {
	if n > len(r.b) {
		r.b, r.bad = nil, true
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// appendZigzag appends d as a signed varint.
func appendZigzag(b []byte, d uint64) []byte { return binary.AppendUvarint(b, zigzag(d)) }
