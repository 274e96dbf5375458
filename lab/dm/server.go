package dm

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/iotrace-xen/iotrace/xen"
)

// Server is an ioreq server of a domain.
type Server struct {
	ID xen.ServerID

	conn  *Conn
	mode  xen.BufMode
	maps  [][]byte              // what AcquireFrames mapped
	ring  []byte                // the buffered page, nil without one
	slots []byte                // the synchronous page
	local map[xen.VCPU]xen.Port // of the vCPUs' channels
}

// Create creates a server, disabled and without pages or ranges.
func (c *Conn) Create(mode xen.BufMode) (*Server, error) {
	out, err := c.Must(xen.CreateIOReqServer{HandleBufIOReq: mode})
	if err != nil {
		return nil, err
	}
	return c.Adopt(out.(xen.CreateIOReqServer).ID, mode), nil
}

// Acquire maps the server's pages, which makes Xen allocate them.
func (s *Server) Acquire() error {
	frame, n := xen.ResourceFrameSync, 1
	if s.mode != xen.BufOff {
		frame, n = xen.ResourceFrameBuf, 2
	}
	errno, err := s.AcquireFrames(uint32(frame), n)
	if err == nil && errno != xen.OK {
		err = fmt.Errorf("server %d: acquire %d frames from %d: %w", s.ID, n, frame, errno)
	}
	return err
}

// Map and Unmap add and remove a range, both ends included.
func (s *Server) Map(r xen.Range) error {
	_, err := s.conn.Must(xen.MapIORange{ID: s.ID, Range: r})
	return err
}

// Unmap removes a range that lies inside what was mapped.
func (s *Server) Unmap(r xen.Range) error {
	_, err := s.conn.Must(xen.UnmapIORange{ID: s.ID, Range: r})
	return err
}

// Enable enables the server and binds its channels. It needs Acquire first: Xen
// would panic at the guest's first access. The ports are read after enabling,
// because that is when Xen writes them to the slots.
func (s *Server) Enable() error {
	if s.slots == nil {
		return fmt.Errorf("server %d: enable: its pages were never acquired, Xen would panic; call Acquire first", s.ID)
	}
	if _, err := s.conn.Must(xen.SetIOReqServerState{ID: s.ID, Enabled: 1}); err != nil {
		return err
	}
	return s.bindAll()
}

// Disable disables the server. Its channels stay bound.
func (s *Server) Disable() error {
	_, err := s.conn.Must(xen.SetIOReqServerState{ID: s.ID})
	return err
}

// bindAll binds the vCPUs' channels and the ring's.
func (s *Server) bindAll() error {
	if err := s.Bind(); err != nil {
		return err
	}
	if s.ring == nil {
		return nil
	}
	out, err := s.conn.Must(xen.GetIOReqServerInfo{ID: s.ID, Flags: xen.NoGFNs})
	if err != nil {
		return err
	}
	_, err = s.bind(out.(xen.GetIOReqServerInfo).BufPort, channel{server: s, ring: true})
	return err
}

func (s *Server) bind(remote xen.Port, ch channel) (xen.Port, error) {
	local, errno := bindInterdomain(s.conn.evtchn, s.conn.Dom, remote)
	s.conn.Log.call(CallLine{Name: xen.EvtchnBindInterdomain.String(),
		In: [3]uint64{uint64(s.conn.Dom), uint64(remote)}, Out: [3]uint64{uint64(local)}, Errno: errno})
	if errno != xen.OK {
		return 0, fmt.Errorf("server %d: bind to port %d of domain %d: %w", s.ID, remote, s.conn.Dom, errno)
	}
	s.conn.ports[local] = ch
	return local, nil
}

// Destroy unbinds the server's channels, destroys it and unmaps its pages.
func (s *Server) Destroy() error {
	if err := s.unbind(); err != nil {
		return err
	}
	if _, err := s.conn.Must(xen.DestroyIOReqServer{ID: s.ID}); err != nil {
		return err
	}
	return s.unmap()
}

// slot returns the vCPU's 32 bytes of the synchronous page.
func (s *Server) slot(v xen.VCPU) []byte {
	return s.slots[int(v)*xen.IOReqSize:][:xen.IOReqSize]
}

// word returns a 4-byte word of shared memory. Slots and the ring's pointers are
// aligned, so atomic accesses to them work and order the plain ones around them.
func word(b []byte, off int) *uint32 { return (*uint32)(unsafe.Pointer(&b[off])) }

// stateOff is where the word with a slot's state starts; stateShift is where the
// state's four bits are in it.
const (
	stateOff   = 28
	stateShift = 16
	stateMask  = 0xf << stateShift
)

func (s *Server) setState(v xen.VCPU, state xen.State) {
	w := word(s.slot(v), stateOff)
	atomic.StoreUint32(w, atomic.LoadUint32(w)&^uint32(stateMask)|uint32(state)<<stateShift)
}

// take moves a vCPU's slot from READY to INPROCESS and returns what it held. ok
// is false if there is no request in it.
func (s *Server) take(v xen.VCPU) (req xen.IOReq, ok bool) {
	if s.state(v) != xen.StateReady {
		return xen.IOReq{}, false
	}
	req, err := xen.DecodeIOReq(s.slot(v))
	if err != nil {
		return xen.IOReq{}, false // a slot has the size that DecodeIOReq wants
	}
	s.setState(v, xen.StateInProcess)
	return req, true
}

// dataOff is where a slot's data is.
const dataOff = 8

// Answer completes a request: it stores data, logs the request and wakes the
// vCPU. For writes and for data in memory the data is the request's own.
func (s *Server) Answer(r Request, data uint64) error {
	q := r.IOReq
	binary.LittleEndian.PutUint64(s.slot(r.VCPU)[dataOff:], data)
	s.conn.Log.sync(SyncLine{
		Server: s.ID, VCPU: r.VCPU, Type: q.Type, Addr: q.Addr, Data: q.Data, Size: q.Size, Count: q.Count,
		Dir: q.Dir, DF: q.DF, DataIsPtr: q.DataIsPtr, Answer: data,
	})
	return s.Leave(r, xen.StateRespReady)
}

// Leave leaves a request's slot in any state and wakes the vCPU.
func (s *Server) Leave(r Request, state xen.State) error {
	s.setState(r.VCPU, state)
	if errno := portCall(s.conn.evtchn, xen.EvtchnNotify, s.local[r.VCPU]); errno != xen.OK {
		return fmt.Errorf("server %d: notify vCPU %d: %w", s.ID, r.VCPU, errno)
	}
	return nil
}

// TakeUp says that a request is in process, without waking the vCPU.
func (s *Server) TakeUp(r Request) { s.setState(r.VCPU, xen.StateInProcess) }

// Drain takes all entries out of the ring and returns them.
func (s *Server) Drain() []BufLine {
	if s.ring == nil {
		return nil
	}
	var got []BufLine
	page := xen.BufPage(s.ring)
	both := (*uint64)(unsafe.Pointer(&s.ring[0]))
	for {
		// In atomic mode Xen lowers both pointers together: load them as one, and
		// move ours by adding.
		pointers := atomic.LoadUint64(both)
		read, write := uint32(pointers), uint32(pointers>>32)
		if read == write {
			return got
		}
		e := page.Slot(read)
		b := BufLine{Server: s.ID, Slot: read % xen.BufSlots, Type: e.Type, Addr: e.Addr, Data: uint64(e.Data), Size: e.Size, Dir: e.Dir}
		n := uint32(1)
		if e.Size == 8 {
			b.Data |= uint64(page.Slot(read+1).Data) << 32
			n = 2
		}
		atomic.AddUint32(word(s.ring, 0), n)
		s.conn.Log.buf(b)
		got = append(got, b)
	}
}
