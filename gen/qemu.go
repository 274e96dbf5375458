package gen

import "github.com/iotrace-xen/iotrace/xen"

// qemu is the domain's first device model: a PC's chipset.
type qemu struct{ emulator }

// Addresses of the devices that guests use.
const (
	portSerial = 0x3f8
	portIDE    = 0x1f0
	portPM     = 0xb008
	vgaText    = 0xb8000
	vgaGraphic = 0xa0000
	barVGA     = 0xf3050000
	barVGASize = 0x1000
	vramFirst  = 0xf0000 // gfn of the frame buffer
	vramPages  = 2048
)

// The functions on the domain's PCI bus.
var (
	fnBridge = xen.NewSBDF(0, 0, 1, 0)
	fnGPU    = xen.NewSBDF(0, 0, 2, 0)
	fnDisk   = xen.NewSBDF(0, 0, 1, 1)
	fnVGA    = xen.NewSBDF(0, 0, 3, 0)
	qemuPCI  = []xen.SBDF{0, fnBridge, fnDisk, xen.NewSBDF(0, 0, 1, 3), fnGPU, fnVGA}
)

// qemuRanges are what a real QEMU registers, in its order.
var qemuRanges = buildRanges()

func buildRanges() (all []xen.Range) {
	add := func(space xen.Space, bounds ...uint64) {
		for i := 0; i < len(bounds); i += 2 {
			all = append(all, xen.Range{Space: space, First: bounds[i], Last: bounds[i+1]})
		}
	}
	add(xen.SpaceMemory, 0xfee00000, 0xfeefffff)
	add(xen.SpacePort, xen.PortCF8, 0xcf8, 0xcf9, 0xcf9, 0xcfa, 0xcfb, xen.PortCFC, 0xcff, 0, 7, 0x81, 0x83, 0x87, 0x87, 8, 0xf,
		0xc0, 0xcf, 0x89, 0x8b, 0x8f, 0x8f, 0xd0, 0xdf)
	add(xen.SpaceMemory, 0xfec00000, 0xfec00fff)
	add(xen.SpacePort, 0x80, 0x80, 0xf0, 0xf0)
	add(xen.SpaceMemory, 0xfed00000, 0xfed003ff)
	add(xen.SpacePort, 0x70, 0x70, 0x71, 0x71, portSerial, 0x3ff, 0x3f1, 0x3f5, 0x3f7, 0x3f7, 0x60, 0x60, 0x64, 0x64,
		0x92, 0x92, portIDE, 0x1f7, 0x3f6, 0x3f6, 0x170, 0x177, 0x376, 0x376, 0xb2, 0xb3, 0xafe0, 0xafe3,
		0xae00, 0xae17, 0xaf00, 0xaf1f, 0x10, 0x1f, 0xb000, 0xb003, 0xb004, 0xb005, portPM, 0xb00b)
	add(xen.SpaceMemory, vgaGraphic, 0xbffff)
	add(xen.SpacePort, 0x3b4, 0x3b5, 0x3ba, 0x3ba, 0x3c0, 0x3cf, 0x3d4, 0x3d5, 0x3da, 0x3da, 0x1ce, 0x1d1)
	add(xen.SpaceMemory, barVGA, barVGA+barVGASize-1)
	for _, fn := range qemuPCI {
		add(xen.SpacePCI, uint64(fn), uint64(fn))
	}
	return all
}

func newQEMU(d *domain) *qemu {
	q := &qemu{newEmulator(d, "qemu-system-i38")}
	q.handle = q.emulate
	return q
}

// register registers some ranges.
func (q *qemu) register(s *stream, some []xen.Range) {
	s.after(q.free)
	for _, r := range some {
		q.mapRange(s, r)
	}
	q.free = s.now
}

// prepare is the end of QEMU's start: quiet interrupt lines, and the legacy
// VGA's pages made RAM.
func (q *qemu) prepare(s *stream) {
	s.after(q.free)
	s.populate(q.dom.id, q.by, 4, 9)
	for irq := range uint8(10) {
		q.irq(s, irq, 0)
	}
	q.dmOp(s, xen.SetMemType{Type: xen.MemRAMRW, First: 0xc0, Nr: 64})
	q.enable(s, 1)
	q.free = s.now
}

func (q *qemu) irq(s *stream, irq, level uint8) {
	q.dmOp(s, xen.SetISAIRQLevel{IRQ: irq, Level: level})
}

// emulate is what QEMU does for a request beyond answering it.
func (q *qemu) emulate(s *stream, r xen.IOReq) {
	sbdf, reg := r.PCI()
	switch {
	case r.Type == xen.TypePIO && r.Addr == portSerial && s.host.dice.oneIn(2):
		q.irq(s, 4, 1)
		q.irq(s, 4, 0)
	case r.Type == xen.TypePIO && r.Addr == portIDE+7 && r.Dir == xen.DirWrite:
		q.irq(s, 14, 1)
	case r.Type != xen.TypePCIConfig || r.Dir != xen.DirWrite:
	case sbdf == fnBridge && reg&^3 == 0x60:
		q.dmOp(s, xen.SetPCILinkRoute{Link: uint8(reg & 3), IRQ: uint8(r.Data & 0xf)})
	case sbdf == fnVGA && reg == 0x10: // the BAR is moved away and back
		bar := xen.Range{Space: xen.SpaceMemory, First: barVGA, Last: barVGA + barVGASize - 1}
		q.dmOp(s, xen.UnmapIORange{ID: q.id, Range: bar})
		q.mapRange(s, bar)
	}
}

// background returns QEMU's own work: it asks which pages of the frame buffer
// have changed, and its timers interrupt the guest.
func (q *qemu) background() func(*stream) {
	period := max(33e6, 100*q.dom.host.gap)
	return func(s *stream) {
		if q.dom.stopped {
			s.over = true
			return
		}
		s.after(q.free)
		before := s.host.queued
		track := xen.TrackDirtyVRAM{First: vramFirst, Nr: vramPages}
		q.dmOpOut(s, track, track, vramPages/8)
		if s.host.dice.oneIn(2) {
			q.irq(s, 0, 1)
			q.irq(s, 0, 0)
		}
		q.free = s.now
		q.dom.spend(s.host.queued-before, s.now)
		s.sleep(period)
	}
}
