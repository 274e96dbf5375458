package record

import "unsafe"

// addressOf returns where b lies. b must be memory that Go does not move or
// collect.
func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
