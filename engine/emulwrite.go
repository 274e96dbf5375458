package engine

import "github.com/iotrace-xen/iotrace/xen"

// store is hvmemul_write.
func (x *Execution) store(gpa uint64, b []byte) rc {
	if x.missed(gpa, len(b), x.d.cfg.Profile.ForwardMOV) {
		return x.inRAM(gpa, b)
	}
	switch x.mapped(gpa, len(b)) {
	case mapDiscards:
		return x.discard()
	case mapUnknown:
		return x.unknownPage()
	case mapRAM:
		x.writeRAM(gpa, b)
		return okay
	}
	return x.write(gpa, b)
}

// mapping is what hvmemul_map_linear_addr makes of an operand.
type mapping uint8

const (
	mapNone     mapping = iota // it is not all RAM: the parts are written one by one
	mapRAM                     // all of it is RAM
	mapDiscards                // the first page that is not plain RAM is read-only: all of the write is dropped
	mapUnknown
)

// mapped looks at the operand's pages in order, unless Xen knows the address.
func (x *Execution) mapped(gpa uint64, n int) mapping {
	if x.knownGLA(gpa, n) {
		return mapNone
	}
	for at := range parts(gpa, n) {
		types := x.d.Page(xen.GFNOf(at))
		switch {
		case within(types, setMMIODM|setIOReqServer) == Yes:
			return mapNone
		case within(types, setRAMRO) == Yes:
			return mapDiscards
		case within(types, writeTraps) != No:
			return mapUnknown
		}
	}
	return mapRAM
}

// missed says whether a release that does not forward such an instruction does
// it in RAM: nothing of its operand is MMIO, but some of it is typed.
func (x *Execution) missed(gpa uint64, n int, forwarded bool) bool {
	return !forwarded && x.trapsAt(gpa, n, setIOReqServer) == Yes && x.trapsAt(gpa, n, setMMIODM|setRAMRO) == No
}

// inRAM is a write to a typed page that no server sees.
func (x *Execution) inRAM(gpa uint64, b []byte) rc {
	got := x.unsent(RouteRAM, whyMissed)
	if got == okay {
		x.writeRAM(gpa, b)
	}
	return got
}

// writeRAM is a write to RAM that the emulator makes, and that marks the pages as dirty
// (hvm_copy, hvmemul_unmap_linear_addr).
func (x *Execution) writeRAM(gpa uint64, b []byte) {
	x.mem.Write(gpa, b)
	if x.d.layout == nil {
		return
	}
	for at := range parts(gpa, len(b)) {
		x.d.layout.dirty.mark(xen.GFNOf(at))
	}
}

// discard is a write that the emulator drops.
func (x *Execution) discard() rc { return x.unsent(RouteDiscard, whyDiscard) }

// unsent is a write that ends in the emulator.
func (x *Execution) unsent(k RouteKind, why string) rc {
	switch {
	case x.told:
		return okay
	case x.fresh || x.waiting:
		return retry
	}
	x.effect.Route = Route{Kind: k, Server: xen.NoServer, Why: why}
	x.effect.Cost.VX = 1
	x.access = Access{}
	x.seen()
	x.told = true
	return okay
}

// write is linear_write: page by page, to RAM or by requests. Older releases
// take all of an operand for MMIO if a page of it is, and yet have written the
// RAM in front of that page.
func (x *Execution) write(gpa uint64, b []byte) rc {
	if !x.d.cfg.Profile.SplitPages && x.trapsAt(gpa, len(b), setMMIODM|setIOReqServer) == Yes {
		if n := inPage(gpa, len(b)); x.trapsAt(gpa, n, writeTraps) == No {
			x.writeRAM(gpa, b[:n])
		}
		return x.allMMIO(gpa, b, xen.DirWrite)
	}
	for at, n := range parts(gpa, len(b)) {
		if got := x.writePart(at, b[at-gpa:][:n]); got != okay {
			return got
		}
	}
	return okay
}

// writePart writes to one page.
func (x *Execution) writePart(gpa uint64, b []byte) rc {
	types := x.d.Page(xen.GFNOf(gpa))
	switch {
	case x.again(gpa, xen.DirWrite), within(types, setMMIODM|setIOReqServer) == Yes:
		return x.onePart(gpa, b, xen.DirWrite)
	case within(types, setRAMRO) == Yes:
		return x.discard()
	case within(types, writeTraps) == No:
		x.writeRAM(gpa, b)
		return okay
	}
	return x.unknownPage()
}

// rmw is hvmemul_rmw: a read and a write, never atomic with a device model.
func (x *Execution) rmw() rc {
	size := int(x.in.Size)
	if x.missed(x.addr, size, x.d.cfg.Profile.ForwardRMW) {
		return x.modifyRAM()
	}
	switch x.mapped(x.addr, size) {
	case mapDiscards: // not even the register is changed
		if x.in.Kind != InstrAdd {
			x.res.Value = x.in.Data
		}
		return x.discard()
	case mapUnknown:
		return x.unknownPage()
	case mapRAM:
		x.modifyMapped()
		return okay
	}
	var b Operand
	if got := x.read(x.addr, b[:size]); got != okay {
		return got
	}
	next, _ := x.modify(b[:size])
	return x.write(x.addr, next[:size])
}

// modifyRAM is a read-modify-write of a typed page that no server sees.
func (x *Execution) modifyRAM() rc {
	var b Operand
	old := b[:x.in.Size]
	x.mem.Read(x.addr, old)
	next, write := x.modify(old)
	if !write {
		return okay
	}
	return x.inRAM(x.addr, next[:x.in.Size])
}

// modifyMapped is a read-modify-write of what by now is all RAM.
func (x *Execution) modifyMapped() {
	var b Operand
	old := b[:x.in.Size]
	x.mem.Read(x.addr, old)
	if next, write := x.modify(old); write {
		x.writeRAM(x.addr, next[:x.in.Size])
	}
}

// cmpxchg is CMPXCHG: memory is read like any operand, and hvmemul_cmpxchg comes
// into play only where it held what was expected.
func (x *Execution) cmpxchg() rc {
	size := int(x.in.Size)
	if x.missed(x.addr, size, x.d.cfg.Profile.ForwardRMW) {
		return x.modifyRAM()
	}
	var b Operand
	if got := x.read(x.addr, b[:size]); got != okay {
		return got
	}
	next, write := x.modify(b[:size])
	if !write {
		return okay
	}
	switch x.mapped(x.addr, size) {
	case mapDiscards:
		return x.discard()
	case mapUnknown:
		return x.unknownPage()
	case mapRAM:
		x.modifyMapped()
		return okay
	}
	if x.d.cfg.Profile.CmpxchgSplits {
		return x.write(x.addr, next[:size])
	}
	return x.allMMIO(x.addr, next[:size], xen.DirWrite)
}

// copyRefuses are the types that the emulator's copies do not write.
func (d *Domain) copyRefuses() P2MTypes {
	if d.cfg.Profile.CopyHonours {
		return setMMIODM | setIOReqServer
	}
	return setMMIODM
}

// copyOut is hvm_copy_to_guest_phys: read-only pages drop the bytes, and where
// there is no RAM it refuses, as it does at pages of type ioreq_server.
func (x *Execution) copyOut(gpa uint64, b []byte) rc {
	for at, n := range parts(gpa, len(b)) {
		types := x.d.Page(xen.GFNOf(at))
		switch refuses, drops := within(types, x.d.copyRefuses()), within(types, setRAMRO); {
		case refuses == Yes:
			return unhandleable
		case refuses == Maybe || drops == Maybe:
			return x.unknownPage()
		case drops == No:
			x.writeRAM(at, b[at-gpa:][:n])
		}
	}
	return okay
}
