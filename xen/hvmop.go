package xen

// HVMOpCode is the number of an hvm_op sub-operation.
type HVMOpCode uint32

// The hvm_ops that were a device model's interface up to Xen 4.8; from 4.9 all
// but GetMemType answer ENOSYS.
const (
	HVMSetParam            HVMOpCode = 0
	HVMGetParam            HVMOpCode = 1
	HVMSetPCIIntxLevel     HVMOpCode = 2
	HVMSetISAIRQLevel      HVMOpCode = 3
	HVMSetPCILinkRoute     HVMOpCode = 4
	HVMTrackDirtyVRAM      HVMOpCode = 6
	HVMModifiedMemory      HVMOpCode = 7
	HVMSetMemType          HVMOpCode = 8
	HVMInjectTrap          HVMOpCode = 14
	HVMGetMemType          HVMOpCode = 15
	HVMInjectMSI           HVMOpCode = 16
	HVMCreateIOReqServer   HVMOpCode = 17
	HVMGetIOReqServerInfo  HVMOpCode = 18
	HVMMapIORange          HVMOpCode = 19
	HVMUnmapIORange        HVMOpCode = 20
	HVMDestroyIOReqServer  HVMOpCode = 21
	HVMSetIOReqServerState HVMOpCode = 22
)

// HVMOpSize is the most that a legacy structure takes (inject_trap).
const HVMOpSize = 32

// hvmOpSpec is one row of the table of legacy ops: name, size of the structure
// and, where one exists, the dm_op that replaced it with how to reorder fields.
type hvmOpSpec struct {
	name string
	size int
	dmop func(b []byte) Body
}

var hvmOpSpecs = [...]hvmOpSpec{
	HVMSetParam:            {"set_param", 16, nil},
	HVMGetParam:            {"get_param", 16, nil},
	HVMSetPCIIntxLevel:     {"set_pci_intx_level", 8, legacyIntx},
	HVMSetISAIRQLevel:      {"set_isa_irq_level", 4, legacyISA},
	HVMSetPCILinkRoute:     {"set_pci_link_route", 4, legacyLink},
	HVMTrackDirtyVRAM:      {"track_dirty_vram", 24, legacyTrack},
	HVMModifiedMemory:      {"modified_memory", 16, nil},
	HVMSetMemType:          {"set_mem_type", 16, legacySetMemType},
	HVMInjectTrap:          {"inject_trap", 32, nil},
	HVMGetMemType:          {"get_mem_type", 16, nil},
	HVMInjectMSI:           {"inject_msi", 16, legacyMSI},
	HVMCreateIOReqServer:   {"create_ioreq_server", 6, legacyCreate},
	HVMGetIOReqServerInfo:  {"get_ioreq_server_info", 24, legacyInfo},
	HVMMapIORange:          {"map_io_range_to_ioreq_server", 24, legacyMap},
	HVMUnmapIORange:        {"unmap_io_range_from_ioreq_server", 24, legacyUnmap},
	HVMDestroyIOReqServer:  {"destroy_ioreq_server", 4, legacyDestroy},
	HVMSetIOReqServerState: {"set_ioreq_server_state", 6, legacySetState},
}

// String returns the name in Xen's header, or hvm_opN.
func (c HVMOpCode) String() string {
	if s := c.spec(); s.name != "" {
		return s.name
	}
	return nameOf(nil, uint64(c), "hvm_op")
}

// Size returns the bytes of the operation's structure, zero if unknown.
func (c HVMOpCode) Size() int { return c.spec().size }

func (c HVMOpCode) spec() hvmOpSpec {
	if uint64(c) < uint64(len(hvmOpSpecs)) {
		return hvmOpSpecs[c]
	}
	return hvmOpSpec{}
}

// SplitHVMOp splits the op argument of an hvm_op hypercall. Continuations of
// modified_memory and set_mem_type carry the iterations done, a multiple of
// 256, above the low byte (do_hvm_op, 4.5-4.8).
func SplitHVMOp(arg uint64) (c HVMOpCode, done uint64) {
	return HVMOpCode(arg & 0xff), arg &^ 0xff
}

// HVMOp is a captured legacy operation: the structure's bytes behind its code.
// The domain is the first field of every one.
type HVMOp struct {
	Op   HVMOpCode
	Body [HVMOpSize]byte
}

// DecodeHVMOp decodes the structure of operation c.
func DecodeHVMOp(c HVMOpCode, b []byte) (HVMOp, error) {
	if err := checkSize("hvm_op "+c.String(), b, max(c.Size(), 2)); err != nil {
		return HVMOp{}, err
	}
	op := HVMOp{Op: c}
	copy(op.Body[:], b)
	return op, nil
}

// Dom is the domain that the operation is about.
func (op HVMOp) Dom() DomID { return DomID(le.Uint16(op.Body[:])) }

// DMOp returns the operation in the form that replaced it, so that everything
// above this package sees one form. ok is false for an operation without one.
func (op HVMOp) DMOp() (d DMOp, ok bool) {
	conv := op.Op.spec().dmop
	if conv == nil {
		return DMOp{}, false
	}
	return NewDMOp(conv(op.Body[:])), true
}

func legacyIntx(b []byte) Body {
	return SetPCIIntxLevel{Bus: b[3], Device: b[4], Intx: b[5], Level: b[6], Domain: uint16(b[2])}
}

func legacyISA(b []byte) Body  { return SetISAIRQLevel{IRQ: b[2], Level: b[3]} }
func legacyLink(b []byte) Body { return SetPCILinkRoute{Link: b[2], IRQ: b[3]} }

func legacyTrack(b []byte) Body {
	return TrackDirtyVRAM{Nr: le.Uint32(b[4:]), First: GFN(le.Uint64(b[8:]))}
}

func legacySetMemType(b []byte) Body {
	return SetMemType{Type: MemType(le.Uint16(b[2:])), Nr: le.Uint32(b[4:]), First: GFN(le.Uint64(b[8:]))}
}

func legacyMSI(b []byte) Body { return InjectMSI{Data: le.Uint32(b[4:]), Addr: le.Uint64(b[8:])} }

func legacyCreate(b []byte) Body {
	return CreateIOReqServer{HandleBufIOReq: BufMode(b[2]), ID: ServerID(le.Uint16(b[4:]))}
}

func legacyInfo(b []byte) Body {
	return GetIOReqServerInfo{
		ID: legacyID(b), BufPort: Port(le.Uint32(b[4:])),
		IOReqGFN: GFN(le.Uint64(b[8:])), BufReqGFN: GFN(le.Uint64(b[16:])),
	}
}

func legacyMap(b []byte) Body {
	return MapIORange{ID: legacyID(b), Range: Range{
		Space: Space(le.Uint32(b[4:])), First: le.Uint64(b[8:]), Last: le.Uint64(b[16:]),
	}}
}

func legacyUnmap(b []byte) Body   { return UnmapIORange(legacyMap(b).(MapIORange)) }
func legacyDestroy(b []byte) Body { return DestroyIOReqServer{ID: legacyID(b)} }

func legacySetState(b []byte) Body {
	return SetIOReqServerState{ID: legacyID(b), Enabled: b[4]}
}

func legacyID(b []byte) ServerID { return ServerID(le.Uint16(b[2:])) }
