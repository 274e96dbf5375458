package engine

import "github.com/iotrace-xen/iotrace/xen"

// ring is the pair of pointers of a buffered ring (struct buffered_iopage), where
// every write and read of it is stepped. They run freely; a slot's index is the
// pointer modulo the number of slots.
//
// Real Xen has a race here that a step cannot show: while it takes both pointers
// down it looks at read_pointer twice, and a device model that moves in between
// loses its move, so it takes a slot twice (seen on 4.14, 4.17 and 4.20).
type ring struct {
	known       bool
	mode        xen.BufMode
	read, write uint32
}

// full says whether n slots are more than are free.
func (r *ring) full(n uint32) bool { return r.write-r.read >= xen.BufSlots+1-n }

// push fills n slots and returns the index of the first: ioreq_send_buffered. In
// atomic mode it takes both pointers down once the reader has passed the end; a
// legacy ring's index jumps where the pointers wrap at 32 bits.
func (r *ring) push(n uint32) (slot uint32) {
	slot = r.write % xen.BufSlots
	r.write += n
	if r.mode == xen.BufAtomic {
		down := r.read / xen.BufSlots * xen.BufSlots
		r.read -= down
		r.write -= down
	}
	return slot
}

// slotsOf is how many slots a request takes.
func slotsOf(size uint32) uint32 {
	if size == 8 {
		return 2
	}
	return 1
}

// Ring are the pointers of a server's buffered ring. Known is false where they
// are not followed: in a recorded session, and before the ring has a page.
type Ring struct {
	Known       bool
	Read, Write uint32
}

// Ring returns the pointers of a server's ring.
func (d *Domain) Ring(id xen.ServerID) Ring {
	p := d.place(id)
	if p == noPlace {
		return Ring{}
	}
	r := &d.servers[p].pointers
	return Ring{r.known, r.read, r.write}
}

// consume is a device model that stores read_pointer. Nothing stops it from
// passing the writer: the ring then looks full.
func (d *Domain) consume(id xen.ServerID, read uint32) {
	if p := d.place(id); p != noPlace && d.servers[p].pointers.known {
		d.servers[p].pointers.read = read
	}
}

// clearRing is what becomes of the pointers when the ring's page is cleared.
func (d *Domain) clearRing(s *server) {
	s.pointers.read, s.pointers.write = 0, 0
	s.pointers.known = d.cfg.EveryAccess && s.ring == Yes
}

// enqueue puts an access into the ring of a server, if its pointers are followed.
// It says whether there was room.
func (d *Domain) enqueue(s *server, a *Access, r *Route) bool {
	n := slotsOf(a.Size)
	switch {
	case !s.pointers.known:
	case s.pointers.full(n):
		return false
	default:
		r.Slot = uint16(s.pointers.push(n))
	}
	return true
}
