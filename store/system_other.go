//go:build !linux

package store

import (
	"errors"
	"math"
	"os"
)

// Captures run on Linux. Elsewhere a file is only ever a copy: it may fail where
// the disk is full.
var ownSystem = system{
	writeAt:  (*os.File).WriteAt,
	allocate: func(*os.File, int64, int64) error { return errNoAllocate },
	free:     func(*os.File) (uint64, error) { return 0, errors.ErrUnsupported },
	limit:    func() int64 { return math.MaxInt64 },
}

func lock(*os.File) error { return nil }

func renameNew(from, to string) error { return placeNew(from, to) }

func taken(st os.FileInfo) int64 { return st.Size() }
