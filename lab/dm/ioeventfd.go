package dm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/iotrace-xen/iotrace/xen"
	"golang.org/x/sys/unix"
)

// queueNotify is where a virtio-mmio device has the register at whose writes the
// kernel looks (VIRTIO_MMIO_QUEUE_NOTIFY).
const queueNotify = 0x50

// An IOEventFD is a register whose writes dom0's kernel answers in the device model's
// place: it only counts them.
type IOEventFD struct {
	server *Server
	arg    xen.IOEventFD
	count  *os.File
}

// AnswerWrites has the kernel answer writes of 4 bytes at addr, of a value whose low
// 16 bits are vq. The server must be enabled. It needs Linux 6.7 with
// CONFIG_XEN_PRIVCMD_EVENTFD.
func (s *Server) AnswerWrites(addr uint64, vq uint16) (*IOEventFD, error) {
	f, err := eventFD()
	if err != nil {
		return nil, err
	}
	e := &IOEventFD{s, xen.IOEventFD{
		Dom: s.conn.Dom, FD: uint32(f.Fd()), Addr: addr - queueNotify, AddrLen: 4, VCPUs: uint32(s.conn.vcpus), VQ: uint32(vq),
	}, f}
	return e, e.tell()
}

// tell makes the ioctl.
func (e *IOEventFD) tell() error {
	ports := make([]uint32, e.arg.VCPUs)
	for v := range ports {
		ports[v] = uint32(e.server.local[xen.VCPU(v)])
	}
	var pin runtime.Pinner // addresses inside the arguments are no pointers to Go
	defer pin.Unpin()
	pin.Pin(&ports[0])
	e.arg.Slots, e.arg.Ports = address(&e.server.slots[0]), address(&ports[0])
	return e.server.conn.tellEventFD(xen.PrivcmdIOEventFD, e.arg.Append(nil))
}

// Answered logs the writes of data that the kernel has answered since the last call,
// and returns how many there were.
func (e *IOEventFD) Answered(v xen.VCPU, data uint64) (n uint64, err error) {
	if n, err = takeCount(e.count); err != nil {
		return 0, fmt.Errorf("eventfd of %#x: %w", e.arg.Addr+queueNotify, err)
	}
	for range n {
		e.server.conn.Log.sync(SyncLine{
			Server: e.server.ID, VCPU: v, Type: xen.TypeCopy, Addr: e.arg.Addr + queueNotify, Data: data,
			Size: e.arg.AddrLen, Count: 1, Dir: xen.DirWrite, Answer: data,
		})
	}
	return n, nil
}

// Close has the device model answer again.
func (e *IOEventFD) Close() error {
	e.arg.Flags = xen.EventFDDeassign
	return errors.Join(e.tell(), e.count.Close())
}

// An IRQFD is a dm_op that dom0's kernel makes each time that it is signalled.
type IRQFD struct {
	conn   *Conn
	arg    xen.IRQFD
	body   xen.Body
	signal *os.File
}

// MakeOnSignal has the kernel make a dm_op whenever the IRQFD is signalled.
func (c *Conn) MakeOnSignal(body xen.Body) (*IRQFD, error) {
	f, err := eventFD()
	if err != nil {
		return nil, err
	}
	i := &IRQFD{c, xen.IRQFD{Dom: c.Dom, FD: uint32(f.Fd()), Size: xen.DMOpSize, Op: xen.NewDMOp(body)}, body, f}
	return i, i.tell()
}

func (i *IRQFD) tell() error {
	op := i.arg.Op.Append(nil)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&op[0])
	i.arg.OpAddr = address(&op[0])
	return i.conn.tellEventFD(xen.PrivcmdIRQFD, i.arg.Append(nil))
}

// Signal makes the call, and logs it as one that Xen has accepted: the kernel does
// not tell.
func (i *IRQFD) Signal() error {
	words := i.arg.Op.Words()
	i.conn.Log.call(CallLine{Name: i.arg.Op.Op.String(), Args: i.body, In: words, Out: words})
	_, err := i.signal.Write(binary.NativeEndian.AppendUint64(nil, 1))
	return err
}

// Close undoes MakeOnSignal.
func (i *IRQFD) Close() error {
	i.arg.Flags = xen.EventFDDeassign
	return errors.Join(i.tell(), i.signal.Close())
}

// askEventFD makes one of the two ioctls.
func (c *Conn) askEventFD(cmd xen.Ioctl, arg []byte) xen.Errno {
	_, errno := ioctl(c.privcmd, cmd, unsafe.Pointer(&arg[0]))
	c.Log.call(CallLine{Name: cmd.String(), Errno: xen.Errno(errno)})
	return xen.Errno(errno)
}

// tellEventFD is askEventFD for what has to succeed.
func (c *Conn) tellEventFD(cmd xen.Ioctl, arg []byte) error {
	if errno := c.askEventFD(cmd, arg); errno != xen.OK {
		return fmt.Errorf("domain %d: %v: %w", c.Dom, cmd, errno)
	}
	return nil
}

// eventFD returns a new eventfd, which never waits.
func eventFD() (*os.File, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	return os.NewFile(uintptr(fd), "eventfd"), nil
}

// takeCount returns how often an eventfd was signalled since the last call.
func takeCount(f *os.File) (uint64, error) {
	var b [8]byte
	_, err := unix.Read(int(f.Fd()), b[:])
	if err == unix.EAGAIN {
		return 0, nil
	}
	return binary.NativeEndian.Uint64(b[:]), err
}
