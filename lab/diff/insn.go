package diff

import (
	"encoding/binary"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/lab/guest"
)

// fill is what registers hold that an instruction may leave alone, so that a
// partial write shows.
const fill = 0xf1f2f3f4f5f6f7f8

// Prefixes and the forms of operand that instructions here have: memory at
// (%rdi) with %rdx, or memory at (%rsi) with %rax.
const (
	prefixLock = 0xf0
	prefixRep  = 0xf3
	prefix16   = 0x66
	prefix64   = 0x48
	atRDI      = 0x17
	atRDIGroup = 0x0f // of Grp9, the first
	atRSI      = 0x06
)

// An encoding is an instruction's opcode for operands of a byte, and of more.
type encoding struct {
	narrow, wide []byte
	operand      []byte
}

var encodings = map[Verb]encoding{
	In:      {[]byte{0xec}, []byte{0xed}, nil},
	Out:     {[]byte{0xee}, []byte{0xef}, nil},
	Ins:     {[]byte{0x6c}, []byte{0x6d}, nil},
	Outs:    {[]byte{0x6e}, []byte{0x6f}, nil},
	Read:    {[]byte{0x8a}, []byte{0x8b}, []byte{atRSI}},
	Write:   {[]byte{0x88}, []byte{0x89}, []byte{atRDI}},
	Movs:    {[]byte{0xa4}, []byte{0xa5}, nil},
	Stos:    {[]byte{0xaa}, []byte{0xab}, nil},
	Add:     {[]byte{0x00}, []byte{0x01}, []byte{atRDI}},
	Xadd:    {[]byte{0x0f, 0xc0}, []byte{0x0f, 0xc1}, []byte{atRDI}},
	Xchg:    {[]byte{0x86}, []byte{0x87}, []byte{atRDI}},
	CmpXchg: {[]byte{0x0f, 0xb0}, []byte{0x0f, 0xb1}, []byte{atRDI}},

	CmpXchg8B: {nil, []byte{0x0f, 0xc7}, []byte{atRDIGroup}},
}

// sizeXMM is the size of operands that take movups.
const sizeXMM = 16

// Code returns the machine code of a guest's step.
func (s Step) Code() []byte {
	size := s.Arg(argWidth.name)
	switch {
	case s.Verb == Write && size == sizeXMM:
		return []byte{0x0f, 0x11, 0x07}
	case s.Verb == Read && size == sizeXMM:
		return []byte{0x0f, 0x10, 0x06}
	}
	var code []byte
	if s.Arg(argLock.name) != 0 {
		code = append(code, prefixLock)
	}
	if s.Arg(argRep.name) != 0 {
		code = append(code, prefixRep)
	}
	e := encodings[s.Verb]
	opcode := e.wide
	switch size {
	case 1:
		opcode = e.narrow
	case 2:
		code = append(code, prefix16)
	case 8, 16:
		if s.Verb != CmpXchg8B || size == 16 {
			code = append(code, prefix64)
		}
	}
	return append(append(code, opcode...), e.operand...)
}

// Registers returns what a guest's step loads before its code.
func (s Step) Registers() guest.Registers {
	data := s.Arg(argData.name)
	r := guest.Registers{RAX: fill, RCX: s.Arg(argCount.name), RDX: data, RBX: fill,
		RSI: s.Arg(argGPA.name), RDI: s.Arg(argGPA.name), XMM0: [2]uint64{data, s.Arg(argHigh.name)}}
	if s.Arg(argDF.name) != 0 {
		r.Flags = guest.FlagDF
	}
	switch s.Verb {
	case In, Ins, Outs:
		r.RDX = s.Arg(argPort.name)
	case Out:
		r.RDX, r.RAX = s.Arg(argPort.name), data
	case Stos:
		r.RAX = data
	case CmpXchg:
		r.RAX = s.Arg(argOld.name)
	case CmpXchg8B:
		r.RBX, r.RCX = pair(s, data, s.Arg(argHigh.name))
		r.RAX, r.RDX = pair(s, s.Arg(argOld.name), s.Arg(argOld2.name))
	case Movs:
		r.RSI, r.RDI = s.Arg("from"), s.Arg("to")
	case Read:
		r.XMM0 = [2]uint64{fill, fill}
	}
	return r
}

// pair returns the two registers that an operand of CMPXCHG8B or 16B is in.
func pair(s Step, low, high uint64) (a, b uint64) {
	if s.Arg(argWidth.name) == 8 {
		return low & (1<<32 - 1), low >> 32
	}
	return low, high
}

// kinds are the model's names of the instructions.
var kinds = map[Verb]engine.InstrKind{
	In: engine.InstrIn, Out: engine.InstrOut, Ins: engine.InstrIns, Outs: engine.InstrOuts, Read: engine.InstrLoad,
	Write: engine.InstrStore, Movs: engine.InstrMovs, Stos: engine.InstrStos, Add: engine.InstrAdd,
	Xadd: engine.InstrXadd, Xchg: engine.InstrXchg, CmpXchg: engine.InstrCmpxchg, CmpXchg8B: engine.InstrCmpxchg,
}

// Instr returns a guest's step as the model knows it.
func (s Step) Instr() engine.Instr {
	size := s.Arg(argWidth.name)
	in := engine.Instr{
		Kind: kinds[s.Verb], VCPU: s.VCPU(), Port: uint16(s.Arg(argPort.name)), Addr: s.Arg(argGPA.name), Size: uint8(size),
		Rep: s.Arg(argRep.name) != 0, Count: s.Arg(argCount.name), DF: s.Arg(argDF.name) != 0,
		Data: operand(size, s.Arg(argData.name), s.Arg(argHigh.name)), Expect: operand(size, s.Arg(argOld.name), s.Arg(argOld2.name)),
	}
	if s.Verb == Movs {
		in.Src, in.Addr = s.Arg("from"), s.Arg("to")
	}
	return in
}

// operand is the lower size bytes of a value.
func operand(size, low, high uint64) (o engine.Operand) {
	binary.LittleEndian.PutUint64(o[:], low)
	binary.LittleEndian.PutUint64(o[8:], high)
	clear(o[size:])
	return o
}

// after returns the registers after a guest's step that ended so.
func (s Step) after(res engine.Result) guest.Registers {
	r := s.Registers()
	low, high := binary.LittleEndian.Uint64(res.Value[:]), binary.LittleEndian.Uint64(res.Value[8:])
	size := s.Arg(argWidth.name)
	loaded := res.Outcome == engine.Retired
	switch {
	case !loaded:
	case s.Verb == Read && size == sizeXMM:
		r.XMM0 = [2]uint64{low, high}
	case s.Verb == In || s.Verb == Read:
		r.RAX = merge(r.RAX, low, size)
	case s.Verb == Xadd || s.Verb == Xchg:
		r.RDX = merge(r.RDX, low, size)
	case (s.Verb == CmpXchg || s.Verb == CmpXchg8B) && res.Equal:
		r.Flags |= flagZ
	case s.Verb == CmpXchg8B:
		r.RAX, r.RDX = pair(s, low, high)
	case s.Verb == CmpXchg:
		r.RAX = merge(r.RAX, low, size)
	}
	r.RCX = res.Left
	return r
}

// flagZ is the flag that CMPXCHG sets when it has stored.
const flagZ = 1 << 6

// merge is a register after size bytes of it were written: 4 bytes clear the
// upper half, fewer leave the rest as it was.
func merge(old, v, size uint64) uint64 {
	if size >= 4 {
		return v & (1<<(8*size-1)<<1 - 1)
	}
	mask := uint64(1)<<(8*size) - 1
	return old&^mask | v&mask
}
