package diff

import (
	"github.com/iotrace-xen/iotrace/lab/guest"
	"github.com/iotrace-xen/iotrace/xen"
)

// Verb is what a step does: an index into the table of verbs.
type Verb uint8

// The verbs. Calls are made in dom0, by the device models; instructions are
// performed by the guest.
const (
	Create Verb = iota // dm_ops
	Info
	Map
	Unmap
	State
	Destroy
	Claim // map_mem_type_to_ioreq_server: a claim or, without flags, a release
	SetType
	Track    // track_dirty_vram
	Modified // modified_memory, of one extent
	Other    // any dm_op by its number and words
	Acquire  // acquire_resource, by privcmd's ioctl
	GetType  // hvm_op get_mem_type
	LogDirty // domctl shadow_op, as a migration makes it
	Decrease // decrease_reservation: ballooning out
	Populate // populate_physmap: ballooning in, or populating on demand
	Remove   // remove_from_physmap
	FillPoD  // set_pod_target: pages for what is populated on demand
	Close    // device model Closes ends, and is started anew
	Drain    // take what is in the rings
	Memory   // look at the pages of the pool
	Entries  // count the p2m entries that Xen has set since the last such step
	Resume   // answer the request that an instruction with hold was left with, or leave its slot in another state
	In       // instructions
	Out
	Ins
	Outs
	Read
	Write
	Movs
	Stos
	Add
	Xadd
	Xchg
	CmpXchg
	CmpXchg8B // and CMPXCHG16B
	numVerbs
)

// String returns the verb's name in a script.
func (v Verb) String() string {
	if v < numVerbs {
		return verbs[v].name
	}
	return "?"
}

// Guest says whether the guest performs the verb.
func (v Verb) Guest() bool { return v >= In && v < numVerbs }

// flies says whether the verb goes on with an instruction.
func (v Verb) flies() bool { return v.Guest() || v == Resume }

// DMOp says whether the verb is a dm_op.
func (v Verb) DMOp() bool { return v <= Other }

// DeviceModels is how many device models there are: each has devices, channels and
// mappings of its own. Closes is the one that Close ends; the other has the doorbell.
const (
	DeviceModels = 2
	Closes       = 1
)

// maxArgs is how many arguments a verb has at the most.
const maxArgs = 9

// arg is one argument of a verb. Those of dm_ops say where in the union they are.
type arg struct {
	name      string
	def       uint64 // a script leaves it out where it has this value
	off, size int
	min, max  uint64 // of those that are no part of a union; a max of 0 is no limit
	power     bool   // of two
}

// allows says whether the argument can have a value.
func (a arg) allows(v uint64) bool {
	switch {
	case a.size > 0:
		return v <= 1<<(8*a.size-1)<<1-1
	case a.power && (v == 0 || v&(v-1) != 0):
		return false
	}
	return v >= a.min && (a.max == 0 || v <= a.max)
}

// verb is a row of the table that the text form, the union of a dm_op and the
// arguments' order are read from.
type verb struct {
	name string
	op   xen.DMOpCode
	args []arg
}

// in makes an argument that lies in a dm_op's union.
func in(name string, def uint64, off, size int) arg {
	return arg{name: name, def: def, off: off, size: size}
}

// Every dm_op also takes how it is made, and by which device model. Linux answers
// calls without a buffer itself.
var (
	argBufs = arg{name: "bufs", def: 1, max: 3}
	argTwo  = arg{name: "bufs", def: 2, max: 3}
	argSize = arg{name: "size", def: xen.DMOpSize, max: xen.DMOpSize} // of buffer 0
	argDM   = arg{name: "dm", max: DeviceModels - 1}
	argOwn  = arg{name: "own", max: 1} // made on dom0, the caller's own domain
)

// Arguments of instructions. The size is one operand's, or one element's.
var (
	argPort  = arg{name: "port", max: 0xffff}
	argGPA   = arg{name: "gpa"}
	argPort4 = arg{name: "size", def: 4, max: 4, power: true}
	argWidth = arg{name: "size", def: 4, max: 8, power: true}
	argMove  = arg{name: "size", def: 4, max: sizeXMM, power: true}
	argPair  = arg{name: "size", def: 8, min: 8, max: 16, power: true}
	argData  = arg{name: "data"}
	argHigh  = arg{name: "high"}                     // bits 127:64 of data
	argCount = arg{name: "count", def: 1, max: 2048} // with a REP prefix, unless rep is 0
	argRep   = arg{name: "rep", def: 1, max: 1}      // the prefix
	argDF    = arg{name: "df", max: 1}               // downwards
	argLock  = arg{name: "lock", max: 1}             // the prefix
	argOld   = arg{name: "old"}                      // what is compared
	argOld2  = arg{name: "oldhigh"}                  // bits 127:64 of that
	argVCPU  = arg{name: "vcpu", max: guest.MaxVCPUs - 1}
	argHold  = arg{name: "hold", max: 1}                                    // its first request is not answered before Resume
	argState = arg{name: "state", def: uint64(xen.StateRespReady), max: 15} // in which Resume leaves its slot
)

var verbs = [numVerbs]verb{
	Create:  {"create", xen.OpCreateIOReqServer, []arg{in("mode", 0, 0, 1), in("pad", 0, 1, 1), argBufs, argSize, argDM}},
	Info:    {"info", xen.OpGetIOReqServerInfo, []arg{in("id", 0, 0, 2), in("flags", 1, 2, 2), in("port", 0, 4, 4), argBufs, argSize, argDM}},
	Map:     {"map", xen.OpMapIORange, rangeArgs},
	Unmap:   {"unmap", xen.OpUnmapIORange, rangeArgs},
	State:   {"state", xen.OpSetIOReqServerState, []arg{in("id", 0, 0, 2), in("enabled", 0, 2, 1), in("pad", 0, 3, 1), argBufs, argSize, argDM}},
	Destroy: {"destroy", xen.OpDestroyIOReqServer, []arg{in("id", 0, 0, 2), in("pad", 0, 2, 2), argBufs, argSize, argDM}},
	Claim: {"claim", xen.OpMapMemType, []arg{in("id", 0, 0, 2), in("type", 4, 2, 2), in("flags", uint64(xen.AccessWrite), 4, 4),
		in("opaque", 0, 8, 8), argBufs, argSize, argDM}},
	SetType:  {"settype", xen.OpSetMemType, []arg{in("first", 0, 8, 8), in("nr", 1, 0, 4), in("type", 0, 4, 2), in("pad", 0, 6, 2), argBufs, argSize, argDM}},
	Track:    {"track", xen.OpTrackDirtyVRAM, []arg{in("first", 0, 8, 8), in("nr", 0, 0, 4), in("pad", 0, 4, 4), argTwo, argSize, argDM}},
	Modified: {"modified", xen.OpModifiedMemory, []arg{in("extents", 1, 0, 4), in("opaque", 0, 4, 4), {name: "first"}, {name: "nr", def: 1, max: 0xffffffff}, argTwo, argSize, argDM}},
	Other:    {"dmop", 0, []arg{{name: "op", max: 0xffffffff}, {name: "oppad", max: 0xffffffff}, in("w0", 0, 0, 8), in("w1", 0, 8, 8), in("w2", 0, 16, 8), argBufs, argSize, argDM, argOwn}},
	Acquire:  {"acquire", 0, []arg{{name: "id", max: 0xffff}, {name: "frame", max: 0xffffffff}, {name: "nr", def: 1, max: 64}, argDM}},
	GetType:  {"gettype", 0, []arg{argGFN}},
	LogDirty: {"logdirty", 0, []arg{{name: "op", max: 12}}},
	Decrease: {"decrease", 0, extentArgs},
	Populate: {"populate", 0, append(extentArgs[:len(extentArgs):len(extentArgs)], arg{name: "pod", max: 1})},
	Remove:   {"remove", 0, []arg{argGFN}},
	FillPoD:  {"fillpod", 0, []arg{{name: "nr", max: PoolPages}}},
	Close:    {"close", 0, nil},
	Drain:    {"drain", 0, nil},
	Memory:   {"memory", 0, nil},
	Entries:  {"entries", 0, nil},
	Resume:   {"resume", 0, []arg{argVCPU, argState}},

	In:      {"in", 0, []arg{argPort, argPort4, argVCPU, argHold}},
	Out:     {"out", 0, []arg{argPort, argPort4, argData, argVCPU, argHold}},
	Ins:     {"ins", 0, []arg{argPort, argGPA, argPort4, argCount, argRep, argDF, argVCPU, argHold}},
	Outs:    {"outs", 0, []arg{argPort, argGPA, argPort4, argCount, argRep, argDF, argVCPU, argHold}},
	Read:    {"read", 0, []arg{argGPA, argMove, argVCPU, argHold}},
	Write:   {"write", 0, []arg{argGPA, argMove, argData, argHigh, argVCPU, argHold}},
	Movs:    {"movs", 0, []arg{{name: "from"}, {name: "to"}, argWidth, argCount, argRep, argDF, argVCPU, argHold}},
	Stos:    {"stos", 0, []arg{argGPA, argWidth, argData, argCount, argRep, argDF, argVCPU, argHold}},
	Add:     {"add", 0, []arg{argGPA, argWidth, argData, argLock, argVCPU, argHold}},
	Xadd:    {"xadd", 0, []arg{argGPA, argWidth, argData, argLock, argVCPU, argHold}},
	Xchg:    {"xchg", 0, []arg{argGPA, argWidth, argData, argVCPU, argHold}},
	CmpXchg: {"cmpxchg", 0, []arg{argGPA, argWidth, argData, argOld, argLock, argVCPU, argHold}},

	CmpXchg8B: {"cmpxchg8b", 0, []arg{argGPA, argPair, argData, argHigh, argOld, argOld2, argLock, argVCPU, argHold}},
}

// Arguments of calls that balloon.
var (
	argGFN     = arg{name: "gfn"}
	extentArgs = []arg{argGFN, {name: "nr", def: 1, max: PoolPages}, {name: "order", max: 9}}
)

var rangeArgs = []arg{in("id", 0, 0, 2), in("pad", 0, 2, 2), in("space", 0, 4, 4), in("first", 0, 8, 8), in("last", 0, 16, 8), argBufs, argSize, argDM}
