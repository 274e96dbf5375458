// Package guest has the lab's guests and the constants that their device models
// need. The first is a two-kilobyte disk image that boots from the BIOS and makes
// accesses of every kind on command. The second, the prober, is a kernel that makes
// one access at a time, each by an instruction that it is given. Both are assembled
// (guest.S, prober.S) and committed, so that nobody needs an assembler to run the
// lab.
package guest

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/iotrace-xen/iotrace/xen"
)

//go:generate sh build.sh

// Image is the guest's disk, to be given to it as a raw disk from which to boot.
//
//go:embed guest.img
var Image []byte

// The lines that the guest writes to its first serial port.
const (
	UpLine  = "iotrace guest: up"
	EndLine = "iotrace guest: end"
)

// The guest's addresses. They mirror guest.S, whose layout table a test compares.
const (
	PortCommand = 0x5678 // read 4 bytes: the next command
	PortResult  = 0x567c // write 4 bytes: the last command's result
	PortScratch = 0x5680 // 16 ports that must hold what is written to them
	PortEnd     = 0x568f // last of them

	MMIO     = 0xe8000000 // two pages that must hold what is written to them
	MMIOSize = 0x2000
	VGA      = 0xb8000 // text memory
	VGASize  = 0x8000

	Buffer    = 0x10000                              // two pages for string operations, never typed
	Pool      = xen.GFN(0x01000000 >> xen.PageShift) // first page that may be typed
	PoolPages = 32
)

// PCIDevice is the guest's idea of a device that QEMU does not have.
var PCIDevice = xen.NewSBDF(0, 0, 0x1e, 0)

// Op is one thing the guest can be told to do.
type Op uint8

// The operations. Each takes a count; guest.S says what it counts and what the
// result is.
const (
	OpEnd      Op = iota // print EndLine and make no request any more; no result
	OpPIO                // in and out of 1, 2, 4 bytes
	OpOuts               // rep outsb upwards, rep outsw downwards
	OpIns                // rep insb, rep insl
	OpMMIO               // memory-mapped reads and writes of 1, 2, 4 bytes
	OpMMIOMovs           // rep movsl to the device and back, both directions
	OpMMIOStos           // rep stosl to the device across a page boundary
	OpPCI                // config cycles to PCIDevice
	OpPCIScan            // config reads of all devices of bus 0
	OpVGA                // buffered writes of 4, 2, 1 bytes
	OpVGA8               // buffered writes of 8 bytes
	OpWrite              // writes of 4 bytes all over the pool
	OpSizes              // writes of 1, 2, 4 bytes, some misaligned
	OpRMW                // add, xchg, lock inc, lock cmpxchg, or
	OpStos               // rep stosl across a page boundary
	OpMovs               // rep movsl downwards
	OpStraddle           // writes that lie in two pages
	OpWide               // writes of 8 and 16 bytes
	OpSum                // reads of the pool: the sum of its first count dwords
	OpSMP                // OpPIO on two vCPUs at once
	OpUART               // out and in of a byte at a port of QEMU's
	numOps
)

var opNames = [numOps]string{
	"end", "pio", "outs", "ins", "mmio", "mmio_movs", "mmio_stos", "pci", "pci_scan", "vga", "vga8",
	"write", "sizes", "rmw", "stos", "movs", "straddle", "wide", "sum", "smp", "uart",
}

// String returns the operation's name in guest.S.
func (o Op) String() string {
	if o < numOps {
		return opNames[o]
	}
	return "?"
}

// FindOp returns the operation with that name.
func FindOp(name string) (Op, error) {
	i := slices.Index(opNames[:], name)
	if i < 0 {
		return 0, fmt.Errorf("guest's operation %q: not known", name)
	}
	return Op(i), nil
}

// NoCommand is what a read of PortCommand gives while no server owns it.
const NoCommand uint32 = 0xffffffff

// Command returns the answer to a read of PortCommand that makes the guest do op
// count times. Count has 24 bits; more are cut off.
func Command(op Op, count uint32) uint32 { return uint32(op) | count<<8 }
