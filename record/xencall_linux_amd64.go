package record

import (
	"fmt"
	"os"

	"github.com/iotrace-xen/iotrace/xen"
	"golang.org/x/sys/unix"
)

// xencall makes the few calls by which a late recorder learns what exists. It
// changes nothing in Xen. Xen reads a hypercall's arguments by address, so they
// lie in fixed; the buffers of a dm_op the kernel pins itself, which newer ones
// refuse for that memory, so they lie in plain.
type xencall struct {
	file  *os.File
	fixed []byte
	plain []byte
}

// Where the parts of a call's arguments lie in their page, behind the ioctl's own
// at its start.
const (
	callVector = 128
	callBody   = 256
)

func openXencall() (*xencall, error) {
	f, err := os.OpenFile(privcmdPath, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	plain, err := lockedPage()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("memory for dm_ops: %w", err)
	}
	fixed, err := hypercallPage()
	if err != nil {
		f.Close()
		unix.Munmap(plain)
		return nil, fmt.Errorf("memory for hypercalls: %w", err)
	}
	return &xencall{file: f, fixed: fixed, plain: plain}, nil
}

const readWrite = unix.PROT_READ | unix.PROT_WRITE

func lockedPage() ([]byte, error) {
	return unix.Mmap(-1, 0, xen.PageSize, readWrite, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_LOCKED|unix.MAP_POPULATE)
}

// hypercallPage returns a page that the kernel will not move: of the device
// made for it, or, before Linux 4.18, locked.
func hypercallPage() ([]byte, error) {
	if f, err := os.OpenFile("/dev/xen/hypercall", os.O_RDWR, 0); err == nil {
		defer f.Close()
		if p, err := unix.Mmap(int(f.Fd()), 0, xen.PageSize, readWrite, unix.MAP_SHARED); err == nil {
			return p, nil
		}
	}
	return lockedPage()
}

func (x *xencall) close() {
	unix.Munmap(x.fixed)
	unix.Munmap(x.plain)
	x.file.Close()
}

// ioctl calls privcmd with the argument at the start of page.
func (x *xencall) ioctl(cmd xen.Ioctl, page []byte) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, x.file.Fd(), uintptr(cmd), addressOf(page)); errno != 0 {
		return errno
	}
	return nil
}

// portStatus asks Xen about one of dom0's event channels.
func (x *xencall) portStatus(p xen.Port) (xen.EventStatusReply, error) {
	body := x.fixed[callBody : callBody+xen.EventStatusSize]
	copy(body, xen.EventStatusReply{Dom: xen.DomSelf, Port: p}.Append(nil))
	arg := xen.HypercallArg{Op: xen.HyperEventChannel, Arg: [5]uint64{uint64(xen.EventStatus), uint64(addressOf(body))}}
	arg.Append(x.fixed[:0])
	if err := x.ioctl(xen.PrivcmdHypercall, x.fixed); err != nil {
		return xen.EventStatusReply{}, err
	}
	return xen.DecodeEventStatus(body)
}

// dmOp makes a dm_op of one buffer and returns it as Xen left it.
func (x *xencall) dmOp(dom xen.DomID, op xen.DMOp) (xen.DMOp, error) {
	body := x.plain[callBody : callBody+xen.DMOpSize]
	copy(body, op.Append(nil))
	xen.DMOpBuf{Addr: uint64(addressOf(body)), Size: xen.DMOpSize}.Append(x.plain[callVector:callVector])
	xen.DMOpArg{Dom: dom, Num: 1, Bufs: uint64(addressOf(x.plain[callVector:]))}.Append(x.plain[:0])
	if err := x.ioctl(xen.PrivcmdDMOp, x.plain); err != nil {
		return xen.DMOp{}, err
	}
	return xen.DecodeDMOp(body)
}

// serverInfo returns the buffered port of server id of dom, 0 if it has none.
// It asks for no frame numbers: that would map the pages into the guest.
func (x *xencall) serverInfo(dom xen.DomID, id xen.ServerID) (xen.Port, error) {
	op, err := x.dmOp(dom, xen.NewDMOp(xen.GetIOReqServerInfo{ID: id, Flags: xen.NoGFNs}))
	if err != nil {
		return 0, err
	}
	info, _ := op.DecodeBody().(xen.GetIOReqServerInfo)
	return info.BufPort, nil
}

// vcpus returns how many vCPUs dom has. Xen answers from 4.15.
func (x *xencall) vcpus(dom xen.DomID) (uint32, error) {
	op, err := x.dmOp(dom, xen.NewDMOp(xen.NrVCPUs{}))
	if err != nil {
		return 0, err
	}
	n, _ := op.DecodeBody().(xen.NrVCPUs)
	return n.VCPUs, nil
}
