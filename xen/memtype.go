package xen

// MemType is HVMMEM_*: what a device model asks a page to be. Xen's internal
// p2m types are another enumeration; package engine has it.
type MemType uint16

// The memory types of public/hvm/hvm_op.h. Value 3 was mmio_write_dm in 4.6
// and has been refused since 4.7; value 4 exists from 4.8 and can be claimed
// from 4.9.
const (
	MemRAMRW       MemType = 0
	MemRAMRO       MemType = 1
	MemMMIODM      MemType = 2
	MemUnused      MemType = 3
	MemIOReqServer MemType = 4
)

var memTypeNames = []string{"ram_rw", "ram_ro", "mmio_dm", "unused", "ioreq_server"}

// String returns the name in Xen's header without its prefix, or memtypeN.
func (t MemType) String() string { return nameOf(memTypeNames, uint64(t), "memtype") }

// Access kinds that a server may claim for a mem type
// (XEN_DMOP_IOREQ_MEM_ACCESS_*). Xen refuses AccessRead in every release.
const (
	AccessRead  uint32 = 1 << 0
	AccessWrite uint32 = 1 << 1
)
