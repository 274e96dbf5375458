// Package live performs the scripts of package diff on a domain of a real Xen: it
// is all of the domain's device models, and commands the prober in it.
//
// The domain must be fresh: paused, with the prober loaded, without an ioreq server.
// A script's first steps make the server that owns the prober's doorbell; when the
// first instruction comes, the domain is let run. All dm_ops are made while the
// guest waits at its doorbell, so that no access of a script is in flight.
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
	conn    *dm.Conn
	control Control
	servers map[xen.ServerID]*dm.Server
	shared  []byte // the prober's progress and commands
	pool    diff.Pool
	running bool
	asking  dm.Request // the prober's unanswered look at its doorbell
}

// sharedFirst is the first frame that the prober shares with us.
const (
	sharedFirst = xen.GFN(guest.ProberProgress >> xen.PageShift)
	sharedPages = (guest.ProberEnd - guest.ProberProgress) / xen.PageSize
)

// Open takes over a domain with one vCPU.
func Open(dom xen.DomID, control Control) (*Machine, error) {
	conn, err := dm.Open(dom, 1, nil)
	if err != nil {
		return nil, err
	}
	m := &Machine{conn: conn, control: control, servers: map[xen.ServerID]*dm.Server{}}
	if m.shared, err = conn.Frames(sharedFirst, sharedPages); err == nil {
		m.pool, err = conn.Frames(guest.ProberPool, diff.PoolPages)
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	clear(m.pool)
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
	return errors.Join(err, m.conn.Close())
}

// Run performs a script and returns the outcome of every step. They are fewer than
// the steps if the domain came to an end: see diff.Outcome.Ended.
func (m *Machine) Run(s diff.Script) ([]diff.Outcome, error) {
	var all []diff.Outcome
	steps := s.Steps
	for len(steps) > 0 {
		n := batch(steps)
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

// batch returns how many steps are performed at once: one call, or all the
// instructions up to the next call.
func batch(steps []diff.Step) int {
	n := 0
	for n < len(steps) && n < guest.MaxCommands && steps[n].Verb.Guest() {
		n++
	}
	return max(n, 1)
}

func (m *Machine) perform(steps []diff.Step) ([]diff.Outcome, error) {
	if steps[0].Verb.Guest() {
		return m.instructions(steps)
	}
	got, err := m.call(steps[0])
	return []diff.Outcome{got}, err
}

// The prober is looked after when it has done nothing for quiet. If it has silent
// times, or makes more than maxRequests in one step, it is stuck: no instruction of
// a script has that many elements.
const (
	quiet       = time.Second
	silent      = 20
	maxRequests = 3000
)

// next returns the next request, or how the domain came to an end.
func (m *Machine) next() (r dm.Request, end string, err error) {
	if r, ok := m.conn.Peek(); ok {
		return r, "", nil
	}
	for range silent {
		r, err = m.conn.Next(quiet)
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

// isDoorbell says whether a request is the prober's look for commands.
func isDoorbell(q xen.IOReq) bool {
	return q.Type == xen.TypePIO && q.Addr == guest.ProberDoorbell && q.Dir == xen.DirRead && q.Size == 4
}

// start lets the domain run until it asks for commands.
func (m *Machine) start() error {
	if err := m.control.Unpause(); err != nil {
		return err
	}
	r, end, err := m.next()
	switch {
	case err != nil:
		return err
	case end != "":
		return fmt.Errorf("the prober, before it asked for a command: %s", end)
	case !isDoorbell(r.IOReq):
		return fmt.Errorf("the prober's first request: want its doorbell's, got %+v", r.IOReq)
	}
	m.running, m.asking = true, r
	return nil
}

// instructions has the prober perform steps and serves what they ask for.
func (m *Machine) instructions(steps []diff.Step) ([]diff.Outcome, error) {
	if !m.running {
		if err := m.start(); err != nil {
			return nil, err
		}
	}
	for i, s := range steps {
		if err := guest.PutCommand(m.command(i), s.Registers(), s.Code()); err != nil {
			return nil, err
		}
	}
	if err := m.asking.Server.Answer(m.asking, uint64(len(steps))); err != nil {
		return nil, err
	}
	got := make([]diff.Outcome, len(steps))
	for {
		r, end, err := m.next()
		i := int(binary.LittleEndian.Uint32(m.shared))
		switch {
		case err != nil:
			return nil, err
		case i >= len(steps):
			return nil, fmt.Errorf("the prober's progress: want less than %d, got %d", len(steps), i)
		case len(got[i]) == maxRequests:
			return append(m.results(steps[:i], got[:i]), diff.Outcome{diff.Stuck}), nil
		case end != "":
			got[i] = append(got[i], end)
			return m.results(steps[:i], got[:i+1]), nil
		case isDoorbell(r.IOReq):
			m.asking = r
			return m.results(steps, got), nil
		}
		answer, sum := diff.Serve(r.IOReq, len(got[i]), m.pool)
		got[i] = append(got[i], diff.Request(r.Server.ID, r.IOReq, sum))
		if err := r.Server.Answer(r, answer); err != nil {
			return nil, err
		}
	}
}

func (m *Machine) command(i int) []byte {
	return m.shared[guest.ProberCommands-guest.ProberProgress+i*guest.CommandSize:][:guest.CommandSize]
}

// results adds what the steps that were performed have left in the registers.
func (m *Machine) results(steps []diff.Step, got []diff.Outcome) []diff.Outcome {
	for i, s := range steps {
		r, x := guest.Performed(m.command(i))
		got[i] = got[i].Result(s, r, x)
	}
	return got
}
