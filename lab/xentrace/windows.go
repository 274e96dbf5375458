package xentrace

import (
	"errors"

	"github.com/iotrace-xen/iotrace/xen"
)

// Window is the part of a trace up to a mark, from the mark before or the beginning.
type Window struct {
	Sets  uint64 // calls of p2m_set_entry, on NPT: p2m_pt_set_entry
	Whole bool   // no record of it was lost
}

// Windows returns the windows by the number of the mark that ends each, as to a
// domain's frames from one on. What is behind the last mark is in none. The order of
// records is that of one CPU: a file with records of several is an error.
func Windows(file []byte, dom xen.DomID, from xen.GFN) (map[uint32]Window, error) {
	all := map[uint32]Window{}
	now := Window{Whole: true}
	cpus := map[uint32]bool{}
	for r, err := range Records(file) {
		if err != nil {
			return nil, err
		}
		switch r.Event {
		case eventCPU:
			if cpus[r.Words[0]] = true; len(cpus) > 1 {
				return nil, errors.New("xentrace: records of several CPUs, want one")
			}
		case eventLost:
			now.Whole = false
		case eventSetP2M:
			if r.domain() == dom && r.gfn() >= from {
				now.Sets++
			}
		case eventMark:
			all[r.Words[0]] = now
			now = Window{Whole: true}
		}
	}
	return all, nil
}

// domain is that of a SET_P2M_ENTRY: the order is in the upper half of its word.
func (r *Record) domain() xen.DomID { return xen.DomID(r.Words[5]) }

// gfn is the frame of a SET_P2M_ENTRY.
func (r *Record) gfn() xen.GFN { return xen.GFN(uint64(r.Words[1])<<32 | uint64(r.Words[0])) }
