package gen

import (
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// The parts of a round trip through a device model, in ns.
const (
	interruptNS = 2_000  // from the vCPU's exit to dom0's interrupt
	wakeNS      = 12_000 // from there to the device model's read
	unmaskNS    = 1_500
	handleNS    = 10_000
	resumeNS    = 3_000 // from the answer to the guest's next instruction
	tripNS      = interruptNS + wakeNS + unmaskNS + handleNS + resumeNS
	tripEvents  = 5
)

// serve is a request in a vCPU's slot, from the guest's exit to its next
// instruction.
func (m *emulator) serve(s *stream, v xen.VCPU, q xen.IOReq) {
	c := m.slots[v]
	slot := m.slot(c, q)
	m.wakeUp(s, c)
	m.read(s, c)
	slot.Req.State = xen.StateReady
	s.add(slot.Event(format.KindIOReq, 0))
	m.unmask(s, c)
	m.handle(s, q)
	s.wait(handleNS)
	slot.Req.State = xen.StateRespReady
	if q.Type == xen.TypePCIConfig && q.Dir == xen.DirRead {
		slot.Req.Data = register(q.Addr, q.Size)
	}
	s.add(slot.Event(format.KindIOResp, 0))
	m.free = s.now
	s.wait(resumeNS)
}

// register is what a PCI register holds.
func register(addr uint64, size uint32) uint64 {
	d := dice{addr}
	return d.next() & (1<<(8*size) - 1)
}

// drain takes requests out of the ring after the event that announced them.
func (m *emulator) drain(s *stream, requests []xen.IOReq) {
	m.wakeUp(s, m.ring)
	for _, q := range requests {
		m.used++
		if q.Size == 8 {
			m.used++
		}
		s.add(format.BufIOReq{
			Dom: m.dom.id, Server: m.id, Caller: m.by, Type: q.Type, Dir: q.Dir, Addr: uint32(q.Addr), Size: q.Size,
		}.Event(0))
	}
	m.read(s, m.ring)
	m.unmask(s, m.ring)
	m.free = s.now
}

// wakeUp is the way of an event from the guest to the device model, which has to
// be free to take it.
func (m *emulator) wakeUp(s *stream, c *channel) {
	s.wait(interruptNS)
	s.interrupt(c.local)
	s.after(m.free)
	s.wait(wakeNS)
}

// interrupt is an event's arrival in dom0. Each port has its CPU.
func (s *stream) interrupt(p xen.Port) {
	s.add(format.PortEvent{Port: p, CPU: uint32(p) % dom0CPUs}.Event(format.KindEvtchnInterrupt, 0))
}

const dom0CPUs = 4

func (m *emulator) read(s *stream, c *channel) {
	s.add(format.PortEvent{Dom: m.dom.id, Port: c.local, Caller: m.by}.Event(format.KindEvtchnRead, 0))
}

// unmask lets the channel's next event come.
func (m *emulator) unmask(s *stream, c *channel) {
	s.wait(unmaskNS)
	s.add(format.PortEvent{Dom: m.dom.id, Port: c.local, Caller: m.by}.Event(format.KindEvtchnUnmask, 0))
}
