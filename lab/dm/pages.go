package dm

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/iotrace-xen/iotrace/xen"
)

// AcquireFrames maps n frames of the server's pages from one on. A refusal by Xen
// is a result, not a failure: as a call may allocate the pages and yet refuse to
// map them, the server may have pages that are not mapped here.
func (s *Server) AcquireFrames(frame uint32, n int) (xen.Errno, error) {
	r := xen.MmapResource{Dom: s.conn.Dom, Type: xen.ResourceIOReqServer, ID: uint32(s.ID), Frame: frame, Num: uint64(n)}
	mem, err := mmap(s.conn.privcmd, n)
	if err != nil {
		return 0, err
	}
	errno := mapResource(s.conn.privcmd, r, mem)
	s.conn.Log.call(CallLine{Name: xen.PrivcmdMmapResource.String(), Args: r,
		In: [3]uint64{uint64(r.ID), uint64(r.Frame), r.Num}, Errno: errno})
	if errno != xen.OK {
		return errno, syscall.Munmap(mem)
	}
	s.maps = append(s.maps, mem)
	for i := range n {
		page := mem[i*xen.PageSize:][:xen.PageSize]
		switch uint64(frame) + uint64(i) {
		case xen.ResourceFrameBuf:
			s.ring = page
		case xen.ResourceFrameSync:
			s.slots = page
		}
	}
	return xen.OK, nil
}

// GFNs has Xen put the server's pages into the guest's memory and returns where; ring is
// 0 for a server without one.
func (s *Server) GFNs() (sync, ring xen.GFN, err error) {
	out, err := s.conn.Must(xen.GetIOReqServerInfo{ID: s.ID})
	if err != nil {
		return 0, 0, err
	}
	info := out.(xen.GetIOReqServerInfo)
	return info.IOReqGFN, info.BufReqGFN, nil
}

// MapGFNs maps the server's pages where they are in the guest's memory, by one call: the
// sync page and the ring, or one of them if the other's frame is 0. It maps none and
// returns false if the guest does not have them, as it has not while the server is
// enabled.
func (s *Server) MapGFNs(sync, ring xen.GFN) (bool, error) {
	gfns := slices.DeleteFunc([]xen.GFN{sync, ring}, func(gfn xen.GFN) bool { return gfn == 0 })
	mem, err := mmap(s.conn.privcmd, len(gfns))
	if err != nil {
		return false, err
	}
	err = mapForeign(s.conn.privcmd, s.conn.Dom, gfns, mem)
	s.conn.Log.call(CallLine{Name: xen.PrivcmdMmapBatchV2.String(), In: [3]uint64{uint64(gfns[0]), uint64(len(gfns))}, Errno: errnoOf(err)})
	if err != nil {
		return false, syscall.Munmap(mem)
	}
	s.maps = append(s.maps, mem)
	if sync != 0 {
		s.slots = mem[:xen.PageSize]
	}
	if ring != 0 {
		s.ring = mem[len(mem)-xen.PageSize:]
	}
	return true, nil
}

// Bind binds the vCPUs' channels that are not bound yet, as far as the slots show
// their ports: Xen writes these when it enables a server that has its pages.
func (s *Server) Bind() error {
	if s.slots == nil {
		return nil
	}
	for v := range xen.VCPU(s.conn.vcpus) {
		req, err := xen.DecodeIOReq(s.slot(v))
		if err != nil {
			return err
		}
		if _, bound := s.local[v]; bound || req.EPort == 0 {
			continue
		}
		if s.local[v], err = s.bind(req.EPort, channel{server: s, vcpu: v}); err != nil {
			return err
		}
	}
	return nil
}

// Forget unbinds the server's channels and unmaps its pages, but leaves it to Xen
// as it is.
func (s *Server) Forget() error { return errors.Join(s.unbind(), s.unmap()) }

func (s *Server) unbind() error {
	for port, ch := range s.conn.ports {
		if ch.server != s {
			continue
		}
		errno := portCall(s.conn.evtchn, xen.EvtchnUnbind, port)
		s.conn.Log.call(CallLine{Name: xen.EvtchnUnbind.String(), In: [3]uint64{uint64(port)}, Errno: errno})
		if errno != xen.OK {
			return fmt.Errorf("server %d: unbind port %d: %w", s.ID, port, errno)
		}
		delete(s.conn.ports, port)
	}
	clear(s.local)
	return nil
}

// Slots says whether the page of synchronous requests is mapped.
func (s *Server) Slots() bool { return s.slots != nil }

// UnmapPages unmaps the server's pages. Together with Conn.Close, which closes all
// channels, it is what the end of a device model's process does.
func (s *Server) UnmapPages() error { return s.unmap() }

func (s *Server) unmap() error {
	s.slots, s.ring = nil, nil
	var err error
	for _, mem := range s.maps {
		err = errors.Join(err, syscall.Munmap(mem))
	}
	s.maps = nil
	return err
}
