package diff

import (
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// page is the address of a page that instructions have to do with: a hole, a page
// of the pool, or of the VGA's window.
func (g *generator) page() uint64 {
	switch n := g.rand.IntN(10); {
	case n < 4:
		return mmioStart + uint64(g.rand.IntN(3))<<xen.PageShift
	case n == 4 && g.rarely(2):
		return highStart + uint64(g.rand.IntN(2))<<xen.PageShift
	case n == 4 && g.script.Kind == HVM:
		return vgaStart + oneOf[uint64](g, 0, 1, 0x18, vgaPages-1)<<xen.PageShift
	}
	return g.frame() << xen.PageShift
}

// offset is a place in a page for size bytes, often near the page's end or just
// where an earlier one was.
func (g *generator) offset(size uint64) uint64 {
	switch g.rand.IntN(8) {
	case 0:
		return xen.PageSize - size
	case 1:
		return xen.PageSize - 1 - uint64(g.rand.IntN(int(size)))
	case 2:
		return uint64(g.rand.IntN(xen.PageSize - int(size)))
	}
	return uint64(g.rand.IntN(64))
}

// address is a place for size bytes.
func (g *generator) address(size uint64) uint64 {
	gpa := g.page() + g.offset(size)
	if at, ok := g.edge(xen.SpaceMemory, size); ok && reachable(at, size) && g.rarely(2) {
		gpa = at
	}
	if end := guest.ProberPool.Addr() + PoolPages<<xen.PageShift; gpa < end && gpa+size > end {
		gpa = end - size
	}
	return gpa
}

// reachable says whether size bytes are all in a hole or in the pool.
func reachable(gpa, size uint64) bool {
	end := uint64(mmioStart + mmioPages<<xen.PageShift)
	return inPool(gpa, int(size)) || gpa >= mmioStart && gpa < end && gpa+size <= end
}

func (g *generator) port() Step {
	s := Set{"port": g.portNumber(), argWidth.name: oneOf[uint64](g, 1, 2, 4)}
	if g.rarely(2) {
		return NewStep(In, s)
	}
	s[argData.name] = g.rand.Uint64() & 0xffffffff
	return NewStep(Out, s)
}

// config selects a register of a PCI function, or nothing.
func (g *generator) config() Step {
	cf8 := uint64(1)<<31 | g.function()<<8 | uint64(g.rand.IntN(256))
	switch g.rand.IntN(8) {
	case 0:
		cf8 &^= 1 << 31
	case 1:
		cf8 |= uint64(g.rand.IntN(16)) << 24
	}
	return NewStep(Out, Set{"port": 0xcf8, argWidth.name: oneOf[uint64](g, 4, 4, 4, 2, 1), argData.name: cf8})
}

// elements are the fields of a string instruction.
func (g *generator) elements(size uint64) Set {
	s := Set{argWidth.name: size, argCount.name: 1 + uint64(g.rand.IntN(12)), argDF.name: uint64(g.rand.IntN(2))}
	switch g.rand.IntN(12) {
	case 0:
		s[argRep.name] = 0
	case 1:
		s[argCount.name] = oneOf[uint64](g, 0, 1, 2)
	case 2:
		s[argCount.name] = uint64(g.rand.IntN(1100))
	}
	return s
}

// inside moves the start of a string so that all of it stays in the pool, if it
// begins there.
func (g *generator) inside(gpa uint64, s Set) uint64 {
	bytes := s[argWidth.name] * max(s[argCount.name], 1)
	low, high := guest.ProberPool.Addr(), guest.ProberPool.Addr()+PoolPages<<xen.PageShift
	switch {
	case gpa < low || gpa >= high:
		return gpa
	case s[argDF.name] != 0:
		return max(gpa, low+bytes)
	}
	return min(gpa, high-bytes)
}

func (g *generator) portString() Step {
	size := oneOf[uint64](g, 1, 2, 4)
	s := g.elements(size)
	s["port"], s[argGPA.name] = g.portNumber(), g.inside(g.address(size), s)
	return NewStep(oneOf(g, Ins, Outs), s)
}

func (g *generator) move() Step {
	size := oneOf[uint64](g, 1, 2, 4, 8)
	s := g.elements(size)
	s["from"], s["to"] = g.inside(g.address(size), s), g.inside(g.address(size), s)
	return NewStep(Movs, s)
}

func (g *generator) fill() Step {
	size := oneOf[uint64](g, 1, 2, 4, 8)
	s := g.elements(size)
	s[argGPA.name], s[argData.name] = g.inside(g.address(size), s), g.rand.Uint64()
	return NewStep(Stos, s)
}

func (g *generator) load() Step {
	size := oneOf[uint64](g, 1, 2, 4, 4, 8, sizeXMM)
	return NewStep(Read, Set{argGPA.name: g.address(size), argWidth.name: size})
}

// store is a write. QEMU makes one of 16 bytes as two of 8, so that the first is in
// RAM though the second faults, which no processor does: from RAM none of that size
// goes over a page's end.
func (g *generator) store() Step {
	size := oneOf[uint64](g, 1, 2, 4, 4, 8, sizeXMM)
	gpa := g.address(size)
	if size == sizeXMM && inPool(gpa, 1) && gpa%xen.PageSize > xen.PageSize-sizeXMM {
		gpa &^= sizeXMM - 1
	}
	s := Set{argGPA.name: gpa, argWidth.name: size, argData.name: g.rand.Uint64()}
	if size == sizeXMM {
		s[argHigh.name] = g.rand.Uint64()
	}
	return NewStep(Write, s)
}

func (g *generator) modify() Step {
	if g.rarely(5) {
		return g.compareTwo()
	}
	size := oneOf[uint64](g, 1, 2, 4, 4, 8)
	v := oneOf(g, Add, Xadd, Xchg, CmpXchg)
	s := Set{argGPA.name: g.address(size), argWidth.name: size, argData.name: g.rand.Uint64()}
	if v != Xchg {
		s[argLock.name] = uint64(g.rand.IntN(2))
	}
	if v == CmpXchg {
		s[argOld.name] = oneOf(g, 0, 0, g.rand.Uint64())
	}
	return NewStep(v, s)
}

// compareTwo is a CMPXCHG8B or 16B, the latter where it does not fault.
func (g *generator) compareTwo() Step {
	size := oneOf[uint64](g, 8, 16)
	gpa := g.address(size)
	if size == 16 {
		gpa &^= 15
	}
	s := Set{argGPA.name: gpa, argWidth.name: size, argData.name: g.rand.Uint64(), argLock.name: uint64(g.rand.IntN(2))}
	if size == 16 {
		s[argHigh.name] = g.rand.Uint64()
	}
	if g.rarely(3) {
		s[argOld.name] = g.rand.Uint64()
	}
	return NewStep(CmpXchg8B, s)
}
