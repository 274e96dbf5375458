package xen

// DMOpSize is sizeof(struct xen_dm_op); its header (op and padding) takes
// DMOpHeaderSize bytes and the union the rest.
const (
	DMOpSize       = 32
	DMOpHeaderSize = 8
	DMOpBodySize   = DMOpSize - DMOpHeaderSize
)

// DMOpCode is the number of a dm_op sub-operation.
type DMOpCode uint32

// The sub-operations up to 20. 16 came with Xen 4.10, 17 and 18 with 4.11, 19
// (Arm only) and 20 with 4.15, the rest with 4.9.
const (
	OpCreateIOReqServer   DMOpCode = 1
	OpGetIOReqServerInfo  DMOpCode = 2
	OpMapIORange          DMOpCode = 3
	OpUnmapIORange        DMOpCode = 4
	OpSetIOReqServerState DMOpCode = 5
	OpDestroyIOReqServer  DMOpCode = 6
	OpTrackDirtyVRAM      DMOpCode = 7
	OpSetPCIIntxLevel     DMOpCode = 8
	OpSetISAIRQLevel      DMOpCode = 9
	OpSetPCILinkRoute     DMOpCode = 10
	OpModifiedMemory      DMOpCode = 11
	OpSetMemType          DMOpCode = 12
	OpInjectEvent         DMOpCode = 13
	OpInjectMSI           DMOpCode = 14
	OpMapMemType          DMOpCode = 15
	OpRemoteShutdown      DMOpCode = 16
	OpRelocateMemory      DMOpCode = 17
	OpPinMemoryCacheAttr  DMOpCode = 18
	OpSetIRQLevel         DMOpCode = 19
	OpNrVCPUs             DMOpCode = 20
)

// dmOpSpec is one row of the table of dm_ops: its name in Xen's header and the
// bytes of the union that it uses.
type dmOpSpec struct {
	name string
	size int
}

var dmOpSpecs = [...]dmOpSpec{
	OpCreateIOReqServer:   {"create_ioreq_server", 6},
	OpGetIOReqServerInfo:  {"get_ioreq_server_info", 24},
	OpMapIORange:          {"map_io_range_to_ioreq_server", 24},
	OpUnmapIORange:        {"unmap_io_range_from_ioreq_server", 24},
	OpSetIOReqServerState: {"set_ioreq_server_state", 4},
	OpDestroyIOReqServer:  {"destroy_ioreq_server", 4},
	OpTrackDirtyVRAM:      {"track_dirty_vram", 16},
	OpSetPCIIntxLevel:     {"set_pci_intx_level", 6},
	OpSetISAIRQLevel:      {"set_isa_irq_level", 2},
	OpSetPCILinkRoute:     {"set_pci_link_route", 2},
	OpModifiedMemory:      {"modified_memory", 8},
	OpSetMemType:          {"set_mem_type", 16},
	OpInjectEvent:         {"inject_event", 24},
	OpInjectMSI:           {"inject_msi", 16},
	OpMapMemType:          {"map_mem_type_to_ioreq_server", 16},
	OpRemoteShutdown:      {"remote_shutdown", 4},
	OpRelocateMemory:      {"relocate_memory", 24},
	OpPinMemoryCacheAttr:  {"pin_memory_cacheattr", 24},
	OpSetIRQLevel:         {"set_irq_level", 8},
	OpNrVCPUs:             {"nr_vcpus", 4},
}

// String returns the name in Xen's header, or dm_opN.
func (c DMOpCode) String() string {
	if s := c.spec(); s.name != "" {
		return s.name
	}
	return nameOf(nil, uint64(c), "dm_op")
}

// BodySize returns how many bytes of the union the operation uses, zero for a
// number that this package does not know.
func (c DMOpCode) BodySize() int { return c.spec().size }

func (c DMOpCode) spec() dmOpSpec {
	if uint64(c) < uint64(len(dmOpSpecs)) {
		return dmOpSpecs[c]
	}
	return dmOpSpec{}
}

// DMOp is struct xen_dm_op as it stood in buffer 0. The union stays raw, so
// unknown operations keep their bytes; DecodeBody and the Body types interpret
// it. DMOps are comparable.
type DMOp struct {
	Op   DMOpCode
	Pad  uint32
	Body [DMOpBodySize]byte
}

// DecodeDMOp decodes buffer 0. Xen takes a buffer as short as the operation
// needs (8 + BodySize); bytes that are absent decode as zero.
func DecodeDMOp(b []byte) (DMOp, error) {
	if err := checkSize("xen_dm_op", b, DMOpHeaderSize); err != nil {
		return DMOp{}, err
	}
	op := DMOp{Op: DMOpCode(le.Uint32(b)), Pad: le.Uint32(b[4:])}
	if err := checkSize(op.Op.String(), b, DMOpHeaderSize+op.Op.BodySize()); err != nil {
		return DMOp{}, err
	}
	copy(op.Body[:], b[DMOpHeaderSize:])
	return op, nil
}

// Append appends the structure's 32 bytes to b.
func (op DMOp) Append(b []byte) []byte {
	b = le.AppendUint32(b, uint32(op.Op))
	b = le.AppendUint32(b, op.Pad)
	return append(b, op.Body[:]...)
}

// Words returns the union as three little-endian words, the form in which
// traces store it; DMOpFromWords is its inverse.
func (op DMOp) Words() (w [3]uint64) {
	for i := range w {
		w[i] = le.Uint64(op.Body[8*i:])
	}
	return w
}

// DMOpFromWords builds a DMOp from its code, padding and union.
func DMOpFromWords(c DMOpCode, pad uint32, w [3]uint64) DMOp {
	op := DMOp{Op: c, Pad: pad}
	for i, x := range w {
		le.PutUint64(op.Body[8*i:], x)
	}
	return op
}
