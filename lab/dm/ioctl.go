package dm

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/iotrace-xen/iotrace/xen"
)

// address returns where x lies, as an ioctl's argument carries it. What is on
// Go's heap must be pinned by then.
func address[T any](x *T) uint64 { return uint64(uintptr(unsafe.Pointer(x))) }

// ioctl returns the call's non-negative result, or the errno.
func ioctl(f *os.File, cmd xen.Ioctl, arg unsafe.Pointer) (int, syscall.Errno) {
	for {
		r, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), uintptr(cmd), uintptr(arg))
		if errno != syscall.EINTR {
			return int(r), errno
		}
	}
}

// dmOp issues op with bufs buffers, of which the first is said to have size bytes and
// all others are more, and returns it as Xen left it.
func dmOp(privcmd *os.File, dom xen.DomID, op xen.DMOp, bufs uint16, size uint64, more []byte) (xen.DMOp, xen.Errno) {
	raw := op.Append(make([]byte, 0, xen.DMOpSize))
	var pin runtime.Pinner // addresses inside the arguments are no pointers to Go
	defer pin.Unpin()
	pin.Pin(&raw[0])
	list := xen.DMOpBuf{Addr: address(&raw[0]), Size: size}.Append(nil)
	for i := uint16(1); i < bufs; i++ {
		pin.Pin(&more[0])
		list = xen.DMOpBuf{Addr: address(&more[0]), Size: uint64(len(more))}.Append(list)
	}
	pin.Pin(&list[0])
	arg := xen.DMOpArg{Dom: dom, Num: bufs, Bufs: address(&list[0])}.Append(nil)
	_, errno := ioctl(privcmd, xen.PrivcmdDMOp, unsafe.Pointer(&arg[0]))
	out, err := xen.DecodeDMOp(raw)
	if err != nil {
		panic(err) // raw has the size that DecodeDMOp wants
	}
	return out, xen.Errno(errno)
}

// hypercall makes a hypercall with two arguments.
func hypercall(privcmd *os.File, op xen.Hypercall, a, b uint64) xen.Errno {
	_, errno := hypercallValue(privcmd, op, a, b)
	return errno
}

// hypercallValue makes one whose success has a value.
func hypercallValue(privcmd *os.File, op xen.Hypercall, a, b uint64) (int, xen.Errno) {
	arg := xen.HypercallArg{Op: op, Arg: [5]uint64{a, b}}.Append(nil)
	n, errno := ioctl(privcmd, xen.PrivcmdHypercall, unsafe.Pointer(&arg[0]))
	return n, xen.Errno(errno)
}

// mmap reserves n pages of privcmd for a later ioctl to fill.
func mmap(privcmd *os.File, n int) ([]byte, error) {
	b, err := syscall.Mmap(int(privcmd.Fd()), 0, n*xen.PageSize,
		syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("/dev/xen/privcmd: mmap %d pages: %w", n, err)
	}
	return b, nil
}

// mapResource maps frames of a server into mem.
func mapResource(privcmd *os.File, r xen.MmapResource, mem []byte) xen.Errno {
	r.Addr = address(&mem[0])
	raw := r.Append(make([]byte, 0, xen.MmapResourceSize))
	_, errno := ioctl(privcmd, xen.PrivcmdMmapResource, unsafe.Pointer(&raw[0]))
	return xen.Errno(errno)
}

// mapForeign maps the domain's frames gfns into mem.
func mapForeign(privcmd *os.File, dom xen.DomID, gfns []xen.GFN, mem []byte) error {
	errs := make([]int32, len(gfns))
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&gfns[0])
	pin.Pin(&errs[0])
	arg := xen.MmapBatch{
		Num: uint32(len(gfns)), Dom: dom, Addr: address(&mem[0]), GFNs: address(&gfns[0]), Errs: address(&errs[0]),
	}.Append(nil)
	if _, errno := ioctl(privcmd, xen.PrivcmdMmapBatchV2, unsafe.Pointer(&arg[0])); errno != 0 {
		return fmt.Errorf("map %d frames from gfn %#x of domain %d: %w", len(gfns), uint64(gfns[0]), dom, errno)
	}
	for i, e := range errs {
		if e != 0 {
			return fmt.Errorf("map gfn %#x of domain %d: %w", uint64(gfns[i]), dom, syscall.Errno(-e))
		}
	}
	return nil
}

// bindInterdomain binds a new local port to the domain's port.
func bindInterdomain(evtchn *os.File, dom xen.DomID, remote xen.Port) (xen.Port, xen.Errno) {
	arg := xen.BindArg{RemoteDom: dom, RemotePort: remote}.Append(nil)
	port, errno := ioctl(evtchn, xen.EvtchnBindInterdomain, unsafe.Pointer(&arg[0]))
	return xen.Port(port), xen.Errno(errno)
}

// portCall is notify and unbind, which take nothing but a port.
func portCall(evtchn *os.File, cmd xen.Ioctl, port xen.Port) xen.Errno {
	arg := uint32(port)
	_, errno := ioctl(evtchn, cmd, unsafe.Pointer(&arg))
	return xen.Errno(errno)
}
