package xen

// Hypercall is a hypercall's number (public/xen.h).
type Hypercall uint64

// The hypercalls that device models, toolstacks and other tools of dom0 make.
const (
	HyperMMUUpdate    Hypercall = 1
	HyperPlatformOp   Hypercall = 7
	HyperMemoryOp     Hypercall = 12
	HyperMulticall    Hypercall = 13
	HyperXenVersion   Hypercall = 17
	HyperGrantTableOp Hypercall = 20
	HyperMMUExtOp     Hypercall = 26
	HyperXSMOp        Hypercall = 27
	HyperSchedOp      Hypercall = 29
	HyperEventChannel Hypercall = 32
	HyperPhysdevOp    Hypercall = 33
	HyperHVMOp        Hypercall = 34
	HyperSysctl       Hypercall = 35
	HyperDomctl       Hypercall = 36
	HyperKexecOp      Hypercall = 37
	HyperTmemOp       Hypercall = 38 // to 4.12
	HyperDMOp         Hypercall = 41 // from 4.9
	HyperHypfsOp      Hypercall = 42 // from 4.14
)

var hypercallNames = map[Hypercall]string{
	HyperMMUUpdate: "mmu_update", HyperPlatformOp: "platform_op", HyperMemoryOp: "memory_op",
	HyperMulticall: "multicall", HyperXenVersion: "xen_version", HyperGrantTableOp: "grant_table_op",
	HyperMMUExtOp: "mmuext_op", HyperXSMOp: "xsm_op", HyperSchedOp: "sched_op",
	HyperEventChannel: "event_channel_op", HyperPhysdevOp: "physdev_op", HyperHVMOp: "hvm_op",
	HyperSysctl: "sysctl", HyperDomctl: "domctl", HyperKexecOp: "kexec_op", HyperTmemOp: "tmem_op",
	HyperDMOp: "dm_op", HyperHypfsOp: "hypfs_op",
}

// String returns the name in Xen's header without its prefix, or hypercallN.
func (h Hypercall) String() string {
	if s, ok := hypercallNames[h]; ok {
		return s
	}
	return nameOf(nil, uint64(h), "hypercall")
}
