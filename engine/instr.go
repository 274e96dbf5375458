package engine

import "github.com/iotrace-xen/iotrace/xen"

// InstrKind is what an instruction of a scripted guest does.
type InstrKind uint8

// The instructions, with the fields of Instr that they use besides VCPU and
// Size.
const (
	InstrIn      InstrKind = iota + 1 // IN: Port
	InstrOut                          // OUT: Port, Data
	InstrIns                          // INS: Port, Addr and the fields of strings
	InstrOuts                         // OUTS: Port, Addr and the fields of strings
	InstrLoad                         // any read of memory: Addr
	InstrStore                        // any write of memory: Addr, Data
	InstrAdd                          // ADD to memory, with LOCK or without: Addr, Data
	InstrXadd                         // XADD: Addr, Data
	InstrXchg                         // XCHG: Addr, Data
	InstrCmpxchg                      // CMPXCHG, 8B and 16B too: Addr, Data, Expect
	InstrMovs                         // MOVS: Addr, Src and the fields of strings
	InstrStos                         // STOS: Addr, Data and the fields of strings
	numInstrs
)

// MaxReps is how many elements one string instruction of a script may have.
const MaxReps = 1 << 16

// Instr is one instruction of a scripted guest in 64-bit mode, whose linear
// addresses are its guest physical ones.
type Instr struct {
	Kind InstrKind
	VCPU xen.VCPU
	Port uint16
	Addr uint64 // gpa of the operand; of the destination of MOVS, STOS and INS, the source of OUTS
	Src  uint64 // gpa of the source of MOVS
	// Size is the operand's or one element's size in bytes: 1, 2 or 4 at ports,
	// 1, 2, 4 or 8 of MOVS, STOS, ADD, XADD and XCHG, those and 16 of CMPXCHG,
	// 1 to 16 of loads and stores.
	Size uint8

	// The fields of strings. Without Rep there is one element, with it there
	// are Count, none to MaxReps.
	Rep   bool
	Count uint64
	DF    bool // addresses descend

	// Data is what is written, added or exchanged, and what CMPXCHG stores if
	// memory holds Expect.
	Data, Expect Operand
}

// Operand is a value of up to 16 bytes, little-endian; those beyond an
// instruction's size are zero.
type Operand [16]byte

// valid says whether the processor has such an instruction.
func (in *Instr) valid() bool {
	pow := in.Size != 0 && in.Size&(in.Size-1) == 0
	switch in.Kind {
	case InstrIn, InstrOut:
		return pow && in.Size <= 4
	case InstrIns, InstrOuts:
		return pow && in.Size <= 4 && in.reps() <= MaxReps
	case InstrMovs, InstrStos:
		return pow && in.Size <= 8 && in.reps() <= MaxReps
	case InstrAdd, InstrXadd, InstrXchg:
		return pow && in.Size <= 8
	case InstrCmpxchg:
		return pow && in.Size <= 16
	case InstrLoad, InstrStore:
		return in.Size >= 1 && in.Size <= 16
	}
	return false
}

// str says whether the instruction is of the string kind.
func (in *Instr) str() bool {
	return in.Kind == InstrIns || in.Kind == InstrOuts || in.Kind == InstrMovs || in.Kind == InstrStos
}

// reps is how many elements there are.
func (in *Instr) reps() uint64 {
	if in.str() && in.Rep {
		return in.Count
	}
	return 1
}
