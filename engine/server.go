package engine

import "github.com/iotrace-xen/iotrace/xen"

// maxServers is MAX_NR_IOREQ_SERVERS of 4.11 and later.
const maxServers = 8

// pageState is where a server's pages came from. Sync page and ring are
// allocated together.
type pageState uint8

const (
	pagesUnknown  pageState = iota
	pagesNone               // neither was allocated: a request would dereference NULL
	pagesSome               // they exist, from either source
	pagesResource           // by acquire_resource
	pagesGFN                // mapped at gfns by get_ioreq_server_info
)

// server is what is known of one ioreq server (struct ioreq_server). The zero
// value is a slot of which nothing is known.
type server struct {
	exists  Tri
	enabled Tri
	ring    Tri // bufioreq mode other than OFF
	owned   bool
	owner   xen.DomID // the creator, if owned
	pages   pageState
	eport   Tri // the slots hold the ports that ioreq_send checks for; No without pages
	// ranges are spans that certainly are stored in one piece; if closed,
	// they are all spans that are.
	ranges [numSpaces]rangeset
	closed bool
	// info are words of get_ioreq_server_info as recorded, under infoMask.
	info, infoMask [3]uint64
}

const numSpaces = 3

// absent is an empty slot.
var absent = server{exists: No, enabled: No, closed: true}

// gone makes s an empty slot and keeps the memory of its ranges.
func (s *server) gone() {
	ranges := s.ranges
	*s = absent
	s.keep(ranges)
}

// forget makes everything about s unknown and keeps the memory of its ranges.
func (s *server) forget() {
	ranges := s.ranges
	*s = server{}
	s.keep(ranges)
}

func (s *server) keep(ranges [numSpaces]rangeset) {
	for i := range ranges {
		s.ranges[i] = ranges[i][:0]
	}
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

// server returns the slot of an id, nil for an id that no server can have.
func (d *Domain) server(id xen.ServerID) *server {
	if id >= maxServers {
		return nil
	}
	return &d.servers[id]
}

// find makes the checks that every operation on an id begins with: ENOENT, then
// EPERM for a caller that did not create the server. The server is not nil if
// the result is a known OK.
func (d *Domain) find(caller xen.DomID, id xen.ServerID) (*server, Ret) {
	s := d.server(id)
	switch {
	case s == nil || s.exists == No:
		return nil, fail(xen.ENoEnt, "no such server")
	case s.exists == Maybe:
		return nil, unknown("whether the server exists predates the trace")
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
