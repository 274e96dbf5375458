package record

import "github.com/iotrace-xen/iotrace/xen"

// hyperKey names a hypercall and its sub-operation.
type hyperKey struct {
	nr  xen.Hypercall
	sub uint64
}

// layout says what a trace may keep of a hypercall's structure: its size, which
// of its words are the caller's pointers, and where the domain is.
type layout struct {
	size     int
	pointers [4]bool
	dom      int // offset of the u16, -1 if there is none
}

const noDom = -1

var memoryLayouts = map[xen.MemoryOp]layout{
	0:                          {32, [4]bool{true}, 24}, // increase_reservation
	xen.MemDecreaseReservation: {32, [4]bool{true}, 24},
	xen.MemPopulatePhysmap:     {32, [4]bool{true}, 24},
	xen.MemAddToPhysmap:        {24, [4]bool{}, 0},
	xen.MemMaximumGPFN:         {2, [4]bool{}, 0},
	xen.MemRemoveFromPhysmap:   {16, [4]bool{}, 0},
	xen.MemAddToPhysmapBatch:   {32, [4]bool{1: true, 2: true, 3: true}, 0},
	xen.MemAcquireResource:     {32, [4]bool{3: true}, 0},
}

var eventLayouts = map[xen.EventOp]layout{
	xen.EventBindInterdomain: {xen.EventBindSize, [4]bool{}, 0},
	xen.EventBindVIRQ:        {12, [4]bool{}, noDom},
	xen.EventClose:           {4, [4]bool{}, noDom},
	xen.EventSend:            {4, [4]bool{}, noDom},
	xen.EventStatus:          {xen.EventStatusSize, [4]bool{}, 0},
	xen.EventAllocUnbound:    {8, [4]bool{}, 0},
	8:                        {8, [4]bool{}, noDom}, // bind_vcpu
	xen.EventUnmask:          {4, [4]bool{}, noDom},
	xen.EventReset:           {2, [4]bool{}, 0},
}

// domctlLayout is the head that all domctls share: command, interface version
// and domain. The payload behind it is never taken.
var domctlLayout = layout{10, [4]bool{}, 8}

// layoutOf returns the layout of the structure of k. ok is false for one that
// this package does not know, of which nothing may be kept.
func layoutOf(k hyperKey) (l layout, ok bool) {
	switch k.nr {
	case xen.HyperMemoryOp:
		op, _ := xen.SplitMemoryOp(k.sub)
		l, ok = memoryLayouts[op]
	case xen.HyperEventChannel:
		l, ok = eventLayouts[xen.EventOp(k.sub)]
	case xen.HyperHVMOp:
		op, _ := xen.SplitHVMOp(k.sub)
		l, ok = layout{size: op.Size()}, op.Size() > 0
		l.pointers[2] = op == xen.HVMTrackDirtyVRAM
	case xen.HyperDomctl:
		l, ok = domctlLayout, true
	}
	return l, ok
}

// subOf returns the sub-operation. For most hypercalls argument 0 is a pointer,
// which no trace keeps.
func subOf(nr xen.Hypercall, r rawHyperRec) uint64 {
	const vcpuOp, xsmOp, nmiOp, kexecOp, argoOp = 24, 27, 28, 37, 39
	switch nr {
	case xen.HyperMemoryOp, xen.HyperXenVersion, xen.HyperGrantTableOp, xen.HyperSchedOp, xen.HyperEventChannel,
		xen.HyperPhysdevOp, xen.HyperHVMOp, vcpuOp, nmiOp, kexecOp, argoOp:
		return r.Arg0
	case xen.HyperDomctl, xen.HyperSysctl:
		if len(r.Data) >= 4 {
			return uint64(le.Uint32(r.Data))
		}
	case xen.HyperMulticall:
		return uint64(r.Calls)
	}
	return 0
}

// captured is what a trace keeps of a structure.
type captured struct {
	dom   xen.DomID
	known bool
	words [4]uint64
}

// structOf cuts a structure's captured bytes to what a trace keeps of them.
func structOf(k hyperKey, b []byte) captured {
	c := captured{dom: xen.DomInvalid}
	l, ok := layoutOf(k)
	if !ok || len(b) < l.size {
		return c
	}
	var buf [32]byte
	copy(buf[:], b[:l.size])
	for i := range c.words {
		if !l.pointers[i] {
			c.words[i] = le.Uint64(buf[8*i:])
		}
	}
	if l.dom != noDom {
		c.dom = xen.DomID(le.Uint16(buf[l.dom:]))
	}
	c.known = true
	return c
}
