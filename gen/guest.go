package gen

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// vcpu is a CPU of a guest: it does one thing after the other.
type vcpu struct {
	dom   *domain
	n     xen.VCPU
	s     *stream
	ring  []xen.IOReq // writes that wait in a buffered ring
	total uint64      // of the weights of what it may do
	mix   [numActivities]uint32
}

func newVCPU(d *domain, n int) *vcpu {
	v := &vcpu{dom: d, n: xen.VCPU(n)}
	mix := d.host.cfg.Mix
	for i, w := range mix.weights() {
		v.mix[i] = *w
		v.total += uint64(*w)
	}
	return v
}

var activities = [numActivities]func(*vcpu){(*vcpu).legacy, (*vcpu).vga, (*vcpu).pageTable, (*vcpu).pci, (*vcpu).mmio}

// pollNS is how often a halted vCPU looks whether it may run.
const pollNS = 100_000

// turn is one activity.
func (v *vcpu) turn(s *stream) {
	d := v.dom
	if d.stopped {
		s.over = true
		return
	}
	if d.paused {
		s.sleep(pollNS)
		return
	}
	before := s.host.queued
	if d.firmware > 0 {
		v.boot()
	} else {
		activities[v.choose()](v)
	}
	s.wake = max(s.now, d.spend(s.host.queued-before, s.now))
	if s.host.queued == before { // nothing of it is seen in dom0
		s.wake = max(s.wake, s.now+s.host.gap)
	}
}

// choose picks an activity by the weights.
func (v *vcpu) choose() int {
	at := v.dom.host.dice.below(v.total)
	for i, w := range v.mix {
		if at < uint64(w) {
			return i
		}
		at -= uint64(w)
	}
	return 0
}

// boot is the firmware's time: the first vCPU finds devices, the others wait.
func (v *vcpu) boot() {
	if v.n != 0 {
		return
	}
	v.dom.firmware--
	if v.dom.firmware == 0 { // the kernel's first words: caches of mappings are void
		v.access(engine.Access{Type: xen.TypeInvalidate, Dir: xen.DirWrite, Size: 4})
		return
	}
	if v.s.host.dice.oneIn(3) {
		v.legacy()
		return
	}
	v.pci()
}

// access is one access that traps: the model says who gets it.
func (v *vcpu) access(a engine.Access) bool {
	a.VCPU, a.DataKnown = v.n, true
	r := v.dom.apply(engine.Op{Kind: engine.OpAccess, Access: a}).Route
	req := xen.IOReq{
		Type: r.Type, Dir: a.Dir, Addr: r.Addr, Size: a.Size, Count: r.Count, DF: a.DF, DataIsPtr: a.DataIsPtr, Data: a.Data,
	}
	switch r.Kind {
	case engine.RouteServer:
		v.dom.servers[r.Server].serve(v.s, v.n, req)
	case engine.RouteBuffered:
		v.ring = append(v.ring, req)
	case engine.RouteBroadcast:
		for id, m := range v.dom.servers {
			switch {
			case !r.Sure.Has(xen.ServerID(id)):
			case a.Buffered:
				m.drain(v.s, []xen.IOReq{req})
			default:
				m.serve(v.s, v.n, req)
			}
		}
	default:
		return false
	}
	return true
}

func (v *vcpu) in(port uint64, size uint32) {
	v.access(engine.Access{Type: xen.TypePIO, Dir: xen.DirRead, Addr: port, Size: size, Count: 1})
}

func (v *vcpu) out(port uint64, size uint32, data uint64) {
	v.access(engine.Access{Type: xen.TypePIO, Dir: xen.DirWrite, Addr: port, Size: size, Count: 1, Data: data})
}

// legacy uses one of a PC's old devices.
func (v *vcpu) legacy() {
	d := &v.dom.host.dice
	switch d.below(6) {
	case 0: // a few characters to the serial port
		for range d.between(1, 4) {
			v.in(portSerial+5, 1)
			v.out(portSerial, 1, 0)
		}
	case 1: // the real-time clock
		v.out(0x70, 1, 0)
		v.in(0x71, 1)
		if d.oneIn(8) { // the guest has set it: Xen tells everybody
			v.access(engine.Access{Type: xen.TypeTimeOffset, Dir: xen.DirWrite, Size: 8, Count: 1, Buffered: true})
		}
	case 2:
		v.in(portPM, 4)
	case 3: // a command to the disk, then a sector through the port
		for reg := uint64(2); reg < 8; reg++ {
			v.out(portIDE+reg, 1, 0)
		}
		v.access(engine.Access{
			Type: xen.TypePIO, Dir: xen.DirRead, Addr: portIDE, Size: 2, Count: 256, DataIsPtr: true, Data: 0x200000 + d.below(1024)<<12,
		})
	case 4:
		v.in(0x64, 1)
		v.in(0x60, 1)
	case 5:
		v.out(0x80, 1, 0)
	}
}

// vga writes a stretch of the screen; now and then it reads, or moves the cursor.
func (v *vcpu) vga() {
	d := &v.dom.host.dice
	at, step, size := uint64(vgaText)+d.below(2000)*2, uint64(2), uint32(2)
	if d.oneIn(3) {
		at, size = vgaGraphic+d.below(0x7000)*2, 1<<d.below(4)
		step = uint64(size)
	}
	v.ring = v.ring[:0]
	for i := range d.between(4, 40) {
		v.s.wait(400)
		v.access(engine.Access{
			Type: xen.TypeCopy, Dir: xen.DirWrite, Addr: at + i*step, Size: size, Count: 1, Buffered: true,
		})
	}
	if len(v.ring) > 0 {
		v.dom.qemu.drain(v.s, v.ring)
	}
	switch d.below(8) {
	case 0:
		v.access(engine.Access{Type: xen.TypeCopy, Dir: xen.DirRead, Addr: at, Size: size, Count: 1})
	case 1:
		v.out(0x3d4, 1, 0xe)
		v.out(0x3d5, 1, 0)
	}
}

// pci reads or writes a register of a PCI function: CF8, then the data port,
// under the guest's lock.
func (v *vcpu) pci() {
	d := &v.dom.host.dice
	v.s.after(v.dom.pciFree)
	size := uint32(1) << d.below(3)
	reg := d.below(16) * 4
	fn := pick(d, qemuPCI)
	if fn == fnBridge && d.oneIn(2) {
		reg = 0x60
	}
	v.out(xen.PortCF8, 4, 1<<31|uint64(fn)<<8|reg)
	at := xen.PortCFC + d.below(uint64(4/size))*uint64(size)
	if d.oneIn(3) {
		v.out(at, size, d.below(16))
	} else {
		v.in(at, size)
	}
	v.dom.pciFree = v.s.now
}

// mmio uses registers of a memory BAR: the GPU's, or else the VGA's.
func (v *vcpu) mmio() {
	d := &v.dom.host.dice
	at, length := uint64(barVGA), uint64(barVGASize)
	if v.dom.mediator != nil && !d.oneIn(5) {
		at, length = barGPU, barGPUSize
	}
	at += d.below(length/8-256) * 8
	for i := range d.between(1, 3) {
		v.access(engine.Access{
			Type: xen.TypeCopy, Dir: xen.Dir(d.below(2)), Addr: at + i*8, Size: 4 << d.below(2), Count: 1,
		})
	}
	if d.oneIn(32) { // REP MOVS, sometimes backwards
		v.access(engine.Access{
			Type: xen.TypeCopy, Dir: xen.DirWrite, Addr: at, Size: 4, Count: uint32(d.between(2, 64)), DF: d.oneIn(4),
			DataIsPtr: true, Data: 0x300000 + d.below(512)<<12,
		})
	}
}

// pageTable writes some entries of a table that the mediator watches, until the
// mediator lets the table go.
func (v *vcpu) pageTable() {
	m := v.dom.mediator
	if m == nil || len(m.typed) == 0 {
		v.mmio()
		return
	}
	d := &v.dom.host.dice
	at := pick(d, m.typed).Addr() + d.below(512-8)*8
	a := engine.Access{Type: xen.TypeCopy, Dir: xen.DirWrite, Addr: at, Size: 8, Count: 1}
	if d.oneIn(64) { // a REP MOVS, which comes one by one; REP is what Data points from
		a.DataIsPtr, a.Data = true, 0x400000+d.below(512)<<12
	}
	for range d.between(1, 8) {
		if !v.access(a) {
			return
		}
		a.Addr += 8
	}
}
