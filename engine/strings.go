package engine

import "github.com/iotrace-xen/iotrace/xen"

// maxBatch is how many elements one emulation takes at most
// (hvmemul_virtual_to_linear).
const maxBatch = 4096

// strings is one pass of x86_emulate over a string instruction: all elements at
// once if there is more than one and the hook can, else one.
func (x *Execution) strings() (reps uint64, got rc) {
	if n := min(x.left, maxBatch); n > 1 {
		x.batched = true
		reps, got = x.batch(n)
		if x.batched = false; got != unhandleable {
			return reps, got
		}
	}
	if x.res.Outcome != Running {
		return 0, retry
	}
	return 1, x.single()
}

// batch is hvmemul_rep_ins, _outs, _movs or _stos for n elements.
func (x *Execution) batch(n uint64) (reps uint64, got rc) {
	to, from := x.d.Page(xen.GFNOf(x.addr)), x.d.Page(xen.GFNOf(x.src))
	io := Access{Addr: uint64(x.in.Port), Size: uint32(x.in.Size), Count: uint32(n), DF: x.in.DF, DataKnown: true}
	toMMIO, fromMMIO := within(to, setMMIODM), within(from, setMMIODM)
	switch {
	case toMMIO == Maybe || x.in.Kind == InstrMovs && fromMMIO == Maybe:
		return 0, x.unknownPage()
	case x.in.Kind == InstrIns:
		io.Dir = xen.DirRead
		return x.byPointer(io, x.addr)
	case x.in.Kind == InstrOuts:
		return x.byPointer(io, x.addr)
	case x.in.Kind == InstrStos && toMMIO == Yes:
		x.kept.latch(x.addr, xen.DirWrite)
		io.Type, io.Addr, io.Data = xen.TypeCopy, x.addr, number(x.in.Data[:x.in.Size])
		_, done, got := x.io(io)
		return uint64(done), got
	case x.in.Kind == InstrStos:
		return x.fill(n)
	case toMMIO == Yes && fromMMIO == Yes:
		return 0, unhandleable
	case fromMMIO == Yes:
		x.kept.latch(x.src, xen.DirRead)
		io.Type, io.Dir, io.Addr = xen.TypeCopy, xen.DirRead, x.src
		return x.byPointer(io, x.addr)
	case toMMIO == Yes:
		x.kept.latch(x.addr, xen.DirWrite)
		io.Type, io.Addr = xen.TypeCopy, x.addr
		return x.byPointer(io, x.src)
	}
	return x.move(n)
}

// byPointer is hvmemul_do_io_addr: as many elements as the page of the data at
// gpa holds, and a single one where it crosses into the next page.
func (x *Execution) byPointer(a Access, gpa uint64) (reps uint64, got rc) {
	size, off := uint64(a.Size), gpa%xen.PageSize
	if got := x.pin(gpa); got != okay {
		return 0, got
	}
	fit := (xen.PageSize - off) / size
	if a.DF {
		fit = (off + size - 1) % xen.PageSize / size
	}
	if fit == 0 {
		next := gpa + xen.PageSize
		if a.DF {
			next = gpa - xen.PageSize
		}
		if got := x.pin(next); got != okay {
			return 0, got
		}
		fit = 1
	}
	a.Count = uint32(min(uint64(a.Count), fit))
	a.DataIsPtr, a.Data = true, gpa
	_, done, got := x.io(a)
	return uint64(done), got
}

// pin is hvmemul_acquire_page: only RAM has a page.
func (x *Execution) pin(gpa uint64) rc {
	switch within(x.d.Page(xen.GFNOf(gpa)), x.d.notRAM()) {
	case Yes:
		return unhandleable
	case No:
		return okay
	}
	return x.unknownPage()
}

// lowest returns the lower end of n elements from gpa on.
func (x *Execution) lowest(gpa, n uint64) uint64 {
	if x.in.DF {
		return gpa - (n-1)*uint64(x.in.Size)
	}
	return gpa
}

// move is hvmemul_rep_movs from RAM to RAM: all is read before the first byte is
// written, unless the first element would land in the source. It is refused if some
// page is not RAM.
func (x *Execution) move(n uint64) (reps uint64, got rc) {
	size := uint64(x.in.Size)
	src, bytes := x.lowest(x.src, n), n*size
	if x.addr+size > src && x.addr < src+bytes {
		return 0, unhandleable
	}
	if got := x.ram(src, bytes, x.d.notRAM()); got != okay {
		return 0, got
	}
	return x.toRAM(n, func(at uint64, b []byte) { x.mem.Read(src+at, b) })
}

// fill is hvmemul_rep_stos in RAM.
func (x *Execution) fill(n uint64) (reps uint64, got rc) {
	return x.toRAM(n, func(_ uint64, b []byte) { copy(b, x.in.Data[:]) })
}

// toRAM writes n elements to RAM: element stores in b the one that is at bytes above
// the lowest. In the string's own direction none is written before it is read.
func (x *Execution) toRAM(n uint64, element func(at uint64, b []byte)) (reps uint64, got rc) {
	size := uint64(x.in.Size)
	dst := x.lowest(x.addr, n)
	whole, end := x.copyEnd(dst, n*size)
	if got := x.dropped(dst, whole); got != okay {
		return 0, got
	}
	var b Operand
	count := (whole + size - 1) / size
	for i := range count {
		at := i * size
		if x.in.DF {
			at = (count - 1 - i) * size
		}
		element(at, b[:size])
		if got := x.copyOut(dst+at, b[:min(size, whole-at)]); got != okay {
			return 0, got
		}
	}
	return n, end
}

// copyEnd says how far a copy to the guest comes, which goes upwards page by page:
// what lies below the first page that refuses is written, although the elements are
// then done again one by one. Real Xen does so (seen on 4.17).
func (x *Execution) copyEnd(gpa, bytes uint64) (whole uint64, end rc) {
	for at := range parts(gpa, int(bytes)) {
		switch within(x.d.Page(xen.GFNOf(at)), x.d.copyRefuses()) {
		case Yes:
			return at - gpa, unhandleable
		case Maybe:
			return 0, x.unknownPage()
		}
	}
	return bytes, okay
}

// ram refuses a stretch that meets a page of a type in set.
func (x *Execution) ram(gpa, bytes uint64, set P2MTypes) rc {
	switch x.trapsAt(gpa, int(bytes), set) {
	case Yes:
		return unhandleable
	case No:
		return okay
	}
	return x.unknownPage()
}

// dropped has the effect of a copy that meets read-only pages.
func (x *Execution) dropped(gpa, bytes uint64) rc {
	if x.trapsAt(gpa, int(bytes), setRAMRO) == Yes {
		return x.discard()
	}
	return okay
}

// single is one element through the hooks of plain instructions.
func (x *Execution) single() rc {
	var b Operand
	data := b[:x.in.Size]
	switch x.in.Kind {
	case InstrIns:
		if got := x.readPort(); got != okay {
			return got
		}
		put(data, x.ins.data)
	case InstrOuts:
		if got := x.read(x.addr, data); got != okay {
			return got
		}
		_, _, got := x.io(x.port(xen.DirWrite, number(data)))
		return got
	case InstrMovs:
		if got := x.read(x.src, data); got != okay {
			return got
		}
	case InstrStos:
		copy(data, x.in.Data[:])
	}
	return x.store(x.addr, data)
}

// readPort reads INS's port. Xen does so anew in each pass, for it keeps no port's reads.
func (x *Execution) readPort() (got rc) {
	if !x.ins.is {
		x.ins.data, _, got = x.io(x.port(xen.DirRead, 0))
		x.ins.is = got == okay
	}
	return got
}
