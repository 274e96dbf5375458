package format

import "encoding/binary"

// code appends the codes and the escapes of a column's differences, and returns
// what the codes mean.
func (x *blockEncoder) code(values []uint64) coder {
	sample := sampleOf(x.sample[:], values)
	if k, ok := rareCodes(sample); ok {
		if n := others(values, k.base, x.late[:]); n <= len(values)/rareShare {
			k.rare = n > 0
			x.escapes = appendRare(x.escapes, values, x.late[:n])
			return k
		}
	}
	k := columnCodes(sample)
	x.appendCodes(k, values)
	return k
}

// sampleOf fills sample, or a part of it, with some of the values.
func sampleOf(sample, values []uint64) []uint64 {
	step := 1 + len(values)/len(sample)
	n := 0
	for i := 0; i < len(values); i += step {
		sample[n] = values[i]
		n++
	}
	return sample[:n]
}

// others notes at which places values are not base, and returns how many are.
func others(values []uint64, base uint64, places []uint16) (n int) {
	places = places[:len(values)]
	for i, d := range values {
		if d != base {
			places[n] = uint16(i)
			n++
		}
	}
	return n
}

// appendRare appends the values at places as escapes that say how many others are
// between them.
func appendRare(b []byte, values []uint64, places []uint16) []byte {
	next := 0
	for _, at := range places {
		b = binary.AppendUvarint(b, uint64(int(at)-next))
		b = appendZigzag(b, values[at])
		next = int(at) + 1
	}
	return b
}

// appendCodes appends codes, and escapes for the differences that have none.
func (x *blockEncoder) appendCodes(k coder, values []uint64) {
	at, size := uint(len(x.codes)), uint(k.width/8)
	x.codes = grow(x.codes, int(size)*len(values)+laneSlack)
	codes, base, escape, late := x.codes, k.base, escapeOf(k.width), uint(0)
	for i, d := range values {
		code := d - base
		if code >= escape {
			code = escape
			x.late[late%maxBlockEvents] = uint16(i)
			late++
		}
		store(codes, at, code)
		at += size
	}
	x.codes = codes[:at]
	x.escapes = appendPlaces(x.escapes, values, x.late[:late])
}

// appendPlaces appends the values at places as signed varints.
func appendPlaces(b []byte, values []uint64, places []uint16) []byte {
	for _, at := range places {
		b = appendZigzag(b, values[at])
	}
	return b
}
