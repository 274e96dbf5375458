package gen

import "math/bits"

// dice is a source of chance that will be the same for ever: splitmix64.
type dice struct{ state uint64 }

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n-1, 0 for n = 0.
func (d *dice) below(n uint64) uint64 {
	hi, _ := bits.Mul64(d.next(), n)
	return hi
}

// between returns a number from lo to hi.
func (d *dice) between(lo, hi uint64) uint64 { return lo + d.below(hi-lo+1) }

// oneIn is true once in n times.
func (d *dice) oneIn(n uint64) bool { return d.below(n) == 0 }

// latency returns a time with the noise that latencies have: mostly from half
// to one and a half of typical, and a long tail.
func (d *dice) latency(typical uint64) uint64 {
	t := typical/2 + d.below(typical)
	if d.oneIn(32) {
		t += d.below(8 * typical)
	}
	return t
}

// pick returns one of the elements of list.
func pick[T any](d *dice, list []T) T { return list[d.below(uint64(len(list)))] }
