package mediator

import (
	"encoding/binary"
	"fmt"

	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// poolDwords is how many dwords the pool has, for guest.OpSum.
const poolDwords = guest.PoolPages * xen.PageSize / 4

// check compares the guest's result with what we know it must be: the guest saw
// our answers, our buffered writes and our emulated writes as we made them.
func (m *mediator) check(op guest.Op, count uint32) error {
	var want uint32
	var err error
	switch op {
	case guest.OpPIO, guest.OpMMIO, guest.OpPCI, guest.OpSMP:
		want = m.reply.reads
	case guest.OpIns, guest.OpMMIOMovs:
		want, err = m.sum(guest.Buffer, count)
	case guest.OpSum:
		want, err = m.sum(guest.Pool.Addr(), count)
	case guest.OpRMW:
		want, err = m.sum(guest.Pool.Addr(), 1)
	case guest.OpVGA8:
		want, err = count, m.checkVGA(count)
	case guest.OpMMIOStos:
		err = m.checkMMIO()
	case guest.OpPCIScan:
		return nil // how many devices QEMU has is QEMU's business
	case guest.OpVGA, guest.OpWrite, guest.OpSizes, guest.OpStraddle, guest.OpWide:
		want = count
	case guest.OpUART:
		for ; count > 0; count-- {
			want += count & 0xff
		}
	}
	if err == nil && m.reply.result != want {
		err = fmt.Errorf("want result %#x, got %#x", want, m.reply.result)
	}
	return err
}

// sum adds up n dwords of the guest's memory as its pages hold them.
func (m *mediator) sum(addr uint64, n uint32) (sum uint32, err error) {
	for i := range uint64(n) {
		mem, err := m.guestBytes(addr+4*i, 4)
		if err != nil {
			return 0, err
		}
		sum += binary.LittleEndian.Uint32(mem)
	}
	return sum, nil
}

// checkVGA checks what OpVGA8 wrote: each quadword holds its own number twice.
func (m *mediator) checkVGA(count uint32) error {
	for i := range uint64(count) {
		if got, want := get(m.device.vga[8*i:][:8]), i<<32|i; got != want {
			return fmt.Errorf("VGA memory at %#x: want %#x, got %#x", guest.VGA+8*i, want, got)
		}
	}
	return nil
}

// checkMMIO checks that OpMMIOStos reached both pages of the device.
func (m *mediator) checkMMIO() error {
	for _, off := range []uint64{xen.PageSize - 4, xen.PageSize} {
		if got := get(m.device.mmio[off:][:4]); got != 0x54545454 {
			return fmt.Errorf("mmio at %#x: want what rep stosl wrote, got %#x", guest.MMIO+off, got)
		}
	}
	return nil
}
