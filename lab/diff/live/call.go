package live

import (
	"fmt"
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/lab/diff"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/xen"
)

// call performs a step of the device models.
func (m *Machine) call(s diff.Step) (diff.Outcome, error) {
	switch s.Verb {
	case diff.Acquire:
		return m.acquire(s)
	case diff.GetType:
		t, errno := m.conn.MemType(xen.GFN(s.Arg("gfn")))
		if errno != xen.OK {
			return diff.Outcome{errno.String()}, nil
		}
		return diff.Outcome{fmt.Sprintf("type %d", t)}, nil
	case diff.Drain:
		return m.drain(), nil
	case diff.Memory:
		return diff.Pages(m.pool), nil
	}
	op, bufs, size := s.DMOp()
	bitmap := make([]byte, xen.PageSize)
	after, errno := m.conn.Call(op, uint16(bufs), size, bitmap)
	got := diff.Called(op, after, errno)
	if errno != xen.OK {
		return got, nil
	}
	switch s.Verb {
	case diff.Track:
		return append(got, diff.Dirty(xen.GFN(s.Arg("first")), bitmap)...), nil
	case diff.Destroy:
		id := xen.ServerID(s.Arg("id"))
		server, ok := m.servers[id]
		delete(m.servers, id)
		if ok {
			return got, server.Forget()
		}
	case diff.State:
		return got, m.server(xen.ServerID(s.Arg("id"))).Bind()
	}
	return got, nil
}

// server returns the server of an id, which Xen has said exists.
func (m *Machine) server(id xen.ServerID) *dm.Server {
	s, ok := m.servers[id]
	if !ok {
		s = m.conn.Adopt(id, xen.BufOff)
		m.servers[id] = s
	}
	return s
}

func (m *Machine) acquire(s diff.Step) (diff.Outcome, error) {
	id := xen.ServerID(s.Arg("id"))
	server, known := m.servers[id]
	if !known {
		server = m.conn.Adopt(id, xen.BufOff)
	}
	errno, err := server.AcquireFrames(uint32(s.Arg("frame")), int(s.Arg("nr")))
	if err != nil {
		return nil, err
	}
	if errno == xen.OK {
		m.servers[id] = server
		err = server.Bind()
	}
	return diff.Outcome{errno.String()}, err
}

// drain takes what is in the rings that are mapped, in the order of the ids.
func (m *Machine) drain() (o diff.Outcome) {
	for _, id := range slices.Sorted(maps.Keys(m.servers)) {
		for _, b := range m.servers[id].Drain() {
			o = append(o, diff.Entry(id, b.Type, b.Dir, uint64(b.Addr), b.Data, b.Size))
		}
	}
	return o
}
