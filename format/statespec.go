package format

import "strings"

// The kinds of a key-frame's state. A key-frame begins with KindKeyFrame;
// replay's documentation says what the rest is for. They carry the key-frame's
// time and the sequence number of the event behind it.
const (
	KindKeyFrame        Kind = KindState + iota // a key-frame begins: how long it is, and what was lost before it
	KindStateClock                              // the last reading of the host's clocks
	KindStateProcess                            // a process that makes captured calls
	KindStatePort                               // a dom0 event channel and the domain at its other end
	KindStateJail                               // a process that restricted privcmd to one domain
	KindStateDomain                             // a domain; what follows up to the next is about it
	KindStateClaim                              // which server has claimed ioreq_server
	KindStateLatch                              // its CF8 register
	KindStateServer                             // one of its ioreq servers; those that are not listed do not exist
	KindStateServerInfo                         // get_ioreq_server_info's words of that server
	KindStateRange                              // one of that server's I/O ranges
	KindStatePages                              // frames of which the same is known
	KindStateTable                              // 2M regions known to hang in tables of 4K entries
	KindStateTracked                            // frames of track_dirty_vram
	KindStateAlly                               // a domain other than dom0 that may make dm_ops
	KindStateSlot                               // a slot with a request that Xen waits for
	KindStateDoomed                             // a server whose destruction has begun
	KindStateRing                               // the account so far of a buffered ring
	KindStateRequest                            // more about an open_ioreq: flags
	KindStateCall                               // more about an open call: flags
	KindStateApplied                            // an open call took effect already, with this result
)

// openKinds are the kinds of events of which a key-frame can hold copies.
var openKinds = [...]Kind{KindDMOpEnter, KindDMOpBuf, KindHypercallEnter, KindMmapResourceEnter, KindIoctlEnter, KindIOReq}

// OpenEvent returns the copy of e that a key-frame holds. e must be of a kind
// that can be open: an entry, one of a call's further buffers, or a request.
func OpenEvent(e Event) Event {
	e.Kind += KindOpen
	return e
}

// Opened returns the event that e is a copy of, and whether e is a copy: its
// kind is KindOpen or more.
func (e Event) Opened() (Event, bool) {
	if e.Kind < KindOpen {
		return Event{}, false
	}
	e.Kind -= KindOpen
	return e, true
}

// withState adds the rows of the key-frames' kinds to the table.
func withState(rows [256]spec) [256]spec {
	for k, s := range stateSpecs {
		rows[k] = s
	}
	rows[KindStateClock] = spec{"state_clock", rows[KindClock].fields}
	rows[KindStateProcess] = spec{"state_process", rows[KindProcess].fields}
	rows[KindStatePort] = spec{"state_port", rows[KindPortFound].fields}
	rows[KindStateRing] = spec{"state_ring", rows[KindRingCount].fields}
	for _, k := range openKinds {
		rows[KindOpen+k] = spec{"open_" + rows[k].name, rows[k].fields}
	}
	return rows
}

// runFields are a stretch of frames or regions.
var runFields = []field{fDom, word("first", typeHex, 0), word("last", typeHex, 1)}

var stateSpecs = map[Kind]spec{
	KindKeyFrame: {"keyframe", []field{
		word("count", typeDec, 0), word("lost", typeDec, 1), part("calm", typeBool, 2, 0, 1), part("calls_lost", typeBool, 2, 1, 1),
	}},
	KindStateJail: {"state_jail", []field{fDom, part("pid", typeDec, 0, 0, 32)}},
	KindStateDomain: {"state_domain", []field{
		fDom, part("complete", typeBool, 0, 0, 1), part("typed", typeBool, 0, 1, 1), part("dying", typeBool, 0, 2, 1), part("gone", typeBool, 0, 3, 1),
		part("log_dirty", typeBool, 0, 4, 1), part("rest", typePages, 0, 8, 8),
		part("mapped_known", typeSeen, 0, 5, 1), word("mapped", typeRaw, 1), word("marks", typeHex, 2), part("shadow", typeBool, 0, 6, 1),
	}},
	KindStateClaim: {"state_claim", []field{fDom, fServer, part("held", typeTri, 0, 0, 8)}},
	KindStateLatch: {"state_latch", []field{
		fDom, part("extended", typeTri, 0, 8, 8), part("known", typeBool, 0, 0, 1), part("value", typeHex, 1, 0, 32),
	}},
	KindStateServer: {"state_server", []field{
		fDom, fServer, part("exists", typeTri, 0, 0, 8), part("enabled", typeTri, 0, 8, 8), part("ring", typeTri, 0, 16, 8),
		part("eport", typeTri, 0, 24, 8), part("pages", typeSource, 0, 32, 8), part("closed", typeBool, 0, 40, 1),
		part("owned", typeSeen, 0, 41, 1), part("owner", typeDec, 0, 48, 16),
	}},
	KindStateServerInfo: {"state_server_info", []field{
		fDom, fServer, word("w0", typeHex, 0), word("w1", typeHex, 1), word("w2", typeHex, 2),
		word("m0", typeHex, 3), word("m1", typeHex, 4), word("m2", typeHex, 5),
	}},
	KindStateRange: {"state_range", []field{
		fDom, fServer, part("space", typeSpace, 0, 0, 32), word("first", typeHex, 1), word("last", typeHex, 2),
	}},
	KindStatePages:   {"state_pages", []field{fDom, word("first", typeHex, 0), word("last", typeHex, 1), part("types", typePages, 2, 0, 8)}},
	KindStateTable:   {"state_table", runFields},
	KindStateTracked: {"state_tracked", runFields},
	KindStateAlly:    {"state_ally", []field{fDom, part("ally", typeDec, 0, 0, 16)}},
	KindStateSlot:    {"state_slot", []field{fDom, fServer, fVCPU, part("state", typeState, 0, 0, 4)}},
	KindStateDoomed:  {"state_doomed", []field{fDom, fServer}},
	KindStateRequest: {"state_request", []field{fDom, fID, part("disputed", typeBool, 1, 0, 1), part("unsure", typeBool, 1, 1, 1)}},
	KindStateCall:    {"state_call", []field{fID, part("life", typeLife, 1, 0, 8), part("stale", typeBool, 1, 8, 1)}},
	KindStateApplied: {"state_applied", []field{
		fID, part("errno", typeDec, 1, 0, 16), word("w0", typeHex, 2), word("w1", typeHex, 3), word("w2", typeHex, 4),
		word("m0", typeHex, 5), word("m1", typeHex, 6), word("m2", typeHex, 7),
	}},
}

// Tri is a truth value of partial knowledge, as package engine has it.
type Tri uint8

// The three values.
const (
	Maybe Tri = iota
	No
	Yes
)

var triNames = []string{"maybe", "no", "yes"}

// String returns the name that the text form prints.
func (t Tri) String() string { return enumName(triNames, uint64(t)) }

// PagesFrom says where a server's pages come from, as package engine has it.
type PagesFrom uint8

var pagesFromNames = []string{"unknown", "none", "some", "resource", "gfn", "freed"}

// String returns the name that the text form prints.
func (p PagesFrom) String() string { return enumName(pagesFromNames, uint64(p)) }

// Life says which life of a domid a call that is open was made for.
type Life uint8

// The lives. An open call without a state_call was made for the present one, if
// the key-frame lists the domain.
const (
	LifePresent Life = iota
	LifeNone         // none was known then
	LifeFormer       // one that has ended since
)

var lifeNames = []string{"present", "none", "former"}

// String returns the name that the text form prints.
func (l Life) String() string { return enumName(lifeNames, uint64(l)) }

// PageTypes is the set of types that a page may have, as package engine has it:
// bit n stands for the n-th of pageTypeNames.
type PageTypes uint8

var pageTypeNames = [8]string{"ram_rw", "ram_logdirty", "ram_ro", "mmio_dm", "ioreq_server", "pod", "paged", "special"}

// String returns the names joined by "|"; "unknown" for all, "untyped" for all
// but ioreq_server, "none" for the empty set.
func (p PageTypes) String() string {
	switch p {
	case 0:
		return "none"
	case 0xff:
		return "unknown"
	case 0xff &^ (1 << 4):
		return "untyped"
	}
	var names []string
	for i, name := range pageTypeNames {
		if p>>i&1 != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}

// pageTypesName is the name of any number.
func pageTypesName(v uint64) string {
	if v > 0xff {
		return uitoa(v)
	}
	return PageTypes(v).String()
}
