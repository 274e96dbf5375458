package guest

import (
	_ "embed"
	"encoding/binary"
	"fmt"

	"github.com/iotrace-xen/iotrace/xen"
)

// Prober is the kernel of the lab's second guest, for a toolstack to load: an i386
// ELF file with the note that PVH wants, which also stands in for hvmloader. It
// makes single accesses on command; prober.S says how.
//
//go:embed prober.elf
var Prober []byte

// The prober's addresses. They mirror prober.S, whose layout table a test compares.
const (
	ProberDoorbell = 0x5678     // read 4 bytes: how many commands to perform
	ProberProgress = 0x00200000 // number of the command in progress, 4 bytes for each vCPU
	ProberVCPUs    = 0x00200040 // how many vCPUs are to ask for commands, 4 bytes
	ProberCommands = 0x00201000 // the commands of vCPU 0, before those of vCPU 1
	ProberEnd      = 0x00241000 // behind the last of them
	ProberPool     = xen.GFN(0x00400000 >> xen.PageShift)
)

// MaxVCPUs is how many vCPUs the prober can have.
const MaxVCPUs = 2

// commandsSize is the room that each vCPU has for its commands.
const commandsSize = (ProberEnd - ProberCommands) / MaxVCPUs

// CommandSize is the size of a command, and MaxCommands how many there is room for.
const (
	CommandSize = 0x80
	MaxCommands = commandsSize / CommandSize
)

// CommandAt returns the address of a vCPU's ith command.
func CommandAt(v xen.VCPU, i int) uint64 {
	return ProberCommands + uint64(v)*commandsSize + uint64(i)*CommandSize
}

// Offsets in a command; the registers come first.
const (
	commandFlags  = 0x30
	commandXMM0   = 0x40
	commandVector = 0x50
	commandError  = 0x54
	commandCode   = 0x60
	maxCode       = CommandSize - commandCode
)

// ret ends a command's code.
const ret = 0xc3

// Registers are what a command loads before its instruction, and what they are
// after it.
type Registers struct {
	RAX, RCX, RDX, RBX, RSI, RDI, Flags uint64
	XMM0                                [2]uint64
}

// FlagDF makes string instructions go downwards.
const FlagDF = 1 << 10

// Exception is what ended an instruction. Vector is NoException if nothing did.
type Exception struct{ Vector, Error uint32 }

// NoException stands in Exception.Vector for an instruction that was completed.
const NoException uint32 = 0xffffffff

// PutCommand writes a command into the CommandSize bytes at b. The code is one
// instruction, or several; it may change any register but RSP, RBP, R9 and R12 to R15.
func PutCommand(b []byte, r Registers, code []byte) error {
	if len(code) >= maxCode {
		return fmt.Errorf("command: want fewer than %d bytes of code, got %d", maxCode, len(code))
	}
	for i, v := range []uint64{r.RAX, r.RCX, r.RDX, r.RBX, r.RSI, r.RDI} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	binary.LittleEndian.PutUint64(b[commandFlags:], r.Flags|flagAlways)
	binary.LittleEndian.PutUint64(b[commandXMM0:], r.XMM0[0])
	binary.LittleEndian.PutUint64(b[commandXMM0+8:], r.XMM0[1])
	b[commandCode+copy(b[commandCode:], code)] = ret
	return nil
}

// flagAlways is the bit of the flags that is always set.
const flagAlways = 1 << 1

// Performed reads what a command that was performed has left at b.
func Performed(b []byte) (Registers, Exception) {
	word := func(off int) uint64 { return binary.LittleEndian.Uint64(b[off:]) }
	return Registers{
			RAX: word(0), RCX: word(0x08), RDX: word(0x10), RBX: word(0x18), RSI: word(0x20), RDI: word(0x28),
			Flags: word(commandFlags), XMM0: [2]uint64{word(commandXMM0), word(commandXMM0 + 8)},
		}, Exception{
			Vector: binary.LittleEndian.Uint32(b[commandVector:]),
			Error:  binary.LittleEndian.Uint32(b[commandError:]),
		}
}
