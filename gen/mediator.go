package gen

import (
	"slices"

	"github.com/iotrace-xen/iotrace/xen"
)

// mediator is the second device model of a domain: it passes a GPU through and
// watches the guest's writes to the GPU's page tables.
type mediator struct {
	emulator
	typed []xen.GFN // pages that are of type ioreq_server, in no order
	plain []xen.GFN // pages that may become page tables
	owed  uint64    // pages to type, in parts of a second's nanoseconds
	last  uint64    // when it was reckoned
	gone  bool
}

// The mediator's BAR, and the stretch of guest memory that page tables come from.
const (
	barGPU      = 0xf4000000
	barGPUSize  = 4 << 20
	tablesFirst = xen.GFN(0x10000)
	tables      = 1024
	// typedHigh is how many pages are typed at most before a submission turns
	// some back, typedLow how many a write leaves typed at least.
	typedHigh = 128
	typedLow  = 48
	// batch bounds the pages that one submission types.
	batch = 8
)

func newMediator(d *domain) *mediator {
	m := &mediator{emulator: newEmulator(d, "xengt-mediator")}
	m.handle = m.emulate
	for i := range xen.GFN(tables) {
		m.plain = append(m.plain, tablesFirst+i)
	}
	return m
}

// attach ends the mediator's start: the claim comes before the server is enabled
// (Xen refuses one of reads), and pages that an earlier mediator may have left
// typed are made RAM again.
func (m *mediator) attach(s *stream) {
	s.after(m.free)
	m.mapRange(s, xen.Range{Space: xen.SpaceMemory, First: barGPU, Last: barGPU + barGPUSize - 1})
	m.mapRange(s, xen.Range{Space: xen.SpacePCI, First: uint64(fnGPU), Last: uint64(fnGPU)})
	for _, flags := range []uint32{xen.AccessRead | xen.AccessWrite, xen.AccessWrite} {
		m.dmOp(s, xen.MapMemType{ID: m.id, Type: xen.MemIOReqServer, Flags: flags})
	}
	m.dmOp(s, xen.SetMemType{Type: xen.MemRAMRW, First: tablesFirst, Nr: tables})
	m.free = s.now
	m.enable(s, 1)
	m.last = s.now
	m.dom.mediator = m
}

// detach is its end: the claim is released with pages still typed, which Xen
// turns back.
func (m *mediator) detach(s *stream) {
	s.after(m.free)
	m.dom.mediator, m.gone = nil, true
	m.dmOp(s, xen.MapMemType{ID: m.id, Type: xen.MemIOReqServer})
	m.free = s.now
	m.enable(s, 0)
	m.stop(s)
}

// retype is a set_mem_type of one page: mediators do not batch them.
func (m *mediator) retype(s *stream, g xen.GFN, t xen.MemType) {
	m.dmOp(s, xen.SetMemType{Type: t, First: g, Nr: 1})
}

// protect types a page that the guest makes a page table.
func (m *mediator) protect(s *stream) {
	i := s.host.dice.below(uint64(len(m.plain)))
	g := m.plain[i]
	m.plain[i] = m.plain[len(m.plain)-1]
	m.plain = m.plain[:len(m.plain)-1]
	m.retype(s, g, xen.MemIOReqServer)
	m.typed = append(m.typed, g)
}

// release turns typed[i] back into RAM.
func (m *mediator) release(s *stream, i int) {
	g := m.typed[i]
	m.typed[i] = m.typed[len(m.typed)-1]
	m.typed = m.typed[:len(m.typed)-1]
	m.retype(s, g, xen.MemRAMRW)
	m.plain = append(m.plain, g)
}

// emulate: a table that is written again and again is let go, to be looked at
// when the guest submits its next work.
func (m *mediator) emulate(s *stream, r xen.IOReq) {
	if r.Type != xen.TypeCopy || r.Dir != xen.DirWrite || len(m.typed) <= typedLow || !s.host.dice.oneIn(4) {
		return
	}
	if i := slices.Index(m.typed, xen.GFNOf(r.Addr)); i >= 0 {
		m.release(s, i)
	}
}

// background returns the mediator's own work: at each submission it turns back
// the tables that the guest has torn down and types the new ones, then the GPU's
// interrupt comes.
func (m *mediator) background() func(*stream) {
	h := m.dom.host
	period := max(min(16_000_000, batch*1_000_000_000/max(2*h.cfg.Churn, 1)), 1)
	return func(s *stream) {
		if m.gone || m.dom.stopped {
			s.over = true
			return
		}
		s.after(m.free)
		before := h.queued
		m.owed += (s.now - m.last) * h.cfg.Churn
		m.last = s.now
		n := min(m.owed/1e9, batch)
		m.owed = min(m.owed-n*1e9, 60*1e9)
		for range max(len(m.typed)+int(n), typedHigh) - typedHigh {
			m.release(s, int(h.dice.below(uint64(len(m.typed)))))
		}
		for range n {
			m.protect(s)
		}
		if n > 0 && h.dice.oneIn(64) { // a table that two tables point to: Xen refuses it the second time
			m.retype(s, pick(&h.dice, m.typed), xen.MemIOReqServer)
		}
		if n > 0 && h.dice.oneIn(2) {
			m.dmOp(s, xen.InjectMSI{Addr: 0xfee00000, Data: 0x4041})
		}
		m.free = s.now
		m.dom.spend(h.queued-before, s.now)
		s.wake = max(s.now, s.due+h.dice.between(period/2, period*3/2))
	}
}
