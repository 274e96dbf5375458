package xen

// MemoryOp is the number of a memory_op sub-operation (XENMEM_*). Xen carries
// a continuation's progress in the bits above MemoryOpBits.
type MemoryOp uint32

// MemoryOpBits is how many low bits of the argument are the sub-operation.
const MemoryOpBits = 6

// The sub-operations that change or map a domain's memory for a device model.
const (
	MemDecreaseReservation MemoryOp = 1
	MemPopulatePhysmap     MemoryOp = 6
	MemAddToPhysmap        MemoryOp = 7
	MemMaximumGPFN         MemoryOp = 14
	MemRemoveFromPhysmap   MemoryOp = 15
	MemAddToPhysmapBatch   MemoryOp = 23
	MemAcquireResource     MemoryOp = 28
)

const memoryOpSubMask uint64 = 1<<MemoryOpBits - 1

var memoryOpNames = []string{
	1: "decrease_reservation", 6: "populate_physmap", 7: "add_to_physmap", 14: "maximum_gpfn",
	15: "remove_from_physmap", 23: "add_to_physmap_batch", 28: "acquire_resource",
}

// String returns the name in Xen's header in lower case, or memory_opN.
func (m MemoryOp) String() string { return nameOf(memoryOpNames, uint64(m), "memory_op") }

// SplitMemoryOp splits the op argument of a memory_op hypercall into the
// sub-operation and the extents that earlier runs of a continuation have done.
func SplitMemoryOp(arg uint64) (m MemoryOp, done uint64) {
	return MemoryOp(arg & memoryOpSubMask), arg >> MemoryOpBits
}

// ResourceType says what XENMEM_acquire_resource maps.
type ResourceType uint32

// The resource types of public/memory.h.
const (
	ResourceIOReqServer ResourceType = 0
	ResourceGrantTable  ResourceType = 1
	ResourceVMTrace     ResourceType = 2
)

var resourceNames = []string{"ioreq_server", "grant_table", "vmtrace"}

// String returns the name in Xen's header in lower case, or resourceN.
func (r ResourceType) String() string { return nameOf(resourceNames, uint64(r), "resource") }

// The frames of an ioreq server's resource: the buffered page and the synchronous
// one.
const (
	ResourceFrameBuf  uint64 = 0
	ResourceFrameSync uint64 = 1
)

// AcquireResourceSize is sizeof(struct xen_mem_acquire_resource).
const AcquireResourceSize = 32

// AcquireResource is struct xen_mem_acquire_resource (memory_op 28, from 4.11)
// without the caller's pointer to the frame list, which no trace stores.
type AcquireResource struct {
	Dom      DomID
	Type     ResourceType
	ID       uint32
	NrFrames uint32
	Pad      uint32 // 4.11-4.13: flags, bit 0 caller_owned (output)
	Frame    uint64
}

// DecodeAcquireResource decodes the structure's 32 bytes.
func DecodeAcquireResource(b []byte) (AcquireResource, error) {
	if err := checkSize("xen_mem_acquire_resource", b, AcquireResourceSize); err != nil {
		return AcquireResource{}, err
	}
	return AcquireResource{
		Dom: DomID(le.Uint16(b)), Type: ResourceType(le.Uint16(b[2:])), ID: le.Uint32(b[4:]),
		NrFrames: le.Uint32(b[8:]), Pad: le.Uint32(b[12:]), Frame: le.Uint64(b[16:]),
	}, nil
}

// Append appends the structure's 32 bytes to b, with a null frame list.
func (r AcquireResource) Append(b []byte) []byte {
	b = le.AppendUint16(b, uint16(r.Dom))
	b = le.AppendUint16(b, uint16(r.Type))
	b = le.AppendUint32(b, r.ID)
	b = le.AppendUint32(b, r.NrFrames)
	b = le.AppendUint32(b, r.Pad)
	b = le.AppendUint64(b, r.Frame)
	return le.AppendUint64(b, 0)
}
