package xen

// Domctls (XEN_DOMCTL_*): those of a domain's life, and those that change what its
// device models meet. The command is the first word of the structure's head; the
// domain's number is the second.
const (
	DomctlCreate    uint64 = 1
	DomctlDestroy   uint64 = 2
	DomctlPause     uint64 = 3
	DomctlUnpause   uint64 = 4
	DomctlGetInfo   uint64 = 5  // getdomaininfo
	DomctlShadowOp  uint64 = 10 // log-dirty mode
	DomctlMaxMem    uint64 = 11
	DomctlMaxVCPUs  uint64 = 15
	DomctlSoftReset uint64 = 79 // destroys all ioreq servers
)
