package gen

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A place of the host has one domain after another. Its turns are those of the
// toolstack.
type place struct {
	host     *host
	mediated bool
	script   []func(*stream) // the steps that are left of this life
	dom      *domain
	xl       format.Caller
}

// turn is the next step of the domain's life, or the beginning of another.
func (p *place) turn(s *stream) {
	if len(p.script) == 0 {
		p.write()
	}
	step := p.script[0]
	p.script = p.script[1:]
	s.sleep(200_000)
	step(s)
	s.wake = max(s.wake, s.now)
}

// write writes the script of a life.
func (p *place) write() {
	p.script = append(p.script, p.build, p.model)
	for first := range p.host.cfg.VCPUs {
		if first%bindings == 0 {
			p.script = append(p.script, p.bind(func() *emulator { return &p.dom.qemu.emulator }, first))
		}
	}
	for first := 0; first < len(qemuRanges); first += rangesAtOnce {
		p.script = append(p.script, p.ranges(first))
	}
	p.script = append(p.script, p.prepare)
	p.looks(func() *emulator { return &p.dom.qemu.emulator })
	life := p.host.dice.between(p.host.cfg.Life/2, p.host.cfg.Life*3/2)
	if p.mediated {
		p.mediate()
		if p.host.dice.oneIn(3) {
			p.script = append(p.script, p.unpause, p.live(life/2), p.pause, p.detach)
			p.mediate()
		}
	}
	p.script = append(p.script, p.unpause, p.live(life), p.pause)
	if p.mediated {
		p.script = append(p.script, p.detach)
	}
	p.script = append(p.script, p.destroy)
}

// How much one turn does.
const (
	bindings     = 16
	rangesAtOnce = 16
)

// build makes the domain and gives it memory.
func (p *place) build(s *stream) {
	h := p.host
	p.xl = h.process(s, "xl")
	s.wait(callNS)
	id := s.createDomain(p.xl)
	p.dom = &domain{
		host: h, id: id, port: 2, firmware: 40, stretch: plainGap,
		engine: engine.New(engine.Config{Dom: id, Profile: h.profile, Complete: true}),
	}
	for n := range h.cfg.VCPUs {
		p.dom.vcpus = append(p.dom.vcpus, newVCPU(p.dom, n))
	}
	s.domctl(id, p.xl, domctlMaxVCPUs)
	s.domctl(id, p.xl, domctlMaxMem)
	for param := uint64(0x10); param < 0x14; param++ {
		w := [4]uint64{param<<32 | uint64(id), 1}
		s.hypercall(id, p.xl, xen.HyperHVMOp, uint64(xen.HVMSetParam), w, w, 0)
	}
	s.populate(id, p.xl, 0xa0, 0)
	for range h.dice.between(2, 6) {
		s.populate(id, p.xl, 4, 9)
	}
	s.ioctl(id, p.xl, xen.PrivcmdMmapBatchV2, 64, 0)
}

// model starts QEMU.
func (p *place) model(s *stream) {
	p.dom.qemu = newQEMU(p.dom)
	p.dom.qemu.start(s)
	p.dom.qemu.enable(s, 1)
	p.dom.qemu.free = s.now
}

// bind binds some of a device model's channels, from the vCPU first on; the
// ring's with the first.
func (p *place) bind(of func() *emulator, first int) func(*stream) {
	return func(s *stream) {
		m := of()
		s.after(m.free)
		for i := first; i < min(first+bindings, len(m.ports)); i++ {
			m.bind(s, &m.ports[i])
		}
		if first == 0 {
			m.bind(s, &m.ring)
		}
		m.free = s.now
	}
}

// looks appends the reads of a device model's empty slots.
func (p *place) looks(of func() *emulator) {
	for first := 0; first < p.host.cfg.VCPUs; first += bindings {
		p.script = append(p.script, func(s *stream) {
			m := of()
			s.after(m.free)
			for i := first; i < min(first+bindings, len(m.ports)); i++ {
				m.look(s, xen.VCPU(i))
			}
			if first == 0 {
				s.wait(betweenNS)
				m.read(s, &m.ring)
				m.unmask(s, &m.ring)
			}
			m.free = s.now
		})
	}
}

// ranges registers some of QEMU's ranges.
func (p *place) ranges(first int) func(*stream) {
	return func(s *stream) {
		q := p.dom.qemu
		s.after(q.free)
		for _, r := range qemuRanges[first:min(first+rangesAtOnce, len(qemuRanges))] {
			q.mapRange(s, r)
		}
		q.free = s.now
	}
}

func (p *place) prepare(s *stream) {
	s.populate(p.dom.id, p.dom.qemu.by, 4, 9)
	p.dom.qemu.prepare(s)
}

// unpause lets the guest run; the toolstack's process ends.
func (p *place) unpause(s *stream) {
	s.domctl(p.dom.id, p.xl, domctlUnpause)
	s.wait(callNS)
	s.add(format.ProcessExit{PID: p.xl.PID}.Event(0))
	p.dom.due, p.dom.paused = s.now, false
	if p.dom.vcpus[0].s != nil { // they were only halted
		return
	}
	for _, v := range p.dom.vcpus {
		v.s = p.host.spawn(s.now+p.host.dice.below(1e6), v.turn)
	}
	p.host.spawn(s.now+1e6, p.dom.qemu.background())
}

// mediate appends the coming of a mediator.
func (p *place) mediate() {
	var m *mediator
	of := func() *emulator { return &m.emulator }
	p.script = append(p.script, func(s *stream) {
		m = newMediator(p.dom)
		m.start(s)
	})
	for first := 0; first < p.host.cfg.VCPUs; first += bindings {
		p.script = append(p.script, p.bind(of, first))
	}
	p.looks(of)
	p.script = append(p.script, func(s *stream) {
		m.attach(s)
		p.host.spawn(s.now, m.background())
	})
}

// live waits until the domain has had so many events.
func (p *place) live(events uint64) func(*stream) {
	var wait func(*stream)
	wait = func(s *stream) {
		if p.dom.planned >= events {
			return
		}
		p.script = append([]func(*stream){wait}, p.script...)
		s.sleep(min((events-p.dom.planned)*p.host.gap/2+1e6, 1e9))
	}
	return wait
}

func (p *place) detach(s *stream) { p.dom.mediator.detach(s) }

// pause halts the guest; the next step comes when what it has begun is done. No
// server comes or goes but under a halted guest.
func (p *place) pause(s *stream) {
	p.xl = p.host.process(s, "xl")
	s.wait(callNS)
	s.domctl(p.dom.id, p.xl, domctlPause)
	p.dom.paused = true
	s.wake = s.now + 1
	for _, v := range p.dom.vcpus {
		s.wake = max(s.wake, v.s.now+1)
	}
}

// destroy ends QEMU and the domain.
func (p *place) destroy(s *stream) {
	p.dom.stopped = true
	p.dom.qemu.stop(s)
	s.domctl(p.dom.id, p.xl, domctlDestroy)
	delete(p.host.used, p.dom.id)
	s.add(format.ProcessExit{PID: p.xl.PID}.Event(0))
	p.dom = nil
	s.sleep(20e6 + p.host.dice.below(60e6))
}
