package live

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/iotrace-xen/iotrace/lab/diff"
	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// vcpu is a vCPU of the prober that waits: at its doorbell, or with a request that
// is held.
type vcpu struct {
	asking dm.Request // its unanswered look at the doorbell
	held   *flight
}

// flight is what a vCPU performs: steps, the first of which is a command of that
// number, with the outcomes so far.
type flight struct {
	vcpu    xen.VCPU
	steps   []diff.Step
	command int
	got     []diff.Outcome
	served  int // requests of the first step that were in its outcome before it was held

	broadcasts int // lines of the first outcome that are of no request of an instruction

	request dm.Request // that is held
	answer  uint64
	gone    bool // its server was destroyed
}

// requests is how many requests the ith step has made.
func (f *flight) requests(i int) int {
	n := f.served + len(f.got[i])
	if i == 0 {
		n -= f.broadcasts
	}
	return n
}

// maxRequests is more than any instruction of a script makes: one with more is stuck.
const maxRequests = 3000

// isDoorbell says whether a request is the prober's look for commands.
func isDoorbell(q xen.IOReq) bool {
	return q.Type == xen.TypePIO && q.Addr == guest.ProberDoorbell && q.Dir == xen.DirRead && q.Size == 4
}

// start lets the domain run until all its vCPUs ask for commands.
func (m *Machine) start() error {
	if err := m.control.Unpause(); err != nil {
		return err
	}
	for range m.vcpus {
		r, end, err := m.next(silent)
		switch {
		case err != nil:
			return err
		case end != "":
			return fmt.Errorf("the prober, before it asked for a command: %s", end)
		case !isDoorbell(r.IOReq):
			return fmt.Errorf("the prober's first request: want its doorbell's, got %+v", r.IOReq)
		}
		m.vcpus[r.VCPU].asking = r
	}
	m.running = true
	return nil
}

// instructions has a vCPU perform steps and serves what they ask for.
func (m *Machine) instructions(steps []diff.Step) ([]diff.Outcome, error) {
	if !m.running {
		if err := m.start(); err != nil {
			return nil, err
		}
	}
	f := &flight{vcpu: steps[0].VCPU(), steps: steps, got: make([]diff.Outcome, len(steps))}
	c := &m.vcpus[f.vcpu]
	if c.held != nil {
		for i := range f.got {
			f.got[i] = diff.Outcome{diff.Busy}
		}
		return f.got, nil
	}
	for i, s := range steps {
		if err := guest.PutCommand(m.command(f.vcpu, i), s.Registers(), s.Code()); err != nil {
			return nil, err
		}
	}
	if err := c.asking.Server.Answer(c.asking, uint64(len(steps))); err != nil {
		return nil, err
	}
	return m.fly(f, silent)
}

// resume leaves the slot of the request that a vCPU is held with in a state, and goes on
// if that lets it.
func (m *Machine) resume(s diff.Step) ([]diff.Outcome, error) {
	c := &m.vcpus[s.VCPU()]
	f := c.held
	if f == nil {
		return []diff.Outcome{{diff.Idle}}, nil
	}
	srv, ok := m.servers[f.request.Server.ID]
	if f.gone || !ok || !srv.Slots() {
		got, err := m.fly(f, orphan)
		if err == nil && slices.Equal(got[0], diff.Outcome{diff.Stuck}) {
			f.got[0], got[0] = nil, diff.Outcome{diff.Hung}
		}
		return got, err
	}
	f.request.Server = srv.Server // another device model may have taken it over
	switch s.State() {
	case xen.StateRespReady:
		if err := srv.Answer(f.request, f.answer); err != nil {
			return nil, err
		}
	case xen.StateNone:
		if err := srv.Leave(f.request, xen.StateNone); err != nil {
			return nil, err
		}
	default:
		return m.leave(f, s.State())
	}
	c.held = nil
	return m.fly(f, silent)
}

// fly serves a vCPU's requests to the end of its steps, or up to the one that is held.
func (m *Machine) fly(f *flight, patience int) ([]diff.Outcome, error) {
	for {
		r, end, err := m.next(patience)
		if err == nil && end == "" && r.IOReq.Type == xen.TypeInvalidate {
			f.got[0] = f.got[0].Broadcast(r.Server.ID, r.IOReq)
			f.broadcasts++
			if err := r.Server.Answer(r, r.IOReq.Data); err != nil {
				return nil, err
			}
			continue
		}
		i := int(binary.LittleEndian.Uint32(m.shared[4*f.vcpu:])) - f.command
		switch {
		case err != nil:
			return nil, err
		case i < 0 || i >= len(f.steps):
			return nil, fmt.Errorf("the prober's progress: want less than %d steps from command %d on, got %d, at a request of vCPU %d: %+v",
				len(f.steps), f.command, i, r.VCPU, r.IOReq)
		case len(f.got[i]) == maxRequests:
			return append(m.results(f, i), diff.Outcome{diff.Stuck}), nil
		case end != "":
			return append(m.results(f, i), append(f.got[i], end)), nil
		case r.VCPU != f.vcpu:
			return nil, fmt.Errorf("a request of vCPU %d, while vCPU %d performs %v: %+v", r.VCPU, f.vcpu, f.steps[i], r.IOReq)
		case isDoorbell(r.IOReq):
			m.vcpus[f.vcpu].asking = r
			return m.results(f, len(f.steps)), nil
		}
		answer, sum := diff.Serve(r.IOReq, f.requests(i), m.pool)
		line := diff.Request(r.Server.ID, r.IOReq, sum)
		if f.served > 0 && len(f.got[i]) == f.broadcasts {
			f.got[i] = f.got[i].Beside(line)
		} else {
			f.got[i] = append(f.got[i], line)
		}
		if f.steps[i].Hold() && f.served == 0 {
			return append(m.results(f, i), m.hold(f, i, r, answer)), nil
		}
		if err := r.Server.Answer(r, answer); err != nil {
			return nil, err
		}
	}
}

// hold leaves a vCPU with a request that was served, in step i of its flight, and
// returns the step's outcome.
func (m *Machine) hold(f *flight, i int, r dm.Request, answer uint64) diff.Outcome {
	m.vcpus[f.vcpu].held = &flight{
		vcpu: f.vcpu, steps: f.steps[i : i+1], command: f.command + i, got: make([]diff.Outcome, 1), served: f.requests(i),
		request: r, answer: answer,
	}
	return f.got[i]
}

// command is the room of a vCPU's ith command.
func (m *Machine) command(v xen.VCPU, i int) []byte {
	return m.shared[guest.CommandAt(v, i)-guest.ProberProgress:][:guest.CommandSize]
}

// results are the outcomes of a flight's first n steps, with what they have left in
// the registers.
func (m *Machine) results(f *flight, n int) []diff.Outcome {
	for i, s := range f.steps[:n] {
		r, x := guest.Performed(m.command(f.vcpu, f.command+i))
		f.got[i] = f.got[i].Result(s, r, x)
	}
	return f.got[:n:n]
}
