package xen

// IOReqSize is sizeof(struct ioreq); SlotsPerPage is how many fit the
// synchronous page, one per vCPU.
const (
	IOReqSize    = 32
	SlotsPerPage = PageSize / IOReqSize
)

// IOReqType is what an ioreq asks for (public/hvm/ioreq.h).
type IOReqType uint8

// The request types. 2 is the form in which ioreq servers get PCI config
// cycles; 7 and 8 are broadcasts.
const (
	TypePIO        IOReqType = 0
	TypeCopy       IOReqType = 1 // memory-mapped access
	TypePCIConfig  IOReqType = 2
	TypeTimeOffset IOReqType = 7
	TypeInvalidate IOReqType = 8
)

var ioreqTypeNames = []string{"pio", "copy", "pci_config", "", "", "", "", "timeoffset", "invalidate"}

// String returns the name in Xen's header in lower case, or typeN.
func (t IOReqType) String() string { return nameOf(ioreqTypeNames, uint64(t), "type") }

// State is the state of a synchronous slot.
type State uint8

// The four legal states, and the only order in which they may follow.
const (
	StateNone      State = 0
	StateReady     State = 1
	StateInProcess State = 2
	StateRespReady State = 3
)

var stateNames = []string{"none", "ready", "inprocess", "resp_ready"}

// String returns the name in Xen's header in lower case, or stateN.
func (s State) String() string { return nameOf(stateNames, uint64(s), "state") }

// Dir is the direction of a request, seen from the guest.
type Dir uint8

// A guest writes to the device (0) or reads from it (1).
const (
	DirWrite Dir = 0
	DirRead  Dir = 1
)

// String returns "write" or "read".
func (d Dir) String() string {
	if d == DirRead {
		return "read"
	}
	return "write"
}

// IOReq is struct ioreq, one slot of the synchronous page.
type IOReq struct {
	Addr      uint64 // guest physical address, port, or PCI form (see PCIAddr)
	Data      uint64 // value, or the guest physical address of the data if DataIsPtr
	Count     uint32 // repetitions
	Size      uint32 // bytes per repetition: 1, 2, 4 or 8
	EPort     Port   // the vCPU's port, in the target domain's port space
	State     State
	DataIsPtr bool
	Dir       Dir
	DF        bool // addresses descend
	Type      IOReqType
}

const (
	ioreqStateMask = 0x0f
	ioreqDataIsPtr = 1 << 4
	ioreqDirRead   = 1 << 5
	ioreqDF        = 1 << 6
)

// DecodeIOReq decodes one 32-byte slot.
func DecodeIOReq(b []byte) (r IOReq, err error) {
	err = r.Decode(b)
	return r, err
}

// Decode makes *r what DecodeIOReq returns, without copies. An error leaves it alone.
func (r *IOReq) Decode(b []byte) error {
	if err := checkSize("ioreq", b, IOReqSize); err != nil {
		return err
	}
	b = b[:IOReqSize]
	r.Addr, r.Data = le.Uint64(b[0:]), le.Uint64(b[8:])
	r.Count, r.Size, r.EPort = le.Uint32(b[16:]), le.Uint32(b[20:]), Port(le.Uint32(b[24:]))
	bits := b[30]
	r.State, r.DataIsPtr, r.DF = State(bits&ioreqStateMask), bits&ioreqDataIsPtr != 0, bits&ioreqDF != 0
	r.Dir, r.Type = DirWrite, IOReqType(b[31])
	if bits&ioreqDirRead != 0 {
		r.Dir = DirRead
	}
	return nil
}

// Append appends the slot's 32 bytes to b. Padding is zero.
func (r IOReq) Append(b []byte) []byte {
	b = le.AppendUint64(b, r.Addr)
	b = le.AppendUint64(b, r.Data)
	b = le.AppendUint32(b, r.Count)
	b = le.AppendUint32(b, r.Size)
	b = le.AppendUint32(b, uint32(r.EPort))
	bits := uint8(r.State) & ioreqStateMask
	if r.DataIsPtr {
		bits |= ioreqDataIsPtr
	}
	if r.Dir == DirRead {
		bits |= ioreqDirRead
	}
	if r.DF {
		bits |= ioreqDF
	}
	return append(b, 0, 0, bits, uint8(r.Type))
}

// PCIAddr packs the address of a PCI_CONFIG request: SBDF in the upper half,
// register offset in the lower.
func PCIAddr(s SBDF, reg uint32) uint64 { return uint64(s)<<32 | uint64(reg) }

// PCI splits the address of a PCI_CONFIG request.
func (r IOReq) PCI() (s SBDF, reg uint32) { return SBDF(r.Addr >> 32), uint32(r.Addr) }

// The x86 ports of PCI configuration: the address, and the data behind it. Each has
// four bytes.
const (
	PortCF8 uint64 = 0xcf8
	PortCFC uint64 = 0xcfc
)

// Steers reports whether the request's data can decide where later requests go: it is
// an address of guest memory, or PCI configuration. Traces keep such data even where
// they leave out a guest's.
func (r IOReq) Steers() bool {
	return r.DataIsPtr || r.Type == TypePCIConfig || r.Type == TypePIO && r.Addr >= PortCF8 && r.Addr < PortCFC+4
}
