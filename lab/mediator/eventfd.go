package mediator

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// A session with eventfds: of the guest's writes in each pass of guest.OpMMIO the
// kernel answers some, and we all others.
const (
	Passes      = 10
	Registers   = 100 // whose writes the kernel answers
	Signals     = 50
	passCount   = 200
	registerGap = 8          // from one to the next
	registerAt  = 4          // of the first of these bytes
	written     = 0x53000000 // to register n, with n in the low bits
)

// PlayEventFDs plays it.
func PlayEventFDs(c *dm.Conn) error {
	m := newMediator(c, Options{})
	for _, part := range []func() error{m.create, m.ranges, m.enable, m.delegate} {
		if err := part(); err != nil {
			return err
		}
	}
	for range Passes {
		if _, err := m.do(guest.OpMMIO, passCount); err != nil {
			return err
		}
	}
	if err := m.signal(); err != nil {
		return err
	}
	for _, e := range m.delegated {
		if err := e.Close(); err != nil {
			return err
		}
	}
	m.delegated = nil
	if _, err := m.do(guest.OpMMIO, passCount); err != nil {
		return err
	}
	return m.destroy()
}

// delegate has the kernel answer the writes to the first registers.
func (m *mediator) delegate() error {
	m.delegated = map[uint64]*dm.IOEventFD{}
	for n := range uint16(Registers) {
		n++ // the guest writes to none with number 0
		addr := uint64(guest.MMIO) + registerGap*uint64(n) + registerAt
		e, err := m.main.AnswerWrites(addr, n)
		if err != nil {
			return err
		}
		m.delegated[addr] = e
	}
	return nil
}

// catchUp does what is due for a write that the kernel has answered: the guest reads
// each register behind its write.
func (m *mediator) catchUp(req dm.Request) error {
	q := req.IOReq
	e := m.delegated[q.Addr]
	if e == nil || q.Dir != xen.DirRead {
		return nil
	}
	data := written + (q.Addr-guest.MMIO)/registerGap
	n, err := e.Answered(req.VCPU, data)
	if err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("register %#x: want one write answered before it is read, got %d", q.Addr, n)
	}
	put(m.device.at(q.Type, q.Addr, q.Size), data)
	return nil
}

// signal has the kernel raise an interrupt that the guest has masked.
func (m *mediator) signal() error {
	irq, err := m.conn.MakeOnSignal(xen.SetISAIRQLevel{IRQ: 5, Level: 1})
	if err != nil {
		return err
	}
	for range Signals {
		if err := irq.Signal(); err != nil {
			return err
		}
	}
	return irq.Close()
}
