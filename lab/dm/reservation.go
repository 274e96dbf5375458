package dm

import (
	"encoding/binary"
	"runtime"

	"github.com/iotrace-xen/iotrace/xen"
)

// Extents are frames of a domain: N extents from First on, of 1<<Order frames each.
type Extents struct {
	First xen.GFN
	N     uint64
	Order uint32
}

// struct xen_memory_reservation.
const (
	reservationSize  = 32
	reservationNr    = 8
	reservationOrder = 16
	reservationFlags = 20
	reservationDom   = 24

	onDemand = 1 << 16 // XENMEMF_populate_on_demand
)

// Decrease takes extents from the domain (decrease_reservation), Populate gives it
// memory for them (populate_physmap), at once or on demand. They return how many
// extents were done.
func (c *Conn) Decrease(e Extents) (uint64, xen.Errno) {
	return c.reservation(xen.MemDecreaseReservation, e, 0)
}

// Populate: see Decrease.
func (c *Conn) Populate(e Extents, demand bool) (uint64, xen.Errno) {
	flags := uint32(0)
	if demand {
		flags = onDemand
	}
	return c.reservation(xen.MemPopulatePhysmap, e, flags)
}

func (c *Conn) reservation(op xen.MemoryOp, e Extents, flags uint32) (uint64, xen.Errno) {
	list := make([]byte, 0, 8*(e.N+1)) // with room for the address of an empty one
	for i := range e.N {
		list = binary.LittleEndian.AppendUint64(list, uint64(e.First)+i<<e.Order)
	}
	list = list[:cap(list)]
	arg := make([]byte, reservationSize)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&list[0])
	binary.LittleEndian.PutUint64(arg, address(&list[0]))
	binary.LittleEndian.PutUint64(arg[reservationNr:], e.N)
	binary.LittleEndian.PutUint32(arg[reservationOrder:], e.Order)
	binary.LittleEndian.PutUint32(arg[reservationFlags:], flags)
	binary.LittleEndian.PutUint16(arg[reservationDom:], uint16(c.Dom))
	return c.memoryOp(op, arg)
}

// Remove takes one frame out of the domain's p2m (remove_from_physmap). The page
// stays the domain's.
func (c *Conn) Remove(gfn xen.GFN) xen.Errno {
	const size, gfnOff = 16, 8
	arg := make([]byte, size)
	binary.LittleEndian.PutUint16(arg, uint16(c.Dom))
	binary.LittleEndian.PutUint64(arg[gfnOff:], uint64(gfn))
	_, errno := c.memoryOp(xen.MemRemoveFromPhysmap, arg)
	return errno
}

// struct xen_pod_target, and the calls that take it.
const (
	podSize  = 40
	podTotal = 8
	podCache = 16
	podDom   = 32

	setPoDTarget xen.MemoryOp = 16
	getPoDTarget xen.MemoryOp = 17
)

// FillPoD has Xen hold n pages ready for frames that are populated on demand, as far
// as there are such frames (set_pod_target). Without, they kill the domain.
func (c *Conn) FillPoD(n uint64) xen.Errno {
	arg := make([]byte, podSize)
	binary.LittleEndian.PutUint16(arg[podDom:], uint16(c.Dom))
	if _, errno := c.memoryOp(getPoDTarget, arg); errno != xen.OK {
		return errno
	}
	used := binary.LittleEndian.Uint64(arg[podTotal:]) - binary.LittleEndian.Uint64(arg[podCache:])
	binary.LittleEndian.PutUint64(arg, used+n)
	_, errno := c.memoryOp(setPoDTarget, arg)
	return errno
}

func (c *Conn) memoryOp(op xen.MemoryOp, arg []byte) (uint64, xen.Errno) {
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&arg[0])
	n, errno := hypercallValue(c.privcmd, xen.HyperMemoryOp, uint64(op), address(&arg[0]))
	return uint64(n), errno
}
