package dm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iotrace-xen/iotrace/xen"
)

// Conn is a connection to one domain, with the servers created through it.
type Conn struct {
	Dom xen.DomID
	Log *Log

	privcmd *os.File
	evtchn  *os.File
	vcpus   int
	ports   map[xen.Port]channel
	pages   map[xen.GFN][]byte
	domctl  uint32 // the version of Xen's domctls, once it is known
}

// channel says whom a local port belongs to.
type channel struct {
	server *Server
	vcpu   xen.VCPU
	ring   bool // the buffered port, not a vCPU's
}

// Open connects to a domain with that many vCPUs. It makes no hypercall yet.
func Open(dom xen.DomID, vcpus int, log *Log) (*Conn, error) {
	privcmd, err := openDevice("/dev/xen/privcmd")
	if err != nil {
		return nil, fmt.Errorf("%w; is this a Xen dom0 with module xen-privcmd?", err)
	}
	evtchn, err := openDevice("/dev/xen/evtchn")
	if err != nil {
		_ = privcmd.Close() // nothing was done with it
		return nil, fmt.Errorf("%w; is module xen-evtchn loaded?", err)
	}
	return OpenOn(dom, vcpus, log, privcmd, evtchn), nil
}

// openDevice opens a device without giving it to Go's poller, which each event would wake.
func openDevice(name string) (*os.File, error) {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// OpenOn connects through open devices, which may come from another process.
func OpenOn(dom xen.DomID, vcpus int, log *Log, privcmd, evtchn *os.File) *Conn {
	return &Conn{
		Dom: dom, Log: log, privcmd: privcmd, evtchn: evtchn, vcpus: vcpus,
		ports: map[xen.Port]channel{}, pages: map[xen.GFN][]byte{},
	}
}

// Devices returns the open devices, to be passed on.
func (c *Conn) Devices() (privcmd, evtchn *os.File) { return c.privcmd, c.evtchn }

// Close unmaps the domain's pages and closes the devices. Servers that were not
// destroyed stay in Xen, and their vCPUs stay blocked.
func (c *Conn) Close() error {
	for gfn, page := range c.pages {
		delete(c.pages, gfn)
		if err := syscall.Munmap(page); err != nil {
			return fmt.Errorf("unmap gfn %#x: %w", uint64(gfn), err)
		}
	}
	return errors.Join(c.evtchn.Close(), c.privcmd.Close())
}

// VCPUs returns how many vCPUs the domain was said to have.
func (c *Conn) VCPUs() int { return c.vcpus }

// Do issues one dm_op and returns its union as Xen left it. The error number is
// Xen's; a refusal is a result, not a failure of this package.
func (c *Conn) Do(body xen.Body) (xen.Body, xen.Errno) {
	op := xen.NewDMOp(body)
	out, errno := dmOp(c.privcmd, c.Dom, op, 1, xen.DMOpSize, nil)
	c.Log.call(CallLine{Name: op.Op.String(), Args: body, In: op.Words(), Out: out.Words(), Errno: errno})
	return out.DecodeBody(), errno
}

// Must is Do for calls that have to succeed.
func (c *Conn) Must(body xen.Body) (xen.Body, error) { return c.Want(xen.OK, body) }

// Want is Do for calls that have to end with one error number.
func (c *Conn) Want(want xen.Errno, body xen.Body) (xen.Body, error) {
	out, got := c.Do(body)
	if got != want {
		return out, fmt.Errorf("domain %d: %s %+v: want %v, got %v", c.Dom, xen.NewDMOp(body).Op, body, want, got)
	}
	return out, nil
}

// Page returns the domain's frame, mapped. Mappings last until Close.
func (c *Conn) Page(gfn xen.GFN) ([]byte, error) {
	if p, ok := c.pages[gfn]; ok {
		return p, nil
	}
	mem, err := mmap(c.privcmd, 1)
	if err != nil {
		return nil, err
	}
	err = mapForeign(c.privcmd, c.Dom, []xen.GFN{gfn}, mem)
	c.Log.call(CallLine{Name: xen.PrivcmdMmapBatchV2.String(), In: [3]uint64{uint64(gfn), 1}, Errno: errnoOf(err)})
	if err != nil {
		return nil, err
	}
	c.pages[gfn] = mem
	return mem, nil
}

func errnoOf(err error) xen.Errno {
	var e syscall.Errno
	if errors.As(err, &e) {
		return xen.Errno(e)
	}
	return xen.OK
}

// Request is what Next found: a synchronous request in a slot, or news in a ring.
type Request struct {
	Server *Server
	VCPU   xen.VCPU
	Ring   bool      // entries may be in the ring; IOReq is empty
	IOReq  xen.IOReq // as it stood when it was taken
}

// ErrQuiet is Next's error when no event came in time.
var ErrQuiet = errors.New("no event from the domain")

// Next waits for an event, unmasks its port and returns what it announces. A
// slot's request is then in process, and its vCPU blocked until Server.Answer.
// Events that announce nothing are counted and skipped.
func (c *Conn) Next(limit time.Duration) (Request, error) {
	deadline := time.Now().Add(limit)
	for {
		if err := c.pollEvents(time.Until(deadline)); err != nil {
			return Request{}, fmt.Errorf("within %v: %w; %s", limit, err, c.slots())
		}
		port, err := c.takePort()
		if err != nil {
			return Request{}, err
		}
		ch, ok := c.ports[port]
		switch {
		case !ok: // a port of a server since destroyed
		case ch.ring:
			return Request{Server: ch.server, Ring: true}, nil
		default:
			if req, ok := ch.server.take(ch.vcpu); ok {
				return Request{Server: ch.server, VCPU: ch.vcpu, IOReq: req}, nil
			}
		}
		c.Log.spurious()
	}
}

// slots says in which state the vCPUs' mapped slots are. One that is ready has lost its event on
// the way, or is about to have it; where none is, the guest asks for nothing.
func (c *Conn) slots() string {
	said := []string{"slots by port:"}
	for _, port := range slices.Sorted(maps.Keys(c.ports)) {
		if ch := c.ports[port]; !ch.ring && ch.server.Slots() {
			said = append(said, fmt.Sprintf("%d of server %d, vCPU %d, %v", port, ch.server.ID, ch.vcpu, ch.server.state(ch.vcpu)))
		}
	}
	return strings.Join(said, " ")
}

// Peek takes a request that is in a slot already, without its event: that is left to
// a later Next, which skips it. So it can be made after an answer, when the vCPU may
// have gone on to its next request, to save the system calls. A recorder's probes see
// such a request no sooner than its answer.
func (c *Conn) Peek() (Request, bool) {
	for _, ch := range c.ports {
		if ch.ring {
			continue
		}
		if req, ok := ch.server.take(ch.vcpu); ok {
			return Request{Server: ch.server, VCPU: ch.vcpu, IOReq: req}, true
		}
	}
	return Request{}, false
}

// Yield has Xen run others that can run, if there is only one CPU. A vCPU that was
// answered has then mostly come to its next request, and Peek finds it without the
// event: no interrupt, and three system calls less.
func (c *Conn) Yield() error {
	const yield = 0 // SCHEDOP_yield
	if errno := hypercall(c.privcmd, xen.HyperSchedOp, yield, 0); errno != xen.OK {
		return fmt.Errorf("sched_op yield: %w", errno)
	}
	return nil
}

// takePort reads one pending port and unmasks it, as all device models do before
// they look at the slot: an event that comes later is then not lost.
func (c *Conn) takePort() (xen.Port, error) {
	var b [4]byte
	if _, err := c.evtchn.Read(b[:]); err != nil {
		return 0, fmt.Errorf("read event: %w", err)
	}
	if _, err := c.evtchn.Write(b[:]); err != nil {
		return 0, fmt.Errorf("unmask event: %w", err)
	}
	return xen.Port(binary.LittleEndian.Uint32(b[:])), nil
}
