package mediator

import (
	"encoding/binary"
	"fmt"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// Identity of the mediator's PCI function, its first config register.
const pciIdentity = 0x07e05853

// device is what the guest sees: memory behind ports, MMIO, VGA and PCI config.
// All of it holds what is written to it.
type device struct {
	scratch [guest.PortEnd + 1 - guest.PortScratch]byte
	mmio    [guest.MMIOSize]byte
	vga     [guest.VGASize]byte
	config  [256]byte
}

func newDevice() *device {
	d := &device{}
	binary.LittleEndian.PutUint32(d.config[:], pciIdentity)
	return d
}

// at returns the device's bytes for one repetition of a request, nil if the
// request is for none of its parts.
func (d *device) at(t xen.IOReqType, addr uint64, size uint32) []byte {
	var mem []byte
	var base uint64
	switch {
	case t == xen.TypePIO:
		mem, base = d.scratch[:], guest.PortScratch
	case t == xen.TypePCIConfig:
		mem, base = d.config[:], xen.PCIAddr(guest.PCIDevice, 0)
	case t == xen.TypeCopy && addr >= guest.MMIO:
		mem, base = d.mmio[:], guest.MMIO
	case t == xen.TypeCopy:
		mem, base = d.vga[:], guest.VGA
	}
	if off := addr - base; addr >= base && off+uint64(size) <= uint64(len(mem)) {
		return mem[off : off+uint64(size)]
	}
	return nil
}

// buffered applies a write that came through the ring.
func (d *device) buffered(b dm.BufLine) error {
	mem := d.at(b.Type, uint64(b.Addr), b.Size)
	if mem == nil || b.Dir != xen.DirWrite {
		return fmt.Errorf("buffered %v of %d bytes at %#x: not ours", b.Dir, b.Size, b.Addr)
	}
	put(mem, b.Data)
	return nil
}

// put and get move a little-endian value of len(mem) bytes.
func put(mem []byte, v uint64) {
	for i := range mem {
		mem[i] = byte(v >> (8 * i))
	}
}

func get(mem []byte) (v uint64) {
	for i := range mem {
		v |= uint64(mem[i]) << (8 * i)
	}
	return v
}
