package live

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/lab/diff"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/lab/xentrace"
	"github.com/iotrace-xen/iotrace/xen"
)

// call performs a step of the device models.
func (m *Machine) call(s diff.Step) (diff.Outcome, error) {
	switch s.Verb {
	case diff.Acquire:
		return m.acquire(s)
	case diff.GetType:
		t, errno := m.conns[0].MemType(xen.GFN(s.Arg("gfn")))
		if errno != xen.OK {
			return diff.Outcome{errno.String()}, nil
		}
		return diff.Outcome{fmt.Sprintf("type %d", t)}, nil
	case diff.LogDirty:
		return m.logDirty(s.Arg("op")), nil
	case diff.Decrease, diff.Populate, diff.Remove, diff.FillPoD:
		return m.balloon(s), nil
	case diff.Close:
		return nil, m.restart()
	case diff.Drain:
		return m.drain(), nil
	case diff.Memory:
		return diff.Pages(m.pool), nil
	case diff.Entries: // what the trace had up to here it tells afterwards: see Entries
		return diff.Outcome{diff.EntriesLost}, m.conns[0].Mark(xentrace.MarkEvent, uint32(m.at))
	}
	return m.dmOp(s)
}

// dmOp makes a dm_op and does what the device models do after it.
func (m *Machine) dmOp(s diff.Step) (diff.Outcome, error) {
	op, bufs, size := s.DMOp()
	more := make([]byte, xen.PageSize)
	if s.Verb == diff.Modified {
		more = extent(s)
	}
	c := m.conns[s.DeviceModel()]
	dom := c.Dom
	if s.Own() {
		dom = xen.Dom0
	}
	after, errno := c.Call(dom, op, uint16(bufs), size, more)
	got := diff.Called(op, after, errno)
	if errno != xen.OK {
		return got, nil
	}
	id := xen.ServerID(s.Arg("id"))
	switch s.Verb {
	case diff.Track:
		return append(got, diff.Dirty(xen.GFN(s.Arg("first")), more)...), nil
	case diff.Destroy:
		return got, m.destroyed(id)
	case diff.Info:
		return got, m.mapGFNs(s, after)
	case diff.State:
		if server, ok := m.servers[id]; ok {
			return got, server.Bind()
		}
	}
	return got, nil
}

// extent is modified_memory's second buffer (struct xen_dm_op_modified_memory_extent).
func extent(s diff.Step) []byte {
	first, nr := s.Extent()
	b := make([]byte, 16)
	binary.LittleEndian.PutUint32(b, nr)
	binary.LittleEndian.PutUint64(b[8:], uint64(first))
	return b
}

// logDirty performs a shadow_op.
func (m *Machine) logDirty(op uint64) diff.Outcome {
	bitmap := make([]byte, logDirtyBytes)
	if errno := m.conns[0].LogDirty(dm.LogDirtyOp(op), bitmap); errno != xen.OK {
		return diff.Outcome{errno.String()}
	}
	return diff.LoggedDirty(op, bitmap[guest.ProberPool/8:])
}

// logDirtyBytes has a bit for each frame up to the pool's last.
const logDirtyBytes = (uint64(guest.ProberPool) + diff.PoolPages + 7) / 8

// drain takes what is in the rings that are mapped, in the order of the ids.
func (m *Machine) drain() (o diff.Outcome) {
	for _, id := range slices.Sorted(maps.Keys(m.servers)) {
		for _, b := range m.servers[id].Drain() {
			o = append(o, diff.Entry(id, b.Type, b.Dir, uint64(b.Addr), b.Data, b.Size))
		}
	}
	return o
}
