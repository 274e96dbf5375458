// Package live performs the scripts of package diff on a domain of a real Xen: it
// is all of the domain's device models, and commands the prober in it.
//
// The domain must be fresh: paused, with the prober loaded, without an ioreq server.
// A script's first steps make the server that owns the prober's doorbell; when the
// first instruction comes, the domain is let run. All dm_ops are made while the
// guest waits: a vCPU is at its doorbell, or has an access in flight that the script
// holds. So only one runs at a time, and what happens has one order.
package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/iotrace-xen/iotrace/lab/diff"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// Control is what it takes of a toolstack.
type Control struct {
	Unpause func() error
	Crashed func() (bool, error)
}

// Machine is a domain that scripts are performed on, one script a domain.
type Machine struct {
	conns   [diff.DeviceModels]*dm.Conn
	control Control
	servers map[xen.ServerID]server // with pages that are mapped
	shared  []byte                  // the prober's progress and commands
	pool    diff.Pool
	vcpus   []vcpu
	running bool
	at      int // index of the first step that is being performed
}

// sharedFirst is the first frame that the prober shares with us.
const (
	sharedFirst = xen.GFN(guest.ProberProgress >> xen.PageShift)
	sharedPages = (guest.ProberEnd - guest.ProberProgress) / xen.PageSize
)

// Open takes over a domain with that many vCPUs.
func Open(dom xen.DomID, vcpus int, control Control) (*Machine, error) {
	m := &Machine{control: control, servers: map[xen.ServerID]server{}, vcpus: make([]vcpu, vcpus)}
	var err error
	for i := range m.conns {
		if m.conns[i], err = dm.Open(dom, vcpus, nil); err != nil {
			return nil, errors.Join(err, m.Close())
		}
	}
	if m.shared, err = m.conns[0].Frames(sharedFirst, sharedPages); err == nil {
		m.pool, err = m.conns[0].Frames(guest.ProberPool, diff.PoolPages)
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	clear(m.pool)
	clear(m.shared)
	binary.LittleEndian.PutUint32(m.shared[guest.ProberVCPUs-guest.ProberProgress:], uint32(vcpus))
	return m, nil
}

// Close gives up all mappings and channels, so that the domain can go.
func (m *Machine) Close() (err error) {
	for _, s := range m.servers {
		err = errors.Join(err, s.Forget())
	}
	for _, mem := range [][]byte{m.shared, m.pool} {
		if mem != nil {
			err = errors.Join(err, syscall.Munmap(mem))
		}
	}
	for _, c := range m.conns {
		if c != nil {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}

// Run performs a script and returns the outcome of every step. They are fewer than
// the steps if the domain came to an end: see diff.Outcome.Ended.
func (m *Machine) Run(s diff.Script) ([]diff.Outcome, error) {
	var all []diff.Outcome
	steps := s.Steps
	for len(steps) > 0 {
		n := batch(steps)
		m.at = len(all)
		got, err := m.perform(steps[:n])
		if err != nil {
			return all, fmt.Errorf("step %d, %v: %w", len(all)+len(got)+1, steps[min(len(got), n-1)], err)
		}
		all = append(all, got...)
		if got[len(got)-1].Ended() {
			return all, nil
		}
		steps = steps[n:]
	}
	return all, nil
}

// batch returns how many steps are performed at once: one call, or a vCPU's
// instructions up to the next call, or up to the first that is held.
func batch(steps []diff.Step) int {
	n := 0
	for n < len(steps) && n < guest.MaxCommands && steps[n].Verb.Guest() && steps[n].VCPU() == steps[0].VCPU() {
		n++
		if steps[n-1].Hold() {
			break
		}
	}
	return max(n, 1)
}

func (m *Machine) perform(steps []diff.Step) ([]diff.Outcome, error) {
	switch {
	case steps[0].Verb.Guest():
		return m.instructions(steps)
	case steps[0].Verb == diff.Resume:
		return m.resume(steps[0])
	}
	got, err := m.call(steps[0])
	return []diff.Outcome{got}, err
}

// The prober is looked after when it has done nothing for quiet. If it has silent
// times, it is stuck; a vCPU whose server is gone, after fewer.
const (
	quiet  = time.Second
	silent = 20
	orphan = 3
)

// yields is how often the guest is let run before its event is waited for.
const yields = 8

// next returns the next request, or how the domain came to an end: it is stuck if it
// is quiet that many times.
func (m *Machine) next(silent int) (r dm.Request, end string, err error) {
	for range yields {
		for _, c := range m.conns {
			if r, ok := c.Peek(); ok {
				return r, "", nil
			}
		}
		if err := m.conns[0].Yield(); err != nil {
			return r, "", err
		}
	}
	for range silent {
		r, err = m.wait()
		if !errors.Is(err, dm.ErrQuiet) {
			return r, "", err
		}
		crashed, err := m.control.Crashed()
		if err != nil {
			return r, "", err
		}
		if crashed {
			return r, diff.Crash, nil
		}
	}
	return r, diff.Stuck, nil
}

// wait waits for a request to any of the device models.
func (m *Machine) wait() (r dm.Request, err error) {
	for {
		if err := dm.Wait(quiet, m.conns[:]...); err != nil {
			return r, err
		}
		for _, c := range m.conns {
			if r, err = c.Next(0); !errors.Is(err, dm.ErrQuiet) {
				return r, err
			}
		}
	}
}
