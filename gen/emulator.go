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

	slots []*channel // of the vCPUs
	ring  *channel
	used  uint64 // slots of the ring that requests have taken

	// handle is what it does between taking a request and answering it.
	handle func(*stream, xen.IOReq)
}

// channel is an event channel between a vCPU's slot or a ring, and dom0.
type channel struct {
	local, remote xen.Port
	vcpu          xen.VCPU // NoVCPU: a ring's
}

func newEmulator(d *domain, comm string) emulator {
	m := emulator{dom: d, comm: comm, ring: &channel{vcpu: xen.NoVCPU}}
	for n := range d.vcpus {
		m.slots = append(m.slots, &channel{vcpu: xen.VCPU(n)})
	}
	return m
}

// channels are all of them, in the order in which a device model binds them.
func (m *emulator) channels() []*channel { return append(slices.Clone(m.slots), m.ring) }

// start begins a device model: its process, and its server with pages and ring.
func (m *emulator) start(s *stream) {
	m.by = s.host.process(s, m.comm)
	eff := m.dmOp(s, xen.CreateIOReqServer{HandleBufIOReq: xen.BufAtomic})
	m.id = xen.ServerID(eff.Out.Words[0] >> 32)
	m.dom.servers[m.id] = m
	m.mapPages(s)
	// Xen has given each channel its end in the domain: the ring's comes after
	// the first vCPU's.
	for i, c := range m.slots {
		m.dom.port++
		c.remote = m.dom.port
		if i == 0 {
			m.dom.port++
			m.ring.remote = m.dom.port
		}
	}
	info := xen.GetIOReqServerInfo{ID: m.id, Flags: xen.NoGFNs}
	out := info
	out.BufPort = m.ring.remote
	m.dmOpOut(s, info, out, 0)
	s.host.rings = append(s.host.rings, m)
	m.free = s.now
}

// each does something with some of the channels.
func (m *emulator) each(s *stream, some []*channel, do func(*stream, *channel)) {
	s.after(m.free)
	for _, c := range some {
		do(s, c)
	}
	m.free = s.now
}

// bind binds dom0's end of a channel; Xen sends the first event at once.
func (m *emulator) bind(s *stream, c *channel) {
	c.local = s.host.bind()
	s.wait(betweenNS)
	s.add(format.IoctlEnter{Dom: m.dom.id, Caller: m.by, Cmd: xen.EvtchnBindInterdomain, Arg: uint64(c.remote)}.Event(0))
	s.wait(interruptNS)
	s.interrupt(c.local)
	s.wait(callNS)
	s.add(format.IoctlReturn{Dom: m.dom.id, Ret: int64(c.local)}.Event(0))
}

// look is the read that the first event of a channel asks for. A slot is empty
// then.
func (m *emulator) look(s *stream, c *channel) {
	s.wait(betweenNS)
	m.read(s, c)
	if c.vcpu != xen.NoVCPU {
		s.add(m.slot(c, xen.IOReq{}).Event(format.KindIOReq, 0))
	}
	m.unmask(s, c)
}

// slot is a vCPU's slot with a request in it.
func (m *emulator) slot(c *channel, q xen.IOReq) format.IOReq {
	q.EPort = c.remote
	known := q.Steers()
	if !known {
		q.Data = 0
	}
	return format.IOReq{
		Dom: m.dom.id, Server: m.id, VCPU: c.vcpu, Caller: m.by, Port: c.local, DataKnown: known, Req: q,
	}
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
	for _, c := range m.channels() {
		h.unbind(c.local)
	}
	m.free = s.now
}

// account closes the account of the ring.
func (m *emulator) account() format.Event {
	return format.RingCount{Dom: m.dom.id, Server: m.id, Captured: m.used}.Event(0)
}
