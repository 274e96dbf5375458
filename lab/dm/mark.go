package dm

import (
	"encoding/binary"
	"fmt"
	"runtime"

	"github.com/iotrace-xen/iotrace/xen"
)

// Mark puts a record with a number into Xen's own trace, if that is on: hvm_op
// xentrace, by which a guest does it, serves dom0 as well. The record's event is one
// of the class of guests' own, and below 0x1000.
func (c *Conn) Mark(event uint16, n uint32) error {
	const op, size, bytesOff, wordOff = 11, 32, 2, 4
	arg := make([]byte, size)
	binary.LittleEndian.PutUint16(arg, event)
	binary.LittleEndian.PutUint16(arg[bytesOff:], 4)
	binary.LittleEndian.PutUint32(arg[wordOff:], n)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&arg[0])
	if errno := hypercall(c.privcmd, xen.HyperHVMOp, op, address(&arg[0])); errno != xen.OK {
		return fmt.Errorf("hvm_op xentrace: %w", errno)
	}
	return nil
}
