package engine

import "github.com/iotrace-xen/iotrace/xen"

// maxServers is MAX_NR_IOREQ_SERVERS of 4.11 and later. Earlier releases have a
// list whose length the gfns for its pages bound; of those the model holds no
// more than this either.
const maxServers = 8

// A place is an index into Domain.servers, in the order of the scan: the server
// in the highest place is asked first. From 4.11 on it is the id. Where ids
// count, servers stand in the order of their creation, with no gap between
// them. The default server has a place of its own, behind all others.
type place int8

const (
	noPlace      place = -1
	placeDefault place = maxServers
	numPlaces          = maxServers + 1
)

// DefaultServer stands for the default server of releases before 4.12, which no
// id addresses.
const DefaultServer xen.ServerID = 0xfffe

// pageState is where a server's pages came from. Sync page and ring are
// allocated together.
type pageState uint8

const (
	pagesUnknown  pageState = iota
	pagesNone               // neither was allocated: a request would dereference NULL
	pagesSome               // they exist, from either source
	pagesResource           // by acquire_resource
	pagesGFN                // mapped at gfns by get_ioreq_server_info
	pagesFreed              // they were at gfns, and acquire_resource has freed them
)

// missing says that Xen has no pointer to the pages: a request dereferences NULL.
func (p pageState) missing() bool { return p == pagesNone || p == pagesFreed }

// there says that they surely exist.
func (p pageState) there() bool { return p >= pagesSome && p != pagesFreed }

// server is what is known of one ioreq server (struct ioreq_server). The zero
// value is a slot of which nothing is known.
type server struct {
	id      xen.ServerID // where ids count
	exists  Tri
	enabled Tri
	ring    Tri // bufioreq mode other than OFF
	owned   bool
	owner   xen.DomID // the creator, if owned
	pages   pageState
	eport   Tri // the slots hold the ports that ioreq_send checks for; No without pages
	// pointers are those of its ring.
	pointers ring
	taken    taken
	stored
	closed bool // no ranges are stored but those
	// info are words of get_ioreq_server_info as recorded, under infoMask.
	info, infoMask [3]uint64
}

// absent is an empty slot.
var absent = server{exists: No, enabled: No, closed: true}

// gone makes s an empty slot and keeps the memory of its ranges.
func (s *server) gone() {
	kept := s.emptied()
	*s = absent
	s.stored = kept
}

// forget makes everything about s unknown and keeps the memory of its ranges.
func (s *server) forget() {
	*s = server{stored: s.emptied()}
}

// prove notes that s exists. An empty slot that turns out to be used holds a
// server of which nothing else is known.
func (s *server) prove() {
	if s.exists == No {
		s.forget()
	}
	s.exists = Yes
}

// proveOwned notes that s exists and that caller created it.
func (s *server) proveOwned(caller xen.DomID) {
	s.prove()
	s.owned, s.owner = true, caller
}

// counts says whether ids count up (before 4.11).
func (d *Domain) counts() bool { return d.cfg.Profile.IDs == IDsCount }

// place returns where the server of an id is or would be, noPlace for an id
// that no server can have or, where ids count, that no server has.
func (d *Domain) place(id xen.ServerID) place {
	if id < maxServers && d.cfg.Profile.IDs == IDsFromZero {
		return place(id)
	}
	return d.otherPlace(id)
}

// otherPlace is place for other ids and in older releases.
func (d *Domain) otherPlace(id xen.ServerID) place {
	switch {
	case id == DefaultServer && d.cfg.Profile.Default != DefaultNever:
		return placeDefault
	case d.counts():
		for p := range d.listed() {
			if d.servers[p].id == id {
				return place(p)
			}
		}
		return noPlace
	case id >= maxServers, id == 0 && d.cfg.Profile.IDs == IDsFromOne:
		return noPlace
	}
	return place(id)
}

// listed is how many places are taken where ids count.
func (d *Domain) listed() int {
	n := 0
	for n < maxServers && d.servers[n].exists != No {
		n++
	}
	return n
}

// idAt returns the id of the server in a place.
func (d *Domain) idAt(p place) xen.ServerID {
	switch {
	case p == noPlace:
		return xen.NoServer
	case p == placeDefault:
		return DefaultServer
	case d.counts():
		return d.servers[p].id
	}
	return xen.ServerID(p)
}

// server returns the server of an id, or the slot where it would be; nil for an
// id that no operation can name.
func (d *Domain) server(id xen.ServerID) *server {
	if p := d.place(id); p != noPlace && p != placeDefault {
		return &d.servers[p]
	}
	return nil
}

// seen returns the slot of a server that a recording shows, nil if there is no
// room for it.
func (d *Domain) seen(id xen.ServerID) *server {
	if !d.counts() || d.place(id) != noPlace {
		if p := d.place(id); p != noPlace {
			return &d.servers[p]
		}
		return nil
	}
	n := d.listed()
	if n == maxServers {
		d.others = Yes
		return nil
	}
	at := n // ids grow, so a server with a higher one is newer
	for at > 0 && d.servers[at-1].id > id {
		at--
	}
	spare := d.servers[n]
	copy(d.servers[at+1:n+1], d.servers[at:n])
	copy(d.slots[at+1:n+1], d.slots[at:n])
	clear(d.slots[at][:])
	d.servers[at] = spare
	d.servers[at].forget()
	d.servers[at].id = id
	d.routes.outdate()
	return &d.servers[at]
}

// doubt makes everything about a server unknown.
func (d *Domain) doubt(id xen.ServerID) {
	switch {
	case d.counts():
		d.remove(id)
		d.others = Maybe
	default:
		if s := d.server(id); s != nil {
			s.forget()
		}
	}
	d.routes.outdate()
}

const whyDefaultID = "id 0 is the default server's"

// find makes the checks that every operation on an id begins with: ENOENT, then
// EPERM for a caller that did not create the server. The server is not nil if
// the result is a known OK.
func (d *Domain) find(caller xen.DomID, id xen.ServerID) (*server, Ret) {
	s, r := d.get(caller, id)
	if d.trail != nil {
		d.trail.server(caller, id, r)
	}
	return s, r
}

// keptFree says whether no operation takes an id, though the default server has it.
func (d *Domain) keptFree(id xen.ServerID) bool { return d.cfg.Profile.IDs == IDsFromOne && id == 0 }

func (d *Domain) get(caller xen.DomID, id xen.ServerID) (*server, Ret) {
	s := d.server(id)
	switch {
	case d.keptFree(id):
		return nil, fail(xen.EOpNotSupp, whyDefaultID)
	case s == nil && d.counts() && d.others != No:
		return nil, unknown("whether the server exists predates the trace")
	case s == nil || s.exists == No:
		return nil, fail(xen.ENoEnt, "no such server")
	case s.exists == Maybe:
		return nil, unknown("whether the server exists predates the trace")
	case !d.cfg.Profile.OwnerOnly:
	case !s.owned:
		return nil, unknown("who created the server predates the trace")
	case s.owner != caller:
		return nil, fail(xen.EPerm, "another domain created the server")
	}
	return s, done("")
}

func fail(e xen.Errno, why string) Ret { return Ret{Known: true, Errno: e, Why: why} }

func done(why string) Ret { return Ret{Known: true, Why: why} }

func unknown(why string) Ret { return Ret{Why: why} }

// ok says that r is known to be a success.
func (r Ret) ok() bool { return r.Known && r.Errno == xen.OK }
