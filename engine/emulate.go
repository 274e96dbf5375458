package engine

import (
	"encoding/binary"

	"github.com/iotrace-xen/iotrace/xen"
)

// native runs what does not trap, until an element does or nothing is left.
func (x *Execution) native() {
	for x.left > 0 {
		traps := x.traps()
		if x.d.layout != nil && traps != Maybe {
			x.walk()
		}
		switch traps {
		case Yes:
			return
		case Maybe:
			x.fresh = true
			x.effect.Route = Route{Kind: RouteUnknown, Server: xen.NoServer, Why: whyPage}
			x.end(Undecided, whyPage)
			return
		}
		x.element()
		x.retire(1)
	}
	x.res.Outcome = Retired
}

// The ports that no VM exit guards: hvm_enable opens them to the guest.
const (
	portPOST  = 0x80
	portDelay = 0xed
)

// open says whether the instruction's port is one of these.
func (x *Execution) open() bool {
	return x.in.Size == 1 && (x.in.Port == portPOST || x.in.Port == portDelay)
}

// traps says whether the next element causes a VM exit for the emulator.
func (x *Execution) traps() Tri {
	size := int(x.in.Size)
	switch x.in.Kind {
	case InstrIn, InstrOut:
		return triOf(!x.open())
	case InstrIns:
		return either(triOf(!x.open()), x.trapsAt(x.addr, size, writeTraps))
	case InstrOuts:
		return either(triOf(!x.open()), x.trapsAt(x.addr, size, readTraps))
	case InstrLoad:
		return x.trapsAt(x.addr, size, readTraps)
	case InstrMovs:
		return either(x.trapsAt(x.src, size, readTraps), x.trapsAt(x.addr, size, writeTraps))
	}
	return x.trapsAt(x.addr, size, writeTraps)
}

// either is the three-valued or.
func either(a, b Tri) Tri {
	switch {
	case a == Yes || b == Yes:
		return Yes
	case a == No && b == No:
		return No
	}
	return Maybe
}

// The types of pages whose reads and writes go to the emulator, and those of
// which nothing is known here.
const (
	readTraps  = setMMIODM
	writeTraps = setMMIODM | setRAMRO | setIOReqServer
)

// trapsAt says whether an access of n bytes meets a page of a type in set.
func (x *Execution) trapsAt(gpa uint64, n int, set P2MTypes) Tri {
	is := No
	for at := range parts(gpa, n) {
		is = either(is, within(x.d.Page(xen.GFNOf(at)), set))
	}
	return is
}

// within says whether a page that may be of types is of a type in set. Pages
// that are paged out, or special, are outside of what is modelled.
func within(types, set P2MTypes) Tri {
	switch {
	case types == 0 || types&^setPlain != 0:
		return Maybe
	case types&set == 0:
		return No
	case types&^set == 0:
		return Yes
	}
	return Maybe
}

const setPlain = setRAMRW | setLogDirty | setRAMRO | setMMIODM | setIOReqServer | setPoD

// element does one element in RAM, as the processor does.
func (x *Execution) element() {
	var b Operand
	data := b[:x.in.Size]
	switch x.in.Kind {
	case InstrIn, InstrIns:
		x.res.Unknown = true // the hardware behind an open port
		return
	case InstrOut, InstrOuts:
		return
	case InstrLoad:
		x.mem.Read(x.addr, x.res.Value[:x.in.Size])
		return
	case InstrMovs:
		x.mem.Read(x.src, data)
		x.mem.Write(x.addr, data)
		return
	case InstrStore, InstrStos:
		x.mem.Write(x.addr, x.in.Data[:x.in.Size])
		return
	}
	x.mem.Read(x.addr, data)
	if next, write := x.modify(data); write {
		x.mem.Write(x.addr, next[:x.in.Size])
	}
}

// modify computes what a read-modify-write instruction stores, and notes what
// it hands to the guest.
func (x *Execution) modify(old []byte) (next Operand, write bool) {
	next = x.in.Data
	switch x.in.Kind {
	case InstrAdd, InstrXadd:
		binary.LittleEndian.PutUint64(next[:], number(old)+number(x.in.Data[:x.in.Size]))
		clear(next[x.in.Size:])
	case InstrCmpxchg:
		x.res.Equal = string(old) == string(x.in.Expect[:x.in.Size])
		write = x.res.Equal
	}
	if x.in.Kind != InstrAdd {
		x.res.Value = Operand{}
		copy(x.res.Value[:], old)
	}
	return next, write || x.in.Kind != InstrCmpxchg
}

// number reads up to 8 bytes.
func number(b []byte) uint64 {
	var w [8]byte
	copy(w[:], b)
	return binary.LittleEndian.Uint64(w[:])
}

// emulate is one pass of x86_emulate over the next element, or elements, and
// returns how many it has done.
func (x *Execution) emulate() (reps uint64, got rc) {
	size := int(x.in.Size)
	switch x.in.Kind {
	case InstrIn:
		var data uint64
		if data, _, got = x.io(x.port(xen.DirRead, 0)); got == okay {
			x.res.Value = operand(data, size)
		}
	case InstrOut:
		_, _, got = x.io(x.port(xen.DirWrite, number(x.in.Data[:size])))
	case InstrLoad:
		got = x.read(x.addr, x.res.Value[:size])
	case InstrStore:
		got = x.store(x.addr, x.in.Data[:size])
	case InstrAdd, InstrXadd, InstrXchg:
		got = x.rmw()
	case InstrCmpxchg:
		got = x.cmpxchg()
	default:
		return x.strings()
	}
	return 1, got
}

func operand(data uint64, size int) (o Operand) {
	binary.LittleEndian.PutUint64(o[:], data)
	clear(o[size:])
	return o
}

// port is a single access to the instruction's port.
func (x *Execution) port(dir xen.Dir, data uint64) Access {
	return Access{
		Type: xen.TypePIO, Dir: dir, Addr: uint64(x.in.Port), Size: uint32(x.in.Size), Count: 1,
		Data: data, DataKnown: dir == xen.DirWrite,
	}
}

// notRAM are the types that the emulator's copies take for MMIO when they read.
func (d *Domain) notRAM() P2MTypes {
	if d.cfg.Profile.Type15 == Type15WriteDM {
		return setMMIODM | setIOReqServer
	}
	return setMMIODM
}

// read is linear_read: page by page, from RAM or by requests. Older releases
// take all of an operand for MMIO if a page of it is.
func (x *Execution) read(gpa uint64, b []byte) rc {
	if !x.d.cfg.Profile.SplitPages && x.trapsAt(gpa, len(b), x.d.notRAM()) == Yes {
		return x.allMMIO(gpa, b, xen.DirRead)
	}
	for at, n := range parts(gpa, len(b)) {
		if got := x.readPart(at, b[at-gpa:][:n]); got != okay {
			return got
		}
	}
	return okay
}

// readPart reads from one page.
func (x *Execution) readPart(gpa uint64, b []byte) rc {
	if x.again(gpa, xen.DirRead) {
		return x.onePart(gpa, b, xen.DirRead)
	}
	switch within(x.d.Page(xen.GFNOf(gpa)), x.d.notRAM()) {
	case Yes:
		return x.onePart(gpa, b, xen.DirRead)
	case No:
		return x.readRAM(gpa, b)
	}
	return x.unknownPage()
}

// unknownPage ends the instruction at a page of which too little is known.
func (x *Execution) unknownPage() rc {
	x.effect.Route = Route{Kind: RouteUnknown, Server: xen.NoServer, Why: whyPage}
	x.seen()
	return x.end(Undecided, whyPage)
}

// readRAM reads through the emulator's cache of memory, 8 bytes an entry.
func (x *Execution) readRAM(gpa uint64, b []byte) rc {
	for len(b) > 0 {
		n := min(len(b), 8)
		if !x.d.cfg.Profile.ReadCache || !x.kept.recall(gpa, b[:n]) {
			x.mem.Read(gpa, b[:n])
			x.kept.note(gpa, b[:n])
		}
		gpa, b = gpa+uint64(n), b[n:]
	}
	return okay
}

// put stores the lower bytes of data in b.
func put(b []byte, data uint64) {
	var w [8]byte
	binary.LittleEndian.PutUint64(w[:], data)
	copy(b, w[:])
}
