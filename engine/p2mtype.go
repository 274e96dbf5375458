package engine

import "strings"

// P2MType is what Xen's p2m knows about a page (p2m_type_t), as far as the
// model tells types apart. A device model asks for xen.MemTypes; they are
// another enumeration.
type P2MType uint8

// The types that sets tell apart. P2MMMIODM includes every hole, as Xen's
// lookups do. P2MPaged is paged out or shared. P2MSpecial is mmio_direct, a
// grant, a foreign mapping or broken memory: types that no dm_op changes.
// P2MIOReqServer is type 15: mmio_write_dm in 4.6 and 4.7.
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

// The types that only an entry of a known layout has; in a set the first is
// P2MPaged and the others are P2MSpecial. An entry that is P2MPaged is paged
// out, and none is P2MSpecial.
const (
	P2MShared P2MType = numP2MTypes + iota
	P2MMMIODirect
	P2MGrantRW
	P2MGrantRO
	P2MForeign
	P2MBroken
	numEntryTypes
)

var p2mTypeNames = [numEntryTypes]string{
	"ram_rw", "ram_logdirty", "ram_ro", "mmio_dm", "ioreq_server", "pod", "paged", "special",
	"ram_shared", "mmio_direct", "grant_map_rw", "grant_map_ro", "map_foreign", "ram_broken",
}

// String returns Xen's name without its prefix.
func (t P2MType) String() string {
	if t < numEntryTypes {
		return p2mTypeNames[t]
	}
	return "?"
}

// Set returns the set of t alone.
func (t P2MType) Set() P2MTypes {
	switch {
	case t < numP2MTypes:
		return 1 << t
	case t == P2MShared:
		return setPaged
	}
	return setSpecial
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
	setSpecial     P2MTypes = 1 << P2MSpecial
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
