package mediator

import (
	"errors"
	"fmt"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// gfnServer lets a server take over ports and the VGA window whose pages are in the
// guest's memory, as all servers' were before Xen 4.11: mapped first by one call, then,
// when Xen has taken them out of the guest and put them back, each by its own.
func (m *mediator) gfnServer() error {
	s, err := m.conn.Create(xen.BufAtomic)
	if err != nil {
		return err
	}
	sync, ring, err := s.GFNs()
	if err != nil {
		return err
	}
	if err := mapPages(s, sync, ring); err != nil {
		return err
	}
	for _, r := range []xen.Range{
		{Space: xen.SpacePort, First: guest.PortScratch, Last: guest.PortScratch + 3},
		{Space: xen.SpaceMemory, First: guest.VGA, Last: guest.VGA + guest.VGASize - 1},
	} {
		if err := s.Map(r); err != nil {
			return err
		}
	}
	if err := m.usePages(s); err != nil {
		return err
	}
	if err := s.Disable(); err != nil {
		return err
	}
	if err := s.Forget(); err != nil {
		return err
	}
	if err := errors.Join(mapPages(s, 0, ring), mapPages(s, sync, 0)); err != nil {
		return err
	}
	if err := m.usePages(s); err != nil {
		return err
	}
	return s.Destroy()
}

func mapPages(s *dm.Server, sync, ring xen.GFN) error {
	ok, err := s.MapGFNs(sync, ring)
	if err == nil && !ok {
		err = fmt.Errorf("server %d: gfns %#x and %#x: the guest does not have its pages there", s.ID, uint64(sync), uint64(ring))
	}
	return err
}

// usePages enables a server with a ring and has the guest use both of its pages.
func (m *mediator) usePages(s *dm.Server) error {
	if err := s.Enable(); err != nil {
		return err
	}
	return m.times([]op{{guest.OpPIO, 10}, {guest.OpVGA, 60}, {guest.OpOuts, 10}})
}
