package mediator

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/lab/dm"
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// Options say how to play a session.
type Options struct {
	// Divide makes the guest repeat each operation so many times less; 0 and 1
	// change nothing. A ring that has to fill up no longer does.
	Divide uint32
	// Between is called halfway, while the guest is blocked in a request of ours;
	// it may wait as long as it likes. Nil does not wait.
	Between func() error
	// Flood is how many buffered writes the guest makes in one go, as fast as it
	// can, while the ring is drained at each event.
	Flood uint32
}

// Play runs the whole session on a connection to a domain that runs package
// guest's image.
func Play(c *dm.Conn, o Options) error {
	between := o.Between
	if between == nil {
		between = func() error { return nil }
	}
	m := newMediator(c, o)
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"create", m.create},
		{"ranges", m.ranges},
		{"enable", m.enable},
		{"ports and memory", m.devices},
		{"ring", m.ring},
		{"flood", func() error { return m.flood(o.Flood) }},
		{"claim", m.claim},
		{"typed pages", m.typedPages},
		{"between", between},
		{"devices again", m.devicesAgain},
		{"release", m.release},
		{"claim again", m.claimAgain},
		{"second server", m.secondServer},
		{"server at gfns", m.gfnServer},
		{"destroy", m.destroy},
	} {
		c.Log.Step(part.name)
		if err := part.run(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

func (m *mediator) create() (err error) {
	if m.main, err = m.conn.Create(xen.BufAtomic); err != nil {
		return err
	}
	// No server holds the claim yet, so no page may get the type.
	if err := m.refuse(xen.EInval, m.setType(guest.Pool, 1, xen.MemIOReqServer)); err != nil {
		return err
	}
	return m.main.Acquire()
}

// Ranges of the main server. The two port ranges touch, so Xen stores one.
var mainRanges = []xen.Range{
	{Space: xen.SpacePort, First: guest.PortCommand, Last: guest.PortScratch - 1},
	{Space: xen.SpacePort, First: guest.PortScratch, Last: guest.PortEnd},
	{Space: xen.SpaceMemory, First: guest.MMIO, Last: guest.MMIO + guest.MMIOSize - 1},
	{Space: xen.SpaceMemory, First: guest.VGA, Last: guest.VGA + guest.VGASize - 1},
	{Space: xen.SpacePCI, First: uint64(guest.PCIDevice), Last: uint64(guest.PCIDevice)},
}

func (m *mediator) ranges() error {
	for _, r := range mainRanges {
		if err := m.main.Map(r); err != nil {
			return err
		}
	}
	overlap := xen.Range{Space: xen.SpacePort, First: guest.PortEnd, Last: guest.PortEnd + 8}
	absent := xen.Range{Space: xen.SpacePort, First: 0x4000, Last: 0x4007}
	reversed := xen.Range{Space: xen.SpaceMemory, First: 0x2000, Last: 0x1000}
	for _, c := range []struct {
		want xen.Errno
		body xen.Body
	}{
		{xen.EExist, xen.MapIORange{ID: m.main.ID, Range: overlap}},
		{xen.ENoEnt, xen.UnmapIORange{ID: m.main.ID, Range: absent}},
		{xen.EInval, xen.MapIORange{ID: m.main.ID, Range: reversed}},
		{xen.ENoEnt, xen.MapIORange{ID: m.main.ID + 5, Range: absent}},
	} {
		if err := m.refuse(c.want, c.body); err != nil {
			return err
		}
	}
	// Cut a piece out of a stored range and put it back.
	piece := xen.Range{Space: xen.SpacePort, First: guest.PortEnd - 3, Last: guest.PortEnd}
	if err := m.main.Unmap(piece); err != nil {
		return err
	}
	return m.main.Map(piece)
}

func (m *mediator) enable() error {
	if err := m.main.Enable(); err != nil {
		return err
	}
	return m.untilAsked()
}

func (m *mediator) devices() error {
	ops := []op{
		{guest.OpPIO, 300}, {guest.OpOuts, 300}, {guest.OpIns, 200},
		{guest.OpMMIO, 250}, {guest.OpMMIOMovs, 200}, {guest.OpMMIOStos, 40},
		{guest.OpPCI, 150}, {guest.OpPCIScan, 1},
	}
	if m.conn.VCPUs() > 1 {
		ops = append(ops, op{guest.OpSMP, 50}, op{guest.OpSMP, 30})
	}
	return m.times(ops)
}

// devicesAgain uses every range once more, for a recorder that came late. The
// ring comes first: by its port such a recorder learns which server we are.
func (m *mediator) devicesAgain() error {
	return m.times([]op{
		{guest.OpVGA, 400}, {guest.OpPIO, 150}, {guest.OpMMIO, 100}, {guest.OpMMIOMovs, 100}, {guest.OpPCI, 50},
	})
}

// ring drains promptly first, then so late that the ring fills up and Xen falls
// back to synchronous requests.
func (m *mediator) ring() error {
	if err := m.times([]op{{guest.OpVGA, 1200}, {guest.OpVGA8, 100}}); err != nil {
		return err
	}
	m.lazy = true
	err := m.times([]op{{guest.OpVGA, 1600}, {guest.OpVGA8, 300}})
	m.lazy = false
	return err
}

// flood has the guest write to VGA memory and nothing else.
func (m *mediator) flood(n uint32) error {
	if n == 0 {
		return nil
	}
	_, err := m.do(guest.OpVGA, n)
	return err
}

// op is an operation of the guest with its count.
type op struct {
	op    guest.Op
	count uint32
}

func (m *mediator) times(ops []op) error {
	for _, o := range ops {
		if _, err := m.do(o.op, max(1, o.count/m.divide)); err != nil {
			return err
		}
	}
	return nil
}

// refuse makes a call that Xen has to refuse with one error number.
func (m *mediator) refuse(want xen.Errno, body xen.Body) error {
	_, err := m.conn.Want(want, body)
	return err
}

// secondServer lets a server with a higher id take over four ports of the main
// one and the claim, then gives both back.
func (m *mediator) secondServer() error {
	s, err := m.conn.Create(xen.BufOff)
	if err != nil {
		return err
	}
	if err := s.Acquire(); err != nil {
		return err
	}
	if err := s.Map(xen.Range{Space: xen.SpacePort, First: guest.PortScratch, Last: guest.PortScratch + 3}); err != nil {
		return err
	}
	if err := s.Enable(); err != nil {
		return err
	}
	if err := m.times([]op{{guest.OpPIO, 60}, {guest.OpOuts, 50}}); err != nil {
		return err
	}
	if err := m.claimMoves(s.ID); err != nil {
		return err
	}
	if err := s.Destroy(); err != nil {
		return err
	}
	return m.times([]op{{guest.OpPIO, 20}})
}

// destroy ends the guest first: its last operation makes no request of ours, so
// none is pending when the server goes.
func (m *mediator) destroy() error {
	m.conn.Log.Step("guest end")
	if err := m.main.Answer(m.asking, uint64(guest.Command(guest.OpEnd, 0))); err != nil {
		return err
	}
	return m.main.Destroy()
}
