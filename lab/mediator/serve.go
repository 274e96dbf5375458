package mediator

import (
	"fmt"
	"time"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// quiet bounds how long the guest may make no request. It never paces anything.
const quiet = 5 * time.Minute

// mediator is one session in progress.
type mediator struct {
	conn   *dm.Conn
	divide uint32     // see Options
	main   *dm.Server // owns the command port
	device *device

	lazy    bool       // leave the ring alone until a synchronous request comes
	asking  dm.Request // the guest's unanswered read of the command port
	reply   reply      // to the command in progress
	typed   map[xen.GFN]bool
	forget  bool             // stop watching a page that was written
	written map[xen.GFN]bool // pages to stop watching at the next occasion

	delegated map[uint64]*dm.IOEventFD // registers whose writes the kernel answers, by address
}

func newMediator(c *dm.Conn, o Options) *mediator {
	return &mediator{
		conn: c, divide: max(o.Divide, 1), device: newDevice(), typed: map[xen.GFN]bool{}, written: map[xen.GFN]bool{},
	}
}

// reply is what a command has brought so far.
type reply struct {
	result uint32
	done   bool   // the guest has written its result
	reads  uint32 // sum of our answers to its reads
}

// do has the guest perform op count times, serves everything it asks for
// meanwhile, and returns its result.
func (m *mediator) do(op guest.Op, count uint32) (uint32, error) {
	m.conn.Log.Step(fmt.Sprintf("guest %v %d", op, count))
	m.reply = reply{}
	if err := m.main.Answer(m.asking, uint64(guest.Command(op, count))); err != nil {
		return 0, err
	}
	if err := m.untilAsked(); err != nil {
		return 0, fmt.Errorf("guest %v %d: %w", op, count, err)
	}
	if !m.reply.done {
		return 0, fmt.Errorf("guest %v %d: asked for the next command without a result", op, count)
	}
	if err := m.check(op, count); err != nil {
		return 0, fmt.Errorf("guest %v %d: %w", op, count, err)
	}
	return m.reply.result, nil
}

// untilAsked serves requests until the guest reads the command port, and leaves
// that read unanswered.
func (m *mediator) untilAsked() error {
	for {
		req, err := m.conn.Next(quiet)
		if err != nil {
			return err
		}
		if req.Ring && m.lazy {
			continue
		}
		if asked, err := m.take(req); asked || err != nil {
			return err
		}
	}
}

// take serves what an event has brought, unless it is the guest's read of the
// command port: then it is true.
func (m *mediator) take(req dm.Request) (asked bool, err error) {
	// A vCPU's buffered writes come before its next synchronous request.
	for _, b := range req.Server.Drain() {
		if err := m.device.buffered(b); err != nil {
			return false, err
		}
	}
	if req.Ring {
		return false, nil
	}
	if err := m.unwatchWritten(req.IOReq); err != nil {
		return false, err
	}
	if err := m.catchUp(req); err != nil {
		return false, err
	}
	if q := req.IOReq; q.Type == xen.TypePIO && q.Addr == guest.PortCommand && q.Dir == xen.DirRead {
		m.asking = req
		return true, nil
	}
	return false, m.serve(req)
}

// serve performs one synchronous request and answers it.
func (m *mediator) serve(req dm.Request) error {
	q := req.IOReq
	answer, err := m.perform(q)
	if err != nil {
		return fmt.Errorf("%v %v of %dx%d bytes at %#x, data %#x: %w", q.Type, q.Dir, q.Count, q.Size, q.Addr, q.Data, err)
	}
	return req.Server.Answer(req, answer)
}

func (m *mediator) perform(q xen.IOReq) (uint64, error) {
	if q.Type == xen.TypePIO && q.Addr == guest.PortResult && q.Dir == xen.DirWrite {
		m.reply.result, m.reply.done = uint32(q.Data), true
		return q.Data, nil
	}
	if q.Type == xen.TypeInvalidate {
		return q.Data, nil // a broadcast; we keep no mappings that it concerns
	}
	step := uint64(q.Size)
	if q.DF {
		step = -step
	}
	answer := q.Data
	for i := range uint64(q.Count) {
		addr := q.Addr
		if q.Type == xen.TypeCopy {
			addr += i * step
		}
		there, err := m.target(q, addr)
		if err != nil {
			return 0, err
		}
		if !q.DataIsPtr {
			if q.Dir == xen.DirRead {
				answer = get(there)
				m.reply.reads += uint32(answer)
			} else {
				put(there, q.Data)
			}
			continue
		}
		here, err := m.guestBytes(q.Data+i*step, q.Size)
		if err != nil {
			return 0, err
		}
		if q.Dir == xen.DirRead {
			copy(here, there)
		} else {
			copy(there, here)
		}
	}
	return answer, nil
}

// target returns the bytes that a repetition of a request reads or writes: ours,
// or those of a page that we watch.
func (m *mediator) target(q xen.IOReq, addr uint64) ([]byte, error) {
	if mem := m.device.at(q.Type, addr, q.Size); mem != nil {
		return mem, nil
	}
	gfn := xen.GFNOf(addr)
	if q.Type != xen.TypeCopy || q.Dir != xen.DirWrite || !m.typed[gfn] {
		return nil, fmt.Errorf("no range or typed page of ours has it")
	}
	if m.forget {
		m.written[gfn] = true
	}
	return m.guestBytes(addr, q.Size)
}

// guestBytes returns size bytes of the guest's memory, which must not cross a
// page: Xen splits requests there.
func (m *mediator) guestBytes(addr uint64, size uint32) ([]byte, error) {
	page, err := m.conn.Page(xen.GFNOf(addr))
	if err != nil {
		return nil, err
	}
	off := addr % xen.PageSize
	if off+uint64(size) > xen.PageSize {
		return nil, fmt.Errorf("guest memory at %#x, %d bytes: crosses a page", addr, size)
	}
	return page[off : off+uint64(size)], nil
}
