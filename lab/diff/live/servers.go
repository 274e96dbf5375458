package live

import (
	"errors"

	"github.com/iotrace-xen/iotrace/lab/diff"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/xen"
)

// server is a server with the device model that mapped its pages first, and that
// serves it.
type server struct {
	*dm.Server
	dm int
}

// acquire maps pages. What a device model maps of another one's server it gives back.
func (m *Machine) acquire(s diff.Step) (diff.Outcome, error) {
	id, by := xen.ServerID(s.Arg("id")), s.DeviceModel()
	srv, known := m.servers[id]
	if !known || srv.dm != by {
		srv = server{m.conns[by].Adopt(id, xen.BufOff), by}
	}
	errno, err := srv.AcquireFrames(uint32(s.Arg("frame")), int(s.Arg("nr")))
	got := diff.Outcome{errno.String()}
	switch {
	case err != nil || errno != xen.OK:
		return got, err
	case known && m.servers[id].dm != by:
		return got, srv.UnmapPages()
	}
	m.servers[id] = srv
	return got, srv.Bind()
}

// mapGFNs maps pages where get_ioreq_server_info says that the guest has them, if
// nobody has mapped them yet.
func (m *Machine) mapGFNs(s diff.Step, after xen.DMOp) error {
	info, ok := after.DecodeBody().(xen.GetIOReqServerInfo)
	if !ok || info.Flags&xen.NoGFNs != 0 {
		return nil
	}
	if _, known := m.servers[info.ID]; known {
		return nil
	}
	srv := server{m.conns[s.DeviceModel()].Adopt(info.ID, xen.BufOff), s.DeviceModel()}
	if ok, err := srv.MapGFNs(info.IOReqGFN, info.BufReqGFN); !ok || err != nil {
		return err
	}
	m.servers[info.ID] = srv
	return srv.Bind()
}

// destroyed forgets a server. What is held of it nobody will answer.
func (m *Machine) destroyed(id xen.ServerID) error {
	for _, c := range m.vcpus {
		if c.held != nil && c.held.request.Server.ID == id {
			c.held.gone = true
		}
	}
	srv, ok := m.servers[id]
	if !ok {
		return nil
	}
	delete(m.servers, id)
	return srv.Forget()
}

// restart ends a device model as the end of its process would, and starts it anew.
func (m *Machine) restart() error {
	old := m.conns[diff.Closes]
	err := old.Close()
	for id, srv := range m.servers {
		if srv.dm == diff.Closes {
			delete(m.servers, id)
			err = errors.Join(err, srv.UnmapPages())
		}
	}
	var e error
	m.conns[diff.Closes], e = dm.Open(old.Dom, len(m.vcpus), nil) // nil if it can't
	return errors.Join(err, e)
}
