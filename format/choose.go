package format

import (
	"math"
	"math/bits"
)

// What an encoder has to choose, it chooses from samples: which columns are the
// keys of shapes, which predictor a column gets, and which codes. A bad choice
// costs space, never an event.
const (
	sampleEvents = 128 // of a kind in a block
	escapeShare  = 12  // one difference in so many may need more than its code
	escapeBits   = 24  // what an escape costs beside its bits, in time
	rareShare    = 12  // one difference in so many may be another than the rest
)

// cost adds up how many bits some differences take.
func cost(differences []uint64) (sum int) {
	for _, d := range differences {
		sum += bits.Len64(zigzag(d))
	}
	return sum
}

// A coder says what codes differences get: what is added to them, and their bits.
// Without bits, a few may be escapes with their places.
type coder struct {
	base  uint64
	width uint8
	rare  bool
}

// encoding returns how a column with such codes is written.
func (k coder) encoding(p predictor) encoding {
	if k.rare {
		return rareOf(p)
	}
	return codesOf(p, k.width/8)
}

// timeCodes chooses the codes of steps of times from a sample.
func timeCodes(sample []uint64) coder {
	c := coder{base: lowest(sample)}
	var costs [65]int // of escapes, by the bits that the code needs
	for _, d := range sample {
		n := bits.Len64(d - c.base + 1) // all ones is no code
		costs[n] += escapeBits + bits.Len64(zigzag(d))
	}
	escapes, least := 0, 1<<62
	for w := len(costs) - 1; w > 0; w-- {
		if sum := len(sample)*w + escapes; w <= maxWidth && sum < least {
			c.width, least = uint8(w), sum
		}
		escapes += costs[w]
	}
	return c
}

// lowest returns the lowest difference of a sample; the lowest one that is not
// negative, if few are.
func lowest(sample []uint64) uint64 {
	least, above, below := int64(math.MaxInt64), int64(math.MaxInt64), 0
	for _, d := range sample {
		least = min(least, int64(d))
		if int64(d) < 0 {
			below++
		} else {
			above = min(above, int64(d))
		}
	}
	if below > len(sample)/16 {
		return uint64(least)
	}
	return uint64(above)
}

// rareCodes returns codes without bits for what most of a sample are, if nearly all
// are that.
func rareCodes(sample []uint64) (k coder, ok bool) {
	ahead := 0 // of all others, by pairs that differ
	for _, d := range sample {
		switch {
		case d == k.base:
			ahead++
		case ahead == 0:
			k.base, ahead = d, 1
		default:
			ahead--
		}
	}
	return k, len(sample)-ahead <= 2*len(sample)/rareShare
}

// columnCodes chooses the codes of a column from a sample: as few bytes as say
// most differences.
func columnCodes(sample []uint64) coder {
	some := uint64(0)
	for _, d := range sample {
		some |= d
	}
	for size := 1; ; size++ {
		c := coder{width: uint8(8 * size)}
		escape := escapeOf(c.width)
		if some>>63 != 0 {
			c.base = -(escape >> 1)
		}
		beyond := 0
		for _, d := range sample {
			if d-c.base >= escape {
				beyond++
			}
		}
		if size == maxSize || beyond <= len(sample)/escapeShare {
			return c
		}
	}
}
