package engine

import "github.com/iotrace-xen/iotrace/xen"

// OpKind says which of Op's fields count.
type OpKind uint8

// The kinds of operation.
const (
	OpDM      OpKind = iota + 1 // a dm_op hypercall: Caller, NrBufs, Size0, DM
	OpAcquire                   // XENMEM_acquire_resource: Caller, Acquire
	OpAccess                    // a guest access that trapped: Access
	OpAnswer                    // a device model answers a slot: Answer
	OpForget                    // events are missing: whatever Forget names is unknown from here on
	OpHVM                       // an hvm_op hypercall, as of 4.5 to 4.8: Caller, HVM, DM, Done
	OpParam                     // an HVM parameter is set or read: Caller, Param
	OpLife                      // all of the domain: Life
	OpRing                      // a device model moves a ring's read_pointer: Ring
	OpMemory                    // a call of the toolstack or the guest about memory: Memory
	numOps
)

// DeviceModels says whether an Op of this kind is a device model's call, a dm_op
// or the hvm_op that came before it: Op.DM holds it.
func (k OpKind) DeviceModels() bool { return k == OpDM || k == OpHVM }

// An Op is one step of a domain: a plain value, copied freely. What an access
// needs comes first, so that it lies together in memory.
type Op struct {
	Kind   OpKind
	Forget Forget
	Life   LifeEvent
	Caller xen.DomID // domain that makes the call
	NrBufs uint32    // of a dm_op
	Access Access
	Answer Answer
	Size0  uint64 // bytes of a dm_op's buffer 0
	DM     xen.DMOp
	// Preempt is after how many of its checks a call that can be preempted is
	// preempted; 0 is never. The call then ends with Effect.Again. It counts
	// where the layout of the p2m is known.
	Preempt uint32
	// HVM is the number of an hvm_op; DM is the same in the form that came after
	// (xen.HVMOp.DMOp), zero where there is none.
	HVM xen.HVMOpCode
	// Done is how many pages an hvm_op has done that goes on after preemption:
	// what is above the low byte of its number.
	Done    uint64
	Acquire xen.AcquireResource
	Memory  MemoryCall // for modified_memory, First and Nr of it are the extent
	Param   Param
	Ring    RingMove
}

// RingMove is a device model's store to read_pointer, after which it has taken
// the slots up to Read.
type RingMove struct {
	Server xen.ServerID
	Read   uint32
}

// Access is a guest access as Xen's routing meets it: PIO or COPY, before any
// rewriting to PCI form. Where the layout of the p2m is known, a COPY may be any
// access to memory, those that do not trap too; else it is one that trapped.
type Access struct {
	VCPU      xen.VCPU
	Type      xen.IOReqType
	Dir       xen.Dir
	Addr      uint64
	Size      uint32
	Count     uint32
	DF        bool
	Fetch     bool // an instruction fetch, which only a known layout tells from a read
	DataIsPtr bool
	DataKnown bool
	Data      uint64
	Buffered  bool // it was seen in a buffered ring, so Xen took the path of ioreq_send_buffered
}

// Answer is what a device model did with a synchronous slot.
type Answer struct {
	VCPU   xen.VCPU
	Server xen.ServerID
	State  xen.State // as left by the device model
	Data   uint64
}

// Forget is a set of state that became unknown because events were lost.
type Forget uint8

// The parts that can be forgotten.
const (
	ForgetServers Forget = 1 << iota // servers, ranges, enabled flags
	ForgetClaim                      // who holds the mem type
	ForgetPages                      // page types
	ForgetLatch                      // the CF8 latch
	ForgetSlots                      // states of the synchronous slots
	ForgetAll     Forget = ForgetServers | ForgetClaim | ForgetPages | ForgetLatch | ForgetSlots
)
