package engine

import "github.com/iotrace-xen/iotrace/xen"

// walk is what becomes of an exact p2m when the processor walks it for the next
// element's operands. The exits for that are no Effects: Result.Walks has their cost.
func (x *Execution) walk() {
	size := int(x.in.Size)
	switch x.in.Kind {
	case InstrIn, InstrOut, InstrIns, InstrOuts: // the exit for the port comes first
	case InstrLoad:
		x.touch(x.addr, size, false)
	case InstrStore, InstrStos:
		x.touch(x.addr, size, true)
	case InstrMovs:
		if x.touch(x.src, size, false) {
			x.touch(x.addr, size, true)
		}
	default:
		if x.touch(x.addr, size, false) {
			x.touch(x.addr, size, true)
		}
	}
}

// touch walks to an operand's pages in their order and says whether it comes
// through: it ends at one that traps. Marks on the way are resolved, and log-dirty
// pages that are to be written become ram_rw.
func (x *Execution) touch(gpa uint64, n int, write bool) bool {
	traps := P2MTypes(readTraps)
	if write {
		traps = writeTraps
	}
	l := x.d.exact()
	for at := range parts(gpa, n) {
		g := xen.GFNOf(at)
		if g > maxFrame {
			return false
		}
		l.settle(g, write, &x.res.Walks)
		switch t := l.at(g); {
		case t.Set()&traps != 0:
			return false
		case write && t == P2MLogDirty:
			l.dirtied(g, &x.res.Walks)
		}
	}
	return true
}
