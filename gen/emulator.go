package gen

import (
	"slices"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// An emulator is a device model: a process with one thread and one ioreq
// server. Being one thread, it does one thing after the other: whatever it does
// begins when it is free.
type emulator struct {
	dom  *domain
	id   xen.ServerID
	comm string
	by   format.Caller
	free uint64 // when it has done what it has to do so far

	ports []port // of the vCPUs' slots
	ring  port
	slots uint64 // that the ring has carried

	// handle is what it does between taking a request and answering it.
	handle func(*stream, xen.IOReq)
}

// port is an event channel between a domain and dom0.
type port struct{ local, remote xen.Port }

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

// start begins a device model: its process, its server with pages and ring, and
// its event channels.
func (m *emulator) start(s *stream) {
	m.by = s.host.process(s, m.comm)
	s.wait(callNS)
	m.id = m.dom.lowestFree()
	m.dmOp(s, xen.CreateIOReqServer{HandleBufIOReq: xen.BufAtomic})
	m.dom.servers[m.id] = m
	m.mapPages(s)
	m.allocate()
	info := xen.GetIOReqServerInfo{ID: m.id, Flags: xen.NoGFNs}
	out := info
	out.BufPort = m.ring.remote
	m.dmOpOut(s, info, out, 0)
	s.host.rings = append(s.host.rings, m)
	m.free = s.now
}

// allocate names the guest's end of the channels as Xen does: the ring's comes
// after the first vCPU's.
func (m *emulator) allocate() {
	m.ports = make([]port, len(m.dom.vcpus))
	for i := range m.ports {
		m.dom.port++
		m.ports[i].remote = m.dom.port
		if i == 0 {
			m.dom.port++
			m.ring.remote = m.dom.port
		}
	}
}

// bind binds dom0's end of a channel; Xen sends the first event at once.
func (m *emulator) bind(s *stream, p *port) {
	p.local = s.host.bind()
	s.wait(betweenNS)
	s.add(format.IoctlEnter{Dom: m.dom.id, Caller: m.by, Cmd: xen.EvtchnBindInterdomain, Arg: uint64(p.remote)}.Event(0))
	s.wait(interruptNS)
	s.add(format.PortEvent{Port: p.local, CPU: m.cpu(p)}.Event(format.KindEvtchnInterrupt, 0))
	s.wait(callNS)
	s.add(format.IoctlReturn{Dom: m.dom.id, Ret: int64(p.local)}.Event(0))
}

// look is the read that the first event of a slot's channel asks for: the slot is
// empty.
func (m *emulator) look(s *stream, v xen.VCPU) {
	p := &m.ports[v]
	s.wait(betweenNS)
	m.read(s, p)
	s.add(format.IOReq{
		Dom: m.dom.id, Server: m.id, VCPU: v, Caller: m.by, Port: p.local, Req: xen.IOReq{EPort: p.remote},
	}.Event(format.KindIOReq, 0))
	m.unmask(s, p)
}

func (m *emulator) read(s *stream, p *port) {
	s.add(format.PortEvent{Dom: m.dom.id, Port: p.local, Caller: m.by}.Event(format.KindEvtchnRead, 0))
}

// unmask lets the channel's next event come.
func (m *emulator) unmask(s *stream, p *port) {
	s.wait(unmaskNS)
	s.add(format.PortEvent{Dom: m.dom.id, Port: p.local, Caller: m.by}.Event(format.KindEvtchnUnmask, 0))
}

// cpu is the CPU that gets a port's interrupts.
func (m *emulator) cpu(p *port) uint32 { return uint32(p.local) % dom0CPUs }

const dom0CPUs = 4

// take is the way of an event from the guest to the device model's read, which
// then adds what it found.
func (m *emulator) take(s *stream, p *port, found func()) {
	s.wait(interruptNS)
	s.add(format.PortEvent{Port: p.local, CPU: m.cpu(p)}.Event(format.KindEvtchnInterrupt, 0))
	s.after(m.free)
	s.wait(wakeNS)
	found()
	m.unmask(s, p)
}

// serve is a request in a vCPU's slot, from the guest's exit to its next
// instruction.
func (m *emulator) serve(s *stream, v xen.VCPU, req xen.IOReq) {
	p := &m.ports[v]
	req.EPort = p.remote
	slot := format.IOReq{
		Dom: m.dom.id, Server: m.id, VCPU: v, Caller: m.by, Port: p.local, DataKnown: steers(&req), Req: req,
	}
	if !slot.DataKnown {
		slot.Req.Data = 0
	}
	m.take(s, p, func() {
		m.read(s, p)
		slot.Req.State = xen.StateReady
		s.add(slot.Event(format.KindIOReq, 0))
	})
	if m.handle != nil {
		m.handle(s, req)
	}
	s.wait(handleNS)
	slot.Req.State = xen.StateRespReady
	if req.Type == xen.TypePCIConfig && req.Dir == xen.DirRead {
		slot.Req.Data = register(req.Addr, req.Size)
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

// steers says whether a request's data is kept although the header says that
// data is not: addresses, and what decides where later requests go.
func steers(q *xen.IOReq) bool {
	return q.DataIsPtr || q.Type == xen.TypePCIConfig || q.Type == xen.TypePIO && q.Addr == portCF8
}

// drain takes requests out of the ring after the event that announced them.
func (m *emulator) drain(s *stream, writes []xen.IOReq) {
	m.take(s, &m.ring, func() {
		for _, w := range writes {
			m.slots++
			if w.Size == 8 {
				m.slots++
			}
			s.add(format.BufIOReq{
				Dom: m.dom.id, Server: m.id, Caller: m.by, Type: w.Type, Dir: w.Dir, Addr: uint32(w.Addr), Size: w.Size,
			}.Event(0))
		}
		m.read(s, &m.ring)
	})
	m.free = s.now
}

// stop destroys the server and ends the process.
func (m *emulator) stop(s *stream) {
	s.after(m.free)
	m.dmOp(s, xen.DestroyIOReqServer{ID: m.id})
	m.dom.servers[m.id] = nil
	s.wait(callNS)
	s.add(m.account())
	s.add(format.ProcessExit{PID: m.by.PID}.Event(0))
	h := s.host
	h.rings = slices.DeleteFunc(h.rings, func(x *emulator) bool { return x == m })
	for _, p := range append(m.ports, m.ring) {
		h.ports[p.local] = false
	}
	m.free = s.now
}

// account closes the account of the ring.
func (m *emulator) account() format.Event {
	return format.RingCount{Dom: m.dom.id, Server: m.id, Captured: m.slots}.Event(0)
}
