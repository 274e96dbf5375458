package record

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"hash"
)

// A pseudonym puts something in the place of data that tells no more than which
// data is equal: the first 8 bytes of HMAC-SHA256 of the value and its size, under
// a random key that is nowhere but in this process. Small values could be found by
// trying all, were the key known.
type pseudonym struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

func newPseudonym() *pseudonym {
	var key [sha256.Size]byte
	rand.Read(key[:]) // does not fail
	return &pseudonym{mac: hmac.New(sha256.New, key[:])}
}

// of returns the pseudonym of size bytes of data.
func (p *pseudonym) of(data uint64, size uint32) uint64 {
	var b [12]byte
	if size < 8 {
		data &= 1<<(8*size) - 1 // the rest is left over from earlier requests
	}
	le.PutUint64(b[:], data)
	le.PutUint32(b[8:], size)
	p.mac.Reset()
	p.mac.Write(b[:])
	return le.Uint64(p.mac.Sum(p.sum[:0]))
}
