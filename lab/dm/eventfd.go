package dm

import (
	"fmt"
	"runtime"

	"github.com/iotrace-xen/iotrace/xen"
)

// noFD is no descriptor, so that every kernel refuses what is asked with it. Where
// privcmd can answer requests by itself (CONFIG_XEN_PRIVCMD_EVENTFD), a PV dom0's
// kernel would crash if it tried.
const noFD = ^uint32(0)

// What RefusedEventFDs asks for: a queue of a virtio-mmio device and an interrupt.
var (
	RefusedDevice = xen.IOEventFD{FD: noFD, Addr: 0x2000000, AddrLen: 4, VCPUs: 1, VQ: 3}
	RefusedIRQ    = xen.IRQFD{FD: noFD, Size: xen.DMOpSize, Op: xen.NewDMOp(xen.SetISAIRQLevel{IRQ: 5, Level: 1})}
)

// RefusedEventFDs asks the kernel to answer requests of the server and to raise an
// interrupt by itself. It must refuse both: what counts is that it was asked.
func (s *Server) RefusedEventFDs() error {
	var pin runtime.Pinner // addresses inside the arguments are no pointers to Go
	defer pin.Unpin()
	ports, op := make([]uint32, 1), RefusedIRQ.Op.Append(nil)
	pin.Pin(&ports[0])
	pin.Pin(&op[0])
	device, irq := RefusedDevice, RefusedIRQ
	device.Dom, device.Slots, device.Ports = s.conn.Dom, address(&s.slots[0]), address(&ports[0])
	irq.Dom, irq.OpAddr = s.conn.Dom, address(&op[0])
	for _, c := range []struct {
		cmd xen.Ioctl
		arg []byte
	}{{xen.PrivcmdIOEventFD, device.Append(nil)}, {xen.PrivcmdIRQFD, irq.Append(nil)}} {
		if s.conn.askEventFD(c.cmd, c.arg) == xen.OK {
			return fmt.Errorf("server %d: %v with no eventfd: want it refused", s.ID, c.cmd)
		}
	}
	return nil
}
