package gen

import (
	"slices"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A place of the host has one domain after another. Its turns are the steps of
// the domain's life, most of them the toolstack's.
type place struct {
	host     *host
	mediated bool
	script   []func(*stream) // the steps that are left of this life
	dom      *domain
	xl       format.Caller
}

// stepNS lies between two steps.
const stepNS = 200_000

// turn is the next step of the domain's life, or the beginning of another.
func (p *place) turn(s *stream) {
	step := p.build
	if len(p.script) > 0 {
		step = p.script[0]
		p.script = p.script[1:]
	}
	s.wake = 0
	step(s)
	if s.wake == 0 {
		s.sleep(stepNS)
	}
}

func (p *place) then(steps ...func(*stream)) { p.script = append(p.script, steps...) }

// write writes the script of a life from its model's start on.
func (p *place) write() {
	q := p.dom.qemu
	p.then(q.start, func(s *stream) { q.enable(s, 1) })
	p.connect(&q.emulator)
	for some := range slices.Chunk(qemuRanges, stepSize) {
		p.then(func(s *stream) { q.register(s, some) })
	}
	p.then(q.prepare)
	life := p.host.dice.between(p.host.cfg.Life/2, p.host.cfg.Life*3/2)
	if p.mediated {
		p.mediate()
		if p.host.dice.oneIn(3) {
			p.then(p.unpause, p.live(life/2), p.pause, p.detach)
			p.mediate()
		}
	}
	p.then(p.unpause, p.live(life), p.pause)
	if p.mediated {
		p.then(p.detach)
	}
	p.then(p.destroy)
}

// stepSize is how much of a long list one step does.
const stepSize = 16

// connect appends the binding of a device model's channels and its first reads of
// them.
func (p *place) connect(m *emulator) {
	channels := m.channels()
	for some := range slices.Chunk(channels, stepSize) {
		p.then(func(s *stream) { m.each(s, some, m.bind) })
	}
	for some := range slices.Chunk(channels, stepSize) {
		p.then(func(s *stream) { m.each(s, some, m.look) })
	}
}

// mediate appends the coming of a mediator.
func (p *place) mediate() {
	m := newMediator(p.dom)
	p.then(m.start)
	p.connect(&m.emulator)
	p.then(func(s *stream) {
		m.attach(s)
		p.host.spawn(s.now, m.background())
	})
}

func (p *place) detach(s *stream) { p.dom.mediator.detach(s) }

// build makes the domain and gives it memory.
func (p *place) build(s *stream) {
	h := p.host
	p.xl = h.process(s, "xl")
	id := s.createDomain(p.xl)
	d := &domain{
		host: h, id: id, firmware: firmwareTurns, stretch: plainGap,
		engine: engine.New(engine.Config{Dom: id, Profile: h.profile, Complete: true}),
	}
	for n := range h.cfg.VCPUs {
		d.vcpus = append(d.vcpus, newVCPU(d, n))
	}
	s.domctl(id, p.xl, xen.DomctlMaxVCPUs)
	s.domctl(id, p.xl, xen.DomctlMaxMem)
	for range storeAndConsole {
		d.port++
		w := [4]uint64{uint64(id)}
		out := [4]uint64{uint64(id) | uint64(d.port)<<32}
		s.hypercall(id, p.xl, xen.HyperEventChannel, uint64(xen.EventAllocUnbound), w, out, 0)
	}
	s.populate(id, p.xl, 0xa0, 0)
	for range h.dice.between(2, 6) {
		s.populate(id, p.xl, 4, 9)
	}
	s.ioctl(id, p.xl, xen.PrivcmdMmapBatchV2, 64, 0)
	d.qemu = newQEMU(d)
	p.dom = d
	p.write()
}

const (
	// storeAndConsole are the ports that a domain has before its vCPUs'.
	storeAndConsole = 2
	// firmwareTurns are what the first vCPU does before the others begin.
	firmwareTurns = 40
)

// unpause lets the guest run; the toolstack's process ends.
func (p *place) unpause(s *stream) {
	s.domctl(p.dom.id, p.xl, xen.DomctlUnpause)
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

// live waits until the domain has had so many events.
func (p *place) live(events uint64) func(*stream) {
	var wait func(*stream)
	wait = func(s *stream) {
		if p.dom.planned < events {
			p.script = append([]func(*stream){wait}, p.script...)
			s.sleep(min((events-p.dom.planned)*p.host.gap/2+1e6, 1e9))
		}
	}
	return wait
}

// pause halts the guest; the next step comes when what it has begun is done. No
// server comes or goes but under a halted guest.
func (p *place) pause(s *stream) {
	p.xl = p.host.process(s, "xl")
	s.domctl(p.dom.id, p.xl, xen.DomctlPause)
	p.dom.paused = true
	for _, v := range p.dom.vcpus {
		s.wake = max(s.wake, s.now+1, v.s.now+1)
	}
}

// destroy ends QEMU and the domain.
func (p *place) destroy(s *stream) {
	p.dom.stopped = true
	p.dom.qemu.stop(s)
	s.domctl(p.dom.id, p.xl, xen.DomctlDestroy)
	delete(p.host.used, p.dom.id)
	s.wait(callNS)
	s.add(format.ProcessExit{PID: p.xl.PID}.Event(0))
	p.dom = nil
	s.sleep(20e6 + p.host.dice.below(60e6))
}
