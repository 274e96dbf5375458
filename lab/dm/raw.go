package dm

import (
	"encoding/binary"
	"runtime"

	"github.com/iotrace-xen/iotrace/xen"
)

// Call makes a dm_op on a domain as it stands, with that many buffers, the first of which is
// said to be size bytes long, and all others are more: calls that Xen is to refuse,
// too. Nothing here keeps such a caller from what kills Xen, so it must know what it
// does. Linux answers a call without buffers itself, with success, and one whose first
// is said to have no bytes ends in an oops of Linux 5.10.
func (c *Conn) Call(dom xen.DomID, op xen.DMOp, bufs uint16, size uint64, more []byte) (xen.DMOp, xen.Errno) {
	out, errno := dmOp(c.privcmd, dom, op, bufs, size, more)
	c.Log.call(CallLine{Name: op.Op.String(), In: op.Words(), Out: out.Words(), Errno: errno})
	return out, errno
}

// Adopt returns the server with that id, which Call or another device model has
// created, or nobody has. It has no pages before AcquireFrames and no channels
// before Bind.
func (c *Conn) Adopt(id xen.ServerID, mode xen.BufMode) *Server {
	return &Server{ID: id, conn: c, mode: mode, local: map[xen.VCPU]xen.Port{}}
}

// MemType asks Xen for a page's type (hvm_op get_mem_type).
func (c *Conn) MemType(gfn xen.GFN) (xen.MemType, xen.Errno) {
	const size, typeOff, gfnOff = 16, 2, 8
	arg := make([]byte, size)
	binary.LittleEndian.PutUint16(arg, uint16(c.Dom))
	binary.LittleEndian.PutUint64(arg[gfnOff:], uint64(gfn))
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&arg[0])
	errno := hypercall(c.privcmd, xen.HyperHVMOp, uint64(xen.HVMGetMemType), address(&arg[0]))
	return xen.MemType(binary.LittleEndian.Uint16(arg[typeOff:])), errno
}

// Frames returns n of the domain's frames, mapped, from one on. The mapping lasts
// until Unmap, whatever becomes of the frames' types.
func (c *Conn) Frames(first xen.GFN, n int) ([]byte, error) {
	mem, err := mmap(c.privcmd, n)
	if err != nil {
		return nil, err
	}
	gfns := make([]xen.GFN, n)
	for i := range gfns {
		gfns[i] = first + xen.GFN(i)
	}
	return mem, mapForeign(c.privcmd, c.Dom, gfns, mem)
}
