package gen

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// host is dom0 with all that runs in it, and the recorder's numbering.
type host struct {
	cfg     Config
	profile engine.Profile
	machine machine
	dice    dice
	streams streams
	spawned int // streams ever

	emitted uint64 // events delivered
	queued  uint64 // and planned
	last    uint64 // time of the last one
	ids     uint64 // of calls and requests, the last

	pace  uint64 // of latencies, in paceUnits; below one where the rate asks for it
	gap   uint64 // ns between two events of one domain, at the configured rate
	pid   uint32 // the last
	dom   xen.DomID
	used  map[xen.DomID]bool
	ports []bool      // dom0's local ports that are bound
	spare int         // below it, all are
	rings []*emulator // whose account is open, in order of their creation
}

const paceUnit = 1 << 16

// firstPort is the lowest of dom0's ports that its kernel has not bound itself.
const firstPort = 22

func newHost(g *Generator) *host {
	h := &host{
		cfg: g.cfg, profile: g.profile, machine: g.machine,
		dice: dice{g.cfg.Seed ^ 0x696f7472616365}, pid: 1000, used: map[xen.DomID]bool{}, ports: make([]bool, firstPort),
	}
	for i := range h.ports {
		h.ports[i] = true
	}
	h.gap = max(1e9*uint64(h.cfg.Domains)/h.cfg.Rate, 1)
	// Round trips may take a third of the time at the configured rate.
	h.pace = min(paceUnit, paceUnit*tripEvents*h.gap/(3*tripNS))
	h.spawn(startNS, clock).skew = 0
	h.spawn(startNS+1e6, h.store())
	for i := range h.cfg.Domains {
		p := &place{host: h, mediated: i >= h.cfg.Plain}
		h.spawn(startNS+2e6+h.dice.below(20e6), p.turn)
	}
	return h
}

// run delivers events until there are as many as the Config wants.
func (h *host) run(yield func(format.Event) bool) {
	for len(h.streams) > 0 {
		s := h.streams[0]
		switch {
		case s.head < len(s.queue):
			h.queued--
			if !h.emit(s.pop(), yield) {
				return
			}
		case s.over || !h.room(maxTurn):
			h.streams.drop()
			continue
		default:
			s.take()
		}
		s.next()
		h.streams.sink()
	}
	h.finish(yield)
}

// room says whether a turn of n events fits before what must come at the end.
func (h *host) room(n uint64) bool {
	return h.emitted+h.queued+n+h.tail() <= h.cfg.Events
}

// tail is how many events close the trace: the clocks, and a ring's account
// each. A turn opens one account at most.
func (h *host) tail() uint64 { return 2 + uint64(len(h.rings)) }

func (h *host) emit(e format.Event, yield func(format.Event) bool) bool {
	e.Seq = h.emitted
	h.emitted++
	h.last = max(h.last, e.Time)
	return yield(e)
}

// spawn begins a stream whose first turn is at t.
func (h *host) spawn(t uint64, turn func(*stream)) *stream {
	h.spawned++
	s := &stream{host: h, order: h.spawned, due: t, now: t, turn: turn, skew: h.dice.below(skewNS)}
	h.streams.push(s)
	return s
}

func (h *host) id() uint64 { h.ids++; return h.ids }

// process begins a process: a recorder names it at its first call.
func (h *host) process(s *stream, comm string) format.Caller {
	h.pid++
	s.add(format.Process{PID: h.pid, Comm: comm}.Event(0))
	return format.Caller{PID: h.pid, TID: h.pid}
}

// domid returns the next domid that no domain has.
func (h *host) domid() xen.DomID {
	for {
		h.dom++
		if h.dom >= xen.DomSelf {
			h.dom = 1
		}
		if !h.used[h.dom] {
			h.used[h.dom] = true
			return h.dom
		}
	}
}

// bind takes the lowest free local port.
func (h *host) bind() xen.Port {
	for h.spare < len(h.ports) && h.ports[h.spare] {
		h.spare++
	}
	if h.spare == len(h.ports) {
		h.ports = append(h.ports, false)
	}
	h.ports[h.spare] = true
	return xen.Port(h.spare)
}

// unbind gives a port back.
func (h *host) unbind(p xen.Port) {
	h.ports[p] = false
	h.spare = min(h.spare, int(p))
}
