package xen

// A Body is the union member of one dm_op, decoded. Encode one with NewDMOp.
type Body interface {
	code() DMOpCode
	put(*[DMOpBodySize]byte)
}

// NewDMOp encodes body as a DMOp with zero padding.
func NewDMOp(body Body) DMOp {
	op := DMOp{Op: body.code()}
	body.put(&op.Body)
	return op
}

// BufMode is how a server wants buffered requests (HVM_IOREQSRV_BUFIOREQ_*).
type BufMode uint8

// The modes: none, free-running pointers, or pointers that Xen renormalises
// atomically (from 4.6).
const (
	BufOff    BufMode = 0
	BufLegacy BufMode = 1
	BufAtomic BufMode = 2
)

// Space is the address space of an I/O range.
type Space uint32

// The three range types of dm_op map_io_range_to_ioreq_server.
const (
	SpacePort   Space = 0
	SpaceMemory Space = 1
	SpacePCI    Space = 2
)

var spaceNames = []string{"port", "memory", "pci"}

// String returns port, memory, pci or spaceN.
func (s Space) String() string { return nameOf(spaceNames, uint64(s), "space") }

// Range is a stretch of one address space, both ends included. In SpacePCI the
// ends are SBDFs.
type Range struct {
	Space       Space
	First, Last uint64
}

// CreateIOReqServer is dm_op 1. ID is an output.
type CreateIOReqServer struct {
	HandleBufIOReq BufMode
	Pad            [3]byte
	ID             ServerID
}

// GetIOReqServerInfo is dm_op 2. Xen leaves the Buf fields as they were for a
// server without a ring, and the GFN fields with NoGFNs.
type GetIOReqServerInfo struct {
	ID        ServerID
	Flags     uint16 // bit 0: NoGFNs, from 4.11
	BufPort   Port   // output
	IOReqGFN  GFN    // output
	BufReqGFN GFN    // output
}

// NoGFNs asks GetIOReqServerInfo not to map the pages at gfns.
const NoGFNs uint16 = 1

// MapIORange is dm_op 3.
type MapIORange struct {
	ID    ServerID
	Pad   uint16
	Range Range
}

// UnmapIORange is dm_op 4.
type UnmapIORange MapIORange

// SetIOReqServerState is dm_op 5; any non-zero Enabled enables.
type SetIOReqServerState struct {
	ID      ServerID
	Enabled uint8
	Pad     uint8
}

// DestroyIOReqServer is dm_op 6.
type DestroyIOReqServer struct {
	ID  ServerID
	Pad uint16
}

// TrackDirtyVRAM is dm_op 7; the bitmap is in buffer 1.
type TrackDirtyVRAM struct {
	Nr, Pad uint32
	First   GFN
}

// SetPCIIntxLevel is dm_op 8.
type SetPCIIntxLevel struct {
	Domain                   uint16
	Bus, Device, Intx, Level uint8
}

// SetISAIRQLevel is dm_op 9.
type SetISAIRQLevel struct{ IRQ, Level uint8 }

// SetPCILinkRoute is dm_op 10.
type SetPCILinkRoute struct{ Link, IRQ uint8 }

// ModifiedMemory is dm_op 11; the extents are in buffer 1. Opaque is Xen's
// progress.
type ModifiedMemory struct{ NrExtents, Opaque uint32 }

// SetMemType is dm_op 12. After a preempted call the caller's copy shows the
// last resume point.
type SetMemType struct {
	Nr    uint32
	Type  MemType
	Pad   uint16
	First GFN
}

// InjectEvent is dm_op 13.
type InjectEvent struct {
	VCPU                  uint32
	Vector, Type, InsnLen uint8
	Pad0                  uint8
	ErrorCode, Pad1       uint32
	CR2                   uint64
}

// InjectMSI is dm_op 14.
type InjectMSI struct {
	Data, Pad uint32
	Addr      uint64
}

// MapMemType is dm_op 15: a claim if Flags is AccessWrite, a release if zero.
// A non-zero Opaque makes Xen continue a release's sweep and check nothing.
type MapMemType struct {
	ID     ServerID
	Type   MemType
	Flags  uint32
	Opaque uint64
}

// RemoteShutdown is dm_op 16.
type RemoteShutdown struct{ Reason uint32 }

// RelocateMemory is dm_op 17; Size is in frames.
type RelocateMemory struct {
	Size, Pad uint32
	Src, Dst  GFN
}

// PinMemoryCacheAttr is dm_op 18.
type PinMemoryCacheAttr struct {
	First, Last GFN
	Type, Pad   uint32
}

// SetIRQLevel is dm_op 19, on Arm.
type SetIRQLevel struct {
	IRQ   uint32
	Level uint8
	Pad   [3]byte
}

// NrVCPUs is dm_op 20. VCPUs is an output.
type NrVCPUs struct{ VCPUs uint32 }

func (CreateIOReqServer) code() DMOpCode   { return OpCreateIOReqServer }
func (GetIOReqServerInfo) code() DMOpCode  { return OpGetIOReqServerInfo }
func (MapIORange) code() DMOpCode          { return OpMapIORange }
func (UnmapIORange) code() DMOpCode        { return OpUnmapIORange }
func (SetIOReqServerState) code() DMOpCode { return OpSetIOReqServerState }
func (DestroyIOReqServer) code() DMOpCode  { return OpDestroyIOReqServer }
func (TrackDirtyVRAM) code() DMOpCode      { return OpTrackDirtyVRAM }
func (SetPCIIntxLevel) code() DMOpCode     { return OpSetPCIIntxLevel }
func (SetISAIRQLevel) code() DMOpCode      { return OpSetISAIRQLevel }
func (SetPCILinkRoute) code() DMOpCode     { return OpSetPCILinkRoute }
func (ModifiedMemory) code() DMOpCode      { return OpModifiedMemory }
func (SetMemType) code() DMOpCode          { return OpSetMemType }
func (InjectEvent) code() DMOpCode         { return OpInjectEvent }
func (InjectMSI) code() DMOpCode           { return OpInjectMSI }
func (MapMemType) code() DMOpCode          { return OpMapMemType }
func (RemoteShutdown) code() DMOpCode      { return OpRemoteShutdown }
func (RelocateMemory) code() DMOpCode      { return OpRelocateMemory }
func (PinMemoryCacheAttr) code() DMOpCode  { return OpPinMemoryCacheAttr }
func (SetIRQLevel) code() DMOpCode         { return OpSetIRQLevel }
func (NrVCPUs) code() DMOpCode             { return OpNrVCPUs }

// DecodeBody decodes op's union. It returns nil for an operation that this
// package does not know: its bytes are still in op.Body.
func (op DMOp) DecodeBody() Body {
	if op.Op >= DMOpCode(len(bodyDecoders)) || bodyDecoders[op.Op] == nil {
		return nil
	}
	return bodyDecoders[op.Op](op.Body[:])
}

// DecodeSetMemType is DecodeBody of a set_mem_type. Device models make it, and
// track_dirty_vram, so often that the allocation of a Body counts.
func (op *DMOp) DecodeSetMemType() SetMemType { return decodeSetMemType(op.Body[:]) }

// DecodeTrackDirtyVRAM is DecodeBody of a track_dirty_vram.
func (op *DMOp) DecodeTrackDirtyVRAM() TrackDirtyVRAM { return decodeTrackDirtyVRAM(op.Body[:]) }
