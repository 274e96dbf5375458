package live

import (
	"github.com/iotrace-xen/iotrace/lab/diff"
	"github.com/iotrace-xen/iotrace/xen"
)

// leave leaves the slot of a request that is held in a state that is no answer, and
// looks what Xen makes of it.
func (m *Machine) leave(f *flight, state xen.State) ([]diff.Outcome, error) {
	srv := f.request.Server
	if err := srv.Leave(f.request, state); err != nil {
		return nil, err
	}
	for range yields { // the vCPU has seen it then, and waits again
		if err := m.conns[0].Yield(); err != nil {
			return nil, err
		}
	}
	crashed, err := m.control.Crashed()
	if err != nil {
		return nil, err
	}
	if crashed {
		return []diff.Outcome{{diff.Crash}}, nil
	}
	srv.TakeUp(f.request) // what is READY would be taken for a new one
	return []diff.Outcome{{diff.Waits}}, nil
}
