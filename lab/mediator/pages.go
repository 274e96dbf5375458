package mediator

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// watched is how many pages of the pool are typed at first.
const watched = 16

func (m *mediator) setType(first xen.GFN, nr uint32, t xen.MemType) xen.SetMemType {
	return xen.SetMemType{First: first, Nr: nr, Type: t}
}

// watch types pages of the pool; unwatch makes them ordinary again.
func (m *mediator) watch(first xen.GFN, nr uint32) error {
	if _, err := m.conn.Must(m.setType(first, nr, xen.MemIOReqServer)); err != nil {
		return err
	}
	for i := range xen.GFN(nr) {
		m.typed[first+i] = true
	}
	return nil
}

func (m *mediator) unwatch(first xen.GFN, nr uint32) error {
	if _, err := m.conn.Must(m.setType(first, nr, xen.MemRAMRW)); err != nil {
		return err
	}
	for i := range xen.GFN(nr) {
		delete(m.typed, first+i)
	}
	return nil
}

func (m *mediator) mapMemType(id xen.ServerID, flags uint32) xen.MapMemType {
	return xen.MapMemType{ID: id, Type: xen.MemIOReqServer, Flags: flags}
}

// claim takes the claim, among calls that Xen must refuse before and after it.
func (m *mediator) claim() error {
	id := m.main.ID
	for _, c := range []struct {
		want xen.Errno
		body xen.Body
	}{
		{xen.EInval, m.mapMemType(id, xen.AccessRead)},
		{xen.EInval, m.mapMemType(id, 0)}, // nobody holds it
		{xen.EInval, xen.MapMemType{ID: id, Type: xen.MemRAMRO, Flags: xen.AccessWrite}},
		{xen.ENoEnt, m.mapMemType(id+5, xen.AccessWrite)},
		{xen.OK, m.mapMemType(id, xen.AccessWrite)},
		{xen.EBusy, m.mapMemType(id, xen.AccessWrite)},
		{xen.EInval, m.setType(guest.Pool, 1, xen.MemUnused)},
		{xen.EInval, m.setType(guest.Pool, 0, xen.MemIOReqServer)},
	} {
		if err := m.refuse(c.want, c.body); err != nil {
			return err
		}
	}
	return nil
}

// typedPages has the guest write to watched pages in every way, and checks that
// what it reads back is what we wrote for it.
func (m *mediator) typedPages() error {
	if err := m.times([]op{{guest.OpWrite, 200}}); err != nil { // nothing is typed yet
		return err
	}
	if err := m.watch(guest.Pool, watched); err != nil {
		return err
	}
	for _, t := range []xen.MemType{xen.MemIOReqServer, xen.MemRAMRO, xen.MemMMIODM} {
		if err := m.refuse(xen.EInval, m.setType(guest.Pool, 1, t)); err != nil {
			return err
		}
	}
	if err := m.writesArrive(2500); err != nil {
		return err
	}
	return m.times([]op{
		{guest.OpSizes, 400}, {guest.OpRMW, 250}, {guest.OpStos, 200}, {guest.OpMovs, 200},
		{guest.OpStraddle, 8}, {guest.OpWide, 150}, {guest.OpSum, poolDwords},
	})
}

// writesArrive has the guest write n dwords all over the pool and computes what
// must be there.
func (m *mediator) writesArrive(n uint32) error {
	n /= m.divide
	if _, err := m.do(guest.OpWrite, n); err != nil {
		return err
	}
	want := map[uint64]uint32{}
	for i := range n {
		want[uint64(i)*0x1004%(guest.PoolPages*xen.PageSize)] = 0x57000000 + i
	}
	for off, v := range want {
		mem, err := m.guestBytes(guest.Pool.Addr()+off, 4)
		if err != nil {
			return err
		}
		if got := binary.LittleEndian.Uint32(mem); got != v {
			return fmt.Errorf("pool at %#x after guest write %d: want %#x, got %#x", off, n, v, got)
		}
	}
	return m.times([]op{{guest.OpSum, poolDwords}})
}

// release gives the claim up while pages are typed: Xen turns them back.
func (m *mediator) release() error {
	if err := m.writesArrive(500); err != nil {
		return err
	}
	if err := m.unwatch(guest.Pool+4, 4); err != nil {
		return err
	}
	if err := m.writesArrive(500); err != nil {
		return err
	}
	if _, err := m.conn.Must(m.mapMemType(m.main.ID, 0)); err != nil {
		return err
	}
	clear(m.typed)
	if err := m.writesArrive(500); err != nil {
		return err
	}
	return m.refuse(xen.EInval, m.setType(guest.Pool, 1, xen.MemIOReqServer))
}

// claimAgain claims a second time, stops watching each page after its first
// write, as a driver does that rebuilds a shadow on demand, and releases with no
// page typed.
func (m *mediator) claimAgain() error {
	if _, err := m.conn.Must(m.mapMemType(m.main.ID, xen.AccessWrite)); err != nil {
		return err
	}
	if err := m.watch(guest.Pool, guest.PoolPages); err != nil {
		return err
	}
	if err := m.writesArrive(1000); err != nil {
		return err
	}
	m.forget = true
	err := m.writesArrive(300)
	m.forget = false
	if err != nil {
		return err
	}
	if len(m.typed) != 0 {
		return fmt.Errorf("after the guest wrote to every page: want none watched, got %d", len(m.typed))
	}
	_, err = m.conn.Must(m.mapMemType(m.main.ID, 0))
	return err
}

// unwatchWritten stops watching pages that were written, unless q is one more
// write to one of them. A page's type must not change while a write to it is in
// flight: Xen 4.20.4 then loses the completion, and the vCPU's next request
// crashes the domain. (4.14.6 and 4.17.5 survive it.)
func (m *mediator) unwatchWritten(q xen.IOReq) error {
	if q.Type == xen.TypeCopy && m.written[xen.GFNOf(q.Addr)] {
		return nil
	}
	for _, gfn := range slices.Sorted(maps.Keys(m.written)) {
		if err := m.unwatch(gfn, 1); err != nil {
			return err
		}
		delete(m.written, gfn)
	}
	return nil
}

// claimMoves gives the claim to another server for a while. The main one can then
// neither take nor release it.
func (m *mediator) claimMoves(to xen.ServerID) error {
	if _, err := m.conn.Must(m.mapMemType(to, xen.AccessWrite)); err != nil {
		return err
	}
	if err := m.refuse(xen.EBusy, m.mapMemType(m.main.ID, xen.AccessWrite)); err != nil {
		return err
	}
	if err := m.refuse(xen.EInval, m.mapMemType(m.main.ID, 0)); err != nil {
		return err
	}
	if err := m.watch(guest.Pool, 2); err != nil {
		return err
	}
	if err := m.writesArrive(320); err != nil {
		return err
	}
	if err := m.unwatch(guest.Pool, 2); err != nil {
		return err
	}
	_, err := m.conn.Must(m.mapMemType(to, 0))
	return err
}
