package xen

// Hypercall is a hypercall's number (public/xen.h).
type Hypercall uint64

// The hypercalls that a device model or its toolstack makes.
const (
	HyperMMUUpdate    Hypercall = 1
	HyperMemoryOp     Hypercall = 12
	HyperMulticall    Hypercall = 13
	HyperXenVersion   Hypercall = 17
	HyperGrantTableOp Hypercall = 20
	HyperMMUExtOp     Hypercall = 26
	HyperSchedOp      Hypercall = 29
	HyperEventChannel Hypercall = 32
	HyperPhysdevOp    Hypercall = 33
	HyperHVMOp        Hypercall = 34
	HyperSysctl       Hypercall = 35
	HyperDomctl       Hypercall = 36
	HyperDMOp         Hypercall = 41 // from 4.9
)

var hypercallNames = map[Hypercall]string{
	HyperMMUUpdate: "mmu_update", HyperMemoryOp: "memory_op", HyperMulticall: "multicall",
	HyperXenVersion: "xen_version", HyperGrantTableOp: "grant_table_op", HyperMMUExtOp: "mmuext_op",
	HyperSchedOp: "sched_op", HyperEventChannel: "event_channel_op", HyperPhysdevOp: "physdev_op",
	HyperHVMOp: "hvm_op", HyperSysctl: "sysctl", HyperDomctl: "domctl", HyperDMOp: "dm_op",
}

// String returns the name in Xen's header without its prefix, or hypercallN.
func (h Hypercall) String() string {
	if s, ok := hypercallNames[h]; ok {
		return s
	}
	return nameOf(nil, uint64(h), "hypercall")
}
