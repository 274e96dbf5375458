package engine

import "github.com/iotrace-xen/iotrace/xen"

// A State is all that a Domain knows, as plain values: what a key-frame of a
// trace carries. Snapshot and Restore are inverse: a restored domain answers
// every later Step and Learn as the original does. Only Learn's memory of the
// Step before it is not part of a State, so take one between a Learn and the
// next Step.
//
// Everything in a State has one order, so that equal states are equal values.
// Its zero value is a domain of which nothing is known but that its pages have
// no type; take Snapshot of New for one of which truly nothing is.
type State struct {
	Servers [MaxServers]ServerState // by id; where ids count, from the oldest on
	Claim   ClaimState
	Latch   LatchState
	Pages   []PageRun   // ascending; no two that touch are alike
	Rest    P2MTypes    // types of the frames outside Pages
	Slots   []SlotState // by server, then vCPU
	Allies  []xen.DomID // callers other than dom0 with privilege, in order of proof
	Tables  []Span      // 2M regions (gfn >> 9) that certainly hang in a table of 4K entries
	Tracked []Span      // frames whose writes are tracked (track_dirty_vram)
	Mapped  MappedState // a frame that certainly does not exceed max_mapped_pfn
	Marks   xen.GFN     // frames from here on may carry a mark of recalculation
	// LogDirty says that frames that are not tracked may be in log-dirty mode.
	LogDirty bool
	HAP      Tri // it has hardware-assisted paging
	Life     LifeState
	Legacy   LegacyState
	Pool     PoolState
	// Layout is the p2m where all of it is known, else nil. No trace tells it, so
	// key-frames do not carry it.
	Layout *LayoutState
}

// LifeState is where a domain is in its life, and what of it concerns more than
// one server.
type LifeState struct {
	Built   Tri  // its construction is over, where that matters
	Down    bool // it is shutting down or suspending
	Dying   bool
	VGAOff  bool // stdvga's cache answers no read
	VGALost bool // and never will
}

// LegacyState is what only releases have where ids count (LastID, Others) or
// that may have a default server.
type LegacyState struct {
	Default ServerState
	LastID  IDState
	Others  Tri // there are servers besides those in State.Servers
}

// IDState is a server's id, if one is known.
type IDState struct {
	Known bool
	ID    xen.ServerID
}

// PoolState is the gfns for ioreq pages (params 32, 33, 5 and 6).
type PoolState struct {
	Size   uint64 // param 33; zero if it was not seen
	Base   MappedState
	Free   uint64 // bit n: gfn Base+n is free
	Legacy [2]LegacyGFN
}

// LegacyGFN is param 5 or 6, if it was seen.
type LegacyGFN struct {
	Set, Free bool
	GFN       xen.GFN
}

// MaxServers is how many ioreq servers a domain can have
// (MAX_NR_IOREQ_SERVERS of 4.11 and later).
const MaxServers = maxServers

// NumSpaces is how many address spaces a server's ranges lie in.
const NumSpaces = numSpaces

// Span is a stretch of addresses or frames, both ends included.
type Span struct{ First, Last uint64 }

// PageRun is a stretch of frames of which the same is known.
type PageRun struct {
	First, Last xen.GFN
	Types       P2MTypes
}

// PagesFrom says where a server's sync page and ring come from.
type PagesFrom uint8

// The sources of pages.
const (
	PagesUnknown  = PagesFrom(pagesUnknown)
	PagesNone     = PagesFrom(pagesNone)     // they are not allocated
	PagesSome     = PagesFrom(pagesSome)     // they exist, from either source
	PagesResource = PagesFrom(pagesResource) // acquire_resource
	PagesGFN      = PagesFrom(pagesGFN)      // mapped at gfns by get_ioreq_server_info
	PagesFreed    = PagesFrom(pagesFreed)    // they were at gfns, and an acquire_resource has freed them
)

// ServerState is what is known of one ioreq server. The zero value is a slot of
// which nothing is known; of one that is empty (Exists No), only that is.
type ServerState struct {
	Exists, Enabled, Ring Tri
	EPort                 Tri // the slots hold the server's event channels
	Pages                 PagesFrom
	ID                    xen.ServerID // where ids count
	Taken                 uint64       // bits of PoolState.Free that its pages hold
	TakenLegacy           uint8        // bits of its indexes into PoolState.Legacy
	Pointers              RingState
	Owned                 bool // Owner is known
	Closed                bool // Ranges are all that there are
	Owner                 xen.DomID
	Ranges                [NumSpaces][]Span // ascending, neighbours merged
	Info, InfoMask        [3]uint64         // get_ioreq_server_info's words as recorded, and which of their bits are known
}

// RingState is a buffered ring whose pointers are followed, and its mode if it is
// known to have one.
type RingState struct {
	Ring Ring
	Mode xen.BufMode
}

// ClaimState is who handles writes to pages of type ioreq_server; Holder is
// NoServer where that is not known.
type ClaimState struct {
	Held   Tri
	Holder xen.ServerID
}

// LatchState is the CF8 register. Extended says whether its bits 27:24 count.
type LatchState struct {
	Known    bool
	Value    uint32
	Extended Tri
}

// MappedState is a gfn, if one is known.
type MappedState struct {
	Known bool
	GFN   xen.GFN
}

// SlotState is a slot with a request whose answer is due. Server is an index into
// State.Servers, MaxServers for the default server. InProcess says that
// Xen has seen the device model take it up.
type SlotState struct {
	Server    xen.ServerID
	VCPU      xen.VCPU
	InProcess bool
}

// Snapshot returns d's state. It shares no memory with d.
func (d *Domain) Snapshot() State {
	s := State{
		Claim:  ClaimState{d.claim.held, d.claim.holder},
		Latch:  LatchState{d.latch.known, d.latch.value, d.latch.ext},
		Rest:   d.pages.rest,
		Mapped: MappedState{d.anyMapped, d.mapped},
		Marks:  d.marks, LogDirty: d.logDirty, HAP: d.hap,
		Allies: append([]xen.DomID(nil), d.allies...),
		Tables: d.tables.export(), Tracked: d.tracked.export(),
		Layout: d.layout.export(),
	}
	for i := range s.Servers {
		s.Servers[i] = d.servers[i].export()
	}
	s.Life = LifeState{d.built, d.down, d.dying, d.vga.off, d.vga.spent}
	s.Legacy, s.Pool = d.exportLegacy(), d.pool.export()
	for _, r := range d.pages.runs {
		s.Pages = append(s.Pages, PageRun{r.first, r.last, r.types})
	}
	for id := range d.slots {
		for v, is := range d.slots[id] {
			if is != slotUnseen {
				s.Slots = append(s.Slots, SlotState{xen.ServerID(id), xen.VCPU(v), is == slotInProcess})
			}
		}
	}
	return s
}

func (d *Domain) exportLegacy() (x LegacyState) {
	if d.cfg.Profile.Default != DefaultNever {
		x.Default = d.servers[placeDefault].export()
	}
	if d.counts() {
		x.LastID, x.Others = IDState{d.idsKnown, d.lastID}, d.others
	}
	return x
}

func (p *pool) export() PoolState {
	x := PoolState{Base: MappedState{p.based, p.base}, Free: p.free}
	if p.sized {
		x.Size = p.size
	}
	for i, l := range p.legacy {
		x.Legacy[i] = LegacyGFN{l.set, l.free, l.gfn}
	}
	return x
}

func (s *server) export() ServerState {
	if s.exists == No {
		return ServerState{Exists: No, Enabled: No, Closed: true}
	}
	x := ServerState{
		Exists: s.exists, Enabled: s.enabled, Ring: s.ring, EPort: s.eport, Pages: PagesFrom(s.pages),
		ID: s.id, Taken: s.taken.bits, TakenLegacy: s.taken.legacy,
		Pointers: RingState{Ring{s.pointers.known, s.pointers.read, s.pointers.write}, s.pointers.mode},
		Owned:    s.owned, Owner: s.owner, Closed: s.closed, Info: s.info, InfoMask: s.infoMask,
	}
	for i := range s.ranges {
		x.Ranges[i] = s.ranges[i].export()
	}
	return x
}

func (r rangeset) export() []Span {
	var out []Span
	for _, s := range r {
		out = append(out, Span{s.first, s.last})
	}
	return out
}
