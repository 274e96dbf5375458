package engine

import "github.com/iotrace-xen/iotrace/xen"

// The ports of PCI configuration mechanism 1, and the fields of its latch.
const (
	portCF8     = xen.PortCF8
	portCFC     = xen.PortCFC
	portsCF8    = 4
	cf8Enable   = 1 << 31
	cf8Extended = 0x0f000000
	cf8Register = 0xfc
	// extendedShift moves the extended bits of CF8 to their place in a
	// register number.
	extendedShift = 16
)

// latch is the domain's CF8 register (arch.hvm.pci_cf8).
//
// It starts at 0. But a write of it that no server owned leaves no event, so the
// value is known only while an enabled server is sure to get every write, or
// where every access is stepped.
type latch struct {
	known bool
	value uint32
	ext   Tri // the extended bits count as part of the register
}

func writesLatch(a *Access) bool {
	return a.Type == xen.TypePIO && a.Dir == xen.DirWrite && a.Addr == portCF8 && a.Size == 4
}

// write is hvm_access_cf8: only 4-byte writes count.
func (l *latch) write(a *Access) {
	if !writesLatch(a) {
		return
	}
	l.known = a.DataKnown && !a.DataIsPtr
	l.value = uint32(a.Data)
}

// writeLatch is what an access does to the latch.
func (d *Domain) writeLatch(a *Access) {
	d.latch.write(a)
	if d.trail != nil {
		d.trail.latched(a, &d.latch)
	}
}

// settleLatch makes the latch unknown if the guest may have written it unseen
// since the last step: the servers are as that step left them.
func (d *Domain) settleLatch() {
	if d.latch.known && !d.routes.cf8 {
		d.doubtLatch()
	}
}

func (d *Domain) doubtLatch() {
	if !d.cfg.EveryAccess {
		d.latch.known = d.ownsCF8()
	}
}

// ownsCF8 says whether every 4-byte access at port 0xcf8 is sure to go to some
// server.
func (d *Domain) ownsCF8() bool {
	for i := range d.servers {
		s := &d.servers[i]
		if s.exists == Yes && s.enabled == Yes &&
			(i == int(placeDefault) || s.ranges[xen.SpacePort].contains(portCF8, portCF8+portsCF8-1)) {
			return true
		}
	}
	return false
}

// learn takes from a delivered config request what CF8 held, as far as that
// matters to routing, and whether its extended bits count.
func (l *latch) learn(addr uint64) {
	sbdf, reg := uint32(addr>>32)&0xffff, uint32(addr)
	shown := uint32(cf8Enable) | 0xffff<<8 | cf8Register
	value := cf8Enable | sbdf<<8 | reg&cf8Register
	switch ext := reg << extendedShift & cf8Extended; {
	case ext != 0:
		l.ext = Yes
		value |= ext
	case l.known && l.value&cf8Extended != 0 && l.ext == Maybe:
		l.ext = No
	}
	if l.ext == Yes {
		shown |= cf8Extended
	}
	if !l.known {
		l.value = 0
	}
	l.known, l.value = true, l.value&^shown|value
}
