package xen

import (
	"encoding/binary"
	"fmt"
)

// le is the byte order of every structure here.
var le = binary.LittleEndian

// nameOf returns names[v], or prefix and the number for a value without a name.
func nameOf(names []string, v uint64, prefix string) string {
	if v < uint64(len(names)) && names[v] != "" {
		return names[v]
	}
	return fmt.Sprintf("%s%d", prefix, v)
}

// SizeError reports captured bytes that are too few for the structure that was
// to be decoded from them.
type SizeError struct {
	What string // the structure, by its name in Xen's headers
	Want int    // bytes needed
	Got  int    // bytes present
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%s: want %d bytes, got %d", e.What, e.Want, e.Got)
}

func checkSize(what string, b []byte, want int) error {
	if len(b) < want {
		return &SizeError{What: what, Want: want, Got: len(b)}
	}
	return nil
}
