package live

import (
	"github.com/iotrace-xen/iotrace/lab/diff"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/xen"
)

// balloon makes a call that gives the domain memory or takes it. Frames of the pool
// must not be taken: they are mapped here.
func (m *Machine) balloon(s diff.Step) diff.Outcome {
	gfn, conn := xen.GFN(s.Arg("gfn")), m.conns[0]
	extents := dm.Extents{First: gfn, N: s.Arg("nr"), Order: uint32(s.Arg("order"))}
	var n uint64
	var errno xen.Errno
	switch s.Verb {
	case diff.Remove:
		return diff.Outcome{conn.Remove(gfn).String()}
	case diff.FillPoD:
		return diff.Outcome{conn.FillPoD(s.Arg("nr")).String()}
	case diff.Decrease:
		n, errno = conn.Decrease(extents)
	default:
		n, errno = conn.Populate(extents, s.Arg("pod") != 0)
	}
	if errno != xen.OK {
		return diff.Outcome{errno.String()}
	}
	return diff.Ballooned(n)
}
