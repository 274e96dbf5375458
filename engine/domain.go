package engine

import (
	"errors"
	"math"

	"github.com/iotrace-xen/iotrace/xen"
)

// Config describes a domain before its first step.
type Config struct {
	Dom     xen.DomID
	Profile Profile
	// Complete says that the domain's first ioreq server will be created by an
	// Op: no server, claim, typed page or latched CF8 value predates the trace.
	// Types of pages (RAM or hole) are unknown all the same until an Op shows
	// them; only ioreq_server is then excluded.
	Complete bool
	// EveryAccess says that every access of the guest that traps is stepped,
	// those that no server gets too: a scripted guest, never a dom0 trace.
	// Without it the guest may write the CF8 latch unseen while no server owns
	// port 0xcf8.
	EveryAccess bool
	// HAP says whether the domain has hardware-assisted paging, or shadow paging: only
	// with HAP can its pages be ioreq_server. Where that is not known, calls tell.
	HAP Tri
	// VCPUs is how many vCPUs the domain can have, 0 if that is not known.
	VCPUs uint32
	// PV says that the domain is not HVM: it has no ioreq servers.
	PV bool
	// CPU is the processor, as far as it is known.
	CPU CPU
	// VGA says that Xen emulates the domain's standard VGA, which takes single
	// writes to its window into the buffered ring. Only an Execution asks: of a
	// recorded access, Access.Buffered tells.
	VGA bool
	// Handlers are the devices that Xen emulates itself, in the order in which it
	// asks them. Only an Execution asks: a recorded access that reached a server
	// was none of theirs.
	Handlers []Handler
	// IOMMU is how devices that are assigned to the domain reach its memory. It
	// counts where the layout of the p2m is known.
	IOMMU IOMMU
}

// ErrUnknownOp reports an Op whose Kind this package does not know.
var ErrUnknownOp = errors.New("engine: unknown kind of operation")

// Seen is what a recording shows of an Op: what real Xen did.
type Seen struct {
	Errno    xen.Errno
	Words    [3]uint64    // dm_op union after the call
	OutKnown bool         // Words were captured
	Server   xen.ServerID // receiver of an access, NoServer if unknown
	Type     xen.IOReqType
	Addr     uint64 // of an access as delivered
	Stale    bool   // an access may have been routed before the state was as it is: only its slot is learned
}

// Domain is one domain's state, as far as it is known. Create one with New.
type Domain struct {
	// What most accesses look at comes first and together: a replay goes from domain
	// to domain, and each cache line counts.

	trail *trail // nil but in Explain
	// layout is the whole p2m, where it is known. Then pages and the fields that
	// bound costs, from mapped on, are not used.
	layout *layout
	last   last
	latch  latch
	claim  claim
	down   bool // it is shutting down or suspending
	hap    Tri  // it has hardware-assisted paging
	pages  p2m
	routes routes

	cfg     Config
	slots   [numPlaces][xen.SlotsPerPage]slotState
	servers [numPlaces]server

	// Where ids count: the last one given, if it is known, and whether there may
	// be servers that are in no place.
	lastID   xen.ServerID
	idsKnown bool
	others   Tri

	pool  pool
	built Tri // its construction is over
	dying bool
	vga   vgaCache

	// allies are callers other than dom0 that have proven their privilege.
	allies []xen.DomID
	// mapped is a gfn that is known not to exceed max_mapped_pfn, if any is.
	mapped    xen.GFN
	anyMapped bool
	// tables are the 2M regions (gfn >> 9) known to hang in a table of 4K
	// entries; a frame at or above marks may carry a mark of recalculation.
	tables rangeset
	marks  xen.GFN
	// tracked are frames whose writes are tracked (track_dirty_vram), and
	// logDirty says whether any other frame may be in log-dirty mode.
	tracked  rangeset
	logDirty bool
}

// last is what Learn must know of the step before it.
type last struct {
	undecided bool         // its result was unknown, its cost not counted
	applied   bool         // it was a call that succeeded and changed the state
	trusted   bool         // its result was taken for proof of HAP
	created   xen.ServerID // id that it created, or NoServer
}

// New returns the domain that cfg describes.
func New(cfg Config) *Domain {
	d := &Domain{cfg: cfg, latch: latch{ext: cfg.extendedCF8()}, hap: cfg.HAP, last: last{created: xen.NoServer}}
	d.others = No
	d.routes.outdate()
	if d.cfg.Profile.Default == DefaultNever {
		d.servers[placeDefault] = absent
	}
	if !cfg.Complete {
		if d.counts() {
			d.clearList(Maybe)
		}
		d.claim = claim{held: Maybe, holder: xen.NoServer}
		d.pages.rest = setAll
		d.logDirty = true
		return d
	}
	for i := range d.servers {
		d.servers[i] = absent
	}
	d.idsKnown = d.counts()
	if cfg.Profile.Default != DefaultNever {
		d.built = No
	}
	d.vga.off = cfg.EveryAccess
	d.claim = claim{held: No, holder: xen.NoServer}
	d.pages.rest = setUntyped
	d.latch.known = cfg.EveryAccess
	d.marks = math.MaxUint64
	return d
}

// Found notes a server that existed when the recorder attached: it exists, it
// may have a ring, and the rest of it is unknown. An id that no server can have
// is ignored.
func (d *Domain) Found(id xen.ServerID, ring Tri) {
	s := d.seen(id)
	if s == nil {
		return
	}
	s.prove()
	if ring != Maybe {
		s.ring = ring
	}
	d.routes.outdate()
}

// clearList empties the list of servers where ids count; others may exist.
func (d *Domain) clearList(others Tri) {
	for p := range maxServers {
		d.servers[p].gone()
	}
	d.others, d.idsKnown = others, false
}

// Page returns the types that a frame may have.
func (d *Domain) Page(g xen.GFN) P2MTypes {
	if l := d.exact(); l != nil {
		return l.at(g).Set()
	}
	return d.pages.at(g)
}
