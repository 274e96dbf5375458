package engine

import "strings"

// P2MType is what Xen's p2m knows about a page (p2m_type_t), as far as the
// model tells types apart. A device model asks for xen.MemTypes; they are
// another enumeration.
type P2MType uint8

// The types. P2MMMIODM includes every hole, as Xen's lookups do. P2MPaged is
// paged out or shared. P2MSpecial is mmio_direct, a grant, a foreign mapping or
// broken memory: types that no dm_op changes.
const (
	P2MRAMRW P2MType = iota
	P2MLogDirty
	P2MRAMRO
	P2MMMIODM
	P2MIOReqServer
	P2MPoD
	P2MPaged
	P2MSpecial
	numP2MTypes
)

var p2mTypeNames = [numP2MTypes]string{
	"ram_rw", "ram_logdirty", "ram_ro", "mmio_dm", "ioreq_server", "pod", "paged", "special",
}

// String returns Xen's name without its prefix.
func (t P2MType) String() string {
	if t < numP2MTypes {
		return p2mTypeNames[t]
	}
	return "?"
}

// P2MTypes is the set of types that a page may have: bit n stands for
// P2MType(n). A set of one is knowledge, the full set is none.
type P2MTypes uint8

const (
	setRAMRW       P2MTypes = 1 << P2MRAMRW
	setLogDirty    P2MTypes = 1 << P2MLogDirty
	setRAMRO       P2MTypes = 1 << P2MRAMRO
	setMMIODM      P2MTypes = 1 << P2MMMIODM
	setIOReqServer P2MTypes = 1 << P2MIOReqServer
	setPoD         P2MTypes = 1 << P2MPoD
	setPaged       P2MTypes = 1 << P2MPaged
	setAll         P2MTypes = 1<<numP2MTypes - 1
	setUntyped     P2MTypes = setAll &^ setIOReqServer

	// setPresent are the types whose old entry is present when set_mem_type
	// writes the new one, so that the write is followed by a flush.
	setPresent = setRAMRW | setLogDirty | setRAMRO | setIOReqServer | setPoD
)

// Has says whether the page may have type t.
func (s P2MTypes) Has(t P2MType) bool { return s>>t&1 != 0 }

// String returns the names joined by "|", "unknown" for the full set and
// "untyped" for anything but ioreq_server.
func (s P2MTypes) String() string {
	switch s {
	case setAll:
		return "unknown"
	case setUntyped:
		return "untyped"
	}
	var names []string
	for t := P2MRAMRW; t < numP2MTypes; t++ {
		if s.Has(t) {
			names = append(names, t.String())
		}
	}
	return strings.Join(names, "|")
}
