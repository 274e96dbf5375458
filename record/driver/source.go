package driver

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/iotrace-xen/iotrace/xen"
)

// Origin is where a Source starts.
type Origin uint8

// The origins.
const (
	FromConst Origin = iota + 1
	FromArg
	FromRet
)

// MaxSteps is how often a Source may go through memory.
const MaxSteps = 2

// maxArg is the last argument that x86-64 passes in a register.
const maxArg = 5

// A Source says how to find a value: a start, then Steps times what lies at an
// offset from there, the last of Size bytes.
type Source struct {
	From   Origin
	Arg    uint8  // FromArg
	Const  uint64 // FromConst
	Steps  uint8
	Offset [MaxSteps]int32
	Size   uint8 // 1, 2, 4 or 8
}

// constants are the names that stand for numbers.
var constants = map[string]uint64{
	"port": uint64(xen.SpacePort), "memory": uint64(xen.SpaceMemory), "pci": uint64(xen.SpacePCI),
	"ram_rw": uint64(xen.MemRAMRW), "ram_ro": uint64(xen.MemRAMRO), "mmio_dm": uint64(xen.MemMMIODM),
	"unused": uint64(xen.MemUnused), "ioreq_server": uint64(xen.MemIOReqServer),
	"read": uint64(xen.AccessRead), "write": uint64(xen.AccessWrite),
}

var sizes = map[string]uint8{"u8": 1, "u16": 2, "u32": 4, "u64": 8}

// ParseSource reads a value as the package documentation describes it.
func ParseSource(text string) (Source, error) {
	s := Source{Size: 8}
	rest, size, sized := strings.Cut(text, ":")
	if sized {
		if s.Size = sizes[size]; s.Size == 0 {
			return s, fmt.Errorf("%q: size %q: want u8, u16, u32 or u64", text, size)
		}
	}
	base, offsets, _ := strings.Cut(rest, "[")
	if err := s.start(base); err != nil {
		return s, fmt.Errorf("%q: %w", text, err)
	}
	for offsets != "" {
		off, more, ok := strings.Cut(offsets, "]")
		n, err := strconv.ParseInt(off, 0, 32)
		switch {
		case !ok || err != nil:
			return s, fmt.Errorf("%q: offset %q: want a number in brackets", text, off)
		case s.From == FromConst:
			return s, fmt.Errorf("%q: a number has nothing behind it", text)
		case s.Steps == MaxSteps:
			return s, fmt.Errorf("%q: more than %d steps", text, MaxSteps)
		case more != "" && more[0] != '[':
			return s, fmt.Errorf("%q: %q behind a bracket", text, more)
		}
		s.Offset[s.Steps] = int32(n)
		s.Steps++
		offsets = strings.TrimPrefix(more, "[")
	}
	return s, nil
}

func (s *Source) start(base string) error {
	if n, ok := constants[base]; ok {
		s.From, s.Const = FromConst, n
		return nil
	}
	if base == "ret" {
		s.From = FromRet
		return nil
	}
	if arg, ok := strings.CutPrefix(base, "arg"); ok {
		n, err := strconv.ParseUint(arg, 10, 8)
		if err != nil || n > maxArg {
			return fmt.Errorf("argument %q: want arg0 to arg%d", base, maxArg)
		}
		s.From, s.Arg = FromArg, uint8(n)
		return nil
	}
	n, err := strconv.ParseUint(base, 0, 64)
	if err != nil {
		return fmt.Errorf("%q is no number, no name of Xen's, no argument and not ret", base)
	}
	s.From, s.Const = FromConst, n
	return nil
}
