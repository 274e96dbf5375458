package engine

// entry is one p2m entry without its frame: its type plus one, and two flags.
// Zero is an entry that is not valid, a hole.
type entry uint8

const (
	entryMark  entry = 1 << 7 // to be recalculated: EPT's recalc bit, NPT's clear U bit
	entryTable entry = 1 << 6 // leads to a table of the next level
	entryType  entry = 1<<5 - 1
)

// leaf returns the entry that maps a page of type t.
func leaf(t P2MType) entry { return entry(t) + 1 }

// typ returns the type of a leaf; lookups call a hole mmio_dm.
func (e entry) typ() P2MType {
	if e &= entryType; e != 0 {
		return P2MType(e - 1)
	}
	return P2MMMIODM
}

func (e entry) marked() bool { return e&entryMark != 0 }

// presentEntries are the types whose entries give at least one right, so that
// the hardware may have cached them: bit n stands for P2MType(n).
const presentEntries = 1<<P2MRAMRW | 1<<P2MLogDirty | 1<<P2MRAMRO | 1<<P2MIOReqServer | 1<<P2MShared |
	1<<P2MMMIODirect | 1<<P2MGrantRW | 1<<P2MGrantRO | 1<<P2MForeign

// present is is_epte_present, or _PAGE_PRESENT.
func (e entry) present() bool {
	return e&entryTable != 0 || uint32(presentEntries)>>e.typ()&1 != 0
}

// traits are what counting needs of a 4K entry.
type traits struct {
	present uint64 // 1 if it is
	typed   uint64 // 1 for ioreq_server
	dma     Rights
	set     P2MTypes // of its type
}

// traitsOf are those of each entry, by its bits of entryType.
var traitsOf = func() (all [entryType + 1]traits) {
	for e := range entry(numEntryTypes + 1) {
		all[e] = traits{present: present(e), dma: dmaRights[e.typ()], set: e.typ().Set()}
		if e.typ() == P2MIOReqServer {
			all[e].typed = 1
		}
	}
	return all
}()

// Rights are what an entry lets the guest do.
type Rights uint8

// The rights.
const (
	CanRead Rights = 1 << iota
	CanWrite
	CanFetch
)

// String returns the form "rwx", with "-" for a right that is missing.
func (r Rights) String() string {
	text := []byte("rwx")
	for i := range text {
		if r>>i&1 == 0 {
			text[i] = '-'
		}
	}
	return string(text)
}

// NPT returns the flags of a nested page table entry with these rights.
func (r Rights) NPT() string {
	switch r {
	case 0:
		return "NX"
	case CanRead:
		return "P U NX"
	case CanRead | CanWrite:
		return "P RW U NX"
	case CanRead | CanFetch:
		return "P U"
	}
	return "P RW U"
}

var rights = [numEntryTypes]Rights{
	P2MRAMRW:       CanRead | CanWrite | CanFetch,
	P2MLogDirty:    CanRead | CanFetch,
	P2MRAMRO:       CanRead | CanFetch,
	P2MShared:      CanRead | CanFetch,
	P2MIOReqServer: CanRead,
	P2MGrantRW:     CanRead | CanWrite,
	P2MForeign:     CanRead | CanWrite,
	P2MGrantRO:     CanRead,
	P2MMMIODirect:  CanRead | CanWrite | CanFetch, // less where Xen keeps the page read-only
}

// Rights are those of an entry of type t that is written now, with or without a
// claim on writes: ept_p2m_type_to_flags and p2m_type_to_flags. They stay as
// they are when the claim changes. Page-modification logging, under which
// ram_logdirty is writable, and mem_access are not modelled.
func (p *Profile) Rights(t P2MType, claimed bool) Rights {
	if t >= numEntryTypes {
		return 0
	}
	r := rights[t]
	if t == P2MIOReqServer && p.Type15 == Type15Claimed && !claimed {
		r |= CanWrite
	}
	return r
}

// dmaRights are what a device may do with a page of each type through an IOMMU
// with tables of its own: p2m_get_iommu_flags.
var dmaRights = [numEntryTypes]Rights{
	P2MRAMRW:      CanRead | CanWrite,
	P2MLogDirty:   CanRead | CanWrite,
	P2MRAMRO:      CanRead,
	P2MGrantRW:    CanRead | CanWrite,
	P2MGrantRO:    CanRead,
	P2MForeign:    CanRead | CanWrite,
	P2MMMIODirect: CanRead | CanWrite,
}
