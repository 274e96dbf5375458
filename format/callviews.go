package format

import "github.com/iotrace-xen/iotrace/xen"

// DMOpEnter is a dm_op at entry. Op is buffer 0; it is meaningful only if
// Known (the buffer could be read). Size0 is that buffer's length in bytes. One
// that is Implied was not seen: a driver inside dom0's kernel called a function
// that makes it.
type DMOpEnter struct {
	Dom     xen.DomID
	ID      uint64
	Caller  Caller
	NrBufs  uint32
	Known   bool
	Implied bool
	Size0   uint64
	Op      xen.DMOp
}

// Event packs d.
func (d DMOpEnter) Event(t uint64) Event {
	e := blank(KindDMOpEnter, t)
	e.Dom = d.Dom
	w := d.Op.Words()
	e.W[0], e.W[1] = d.ID, d.Caller.word()
	e.W[2], e.W[3] = uint64(d.NrBufs)|flag(d.Known, 32)|flag(d.Implied, 33), d.Size0
	e.W[4] = pair(uint32(d.Op.Op), d.Op.Pad)
	e.W[5], e.W[6], e.W[7] = w[0], w[1], w[2]
	return e
}

// DMOpEnter unpacks a KindDMOpEnter event.
func (e Event) DMOpEnter() (d DMOpEnter) {
	d.Unpack(&e)
	return d
}

// Unpack makes *d what e.DMOpEnter returns, without copies.
func (d *DMOpEnter) Unpack(e *Event) {
	if e.Kind != KindDMOpEnter {
		*d = DMOpEnter{}
		return
	}
	d.Dom, d.ID, d.Caller.PID, d.Caller.TID = e.Dom, e.W[0], uint32(e.W[1]), uint32(e.W[1]>>32)
	d.NrBufs, d.Known, d.Implied, d.Size0 = uint32(e.W[2]), has(e.W[2], 32), has(e.W[2], 33), e.W[3]
	d.Op = xen.DMOpFromWords(xen.DMOpCode(uint32(e.W[4])), uint32(e.W[4]>>32), [3]uint64{e.W[5], e.W[6], e.W[7]})
}

// DMOpBuf is 16 captured bytes of a dm_op's buffer 1 or above.
type DMOpBuf struct {
	Dom    xen.DomID
	ID     uint64 // of the DMOpEnter
	Buf    uint32
	Offset uint32 // bytes
	Size   uint64 // bytes that the whole buffer has
	Words  [2]uint64
}

// Event packs d.
func (d DMOpBuf) Event(t uint64) Event {
	e := blank(KindDMOpBuf, t)
	e.Dom = d.Dom
	e.W[0], e.W[1], e.W[2], e.W[3], e.W[4] = d.ID, pair(d.Buf, d.Offset), d.Size, d.Words[0], d.Words[1]
	return e
}

// DMOpBuf unpacks a KindDMOpBuf event.
func (e Event) DMOpBuf() DMOpBuf {
	if e.Kind != KindDMOpBuf {
		return DMOpBuf{}
	}
	return DMOpBuf{e.Dom, e.W[0], uint32(e.W[1]), uint32(e.W[1] >> 32), e.W[2], [2]uint64{e.W[3], e.W[4]}}
}

// DMOpReturn is a dm_op's result. Ret is what the caller got: negative errors.
// Words is the union as Xen left it, meaningful if Known. Where it is Squashed, a
// driver's function stood between: a Ret of 0 is Xen's, an error tells only that
// there was one.
type DMOpReturn struct {
	Dom      xen.DomID
	ID       uint64
	Ret      int64
	Squashed bool
	Known    bool
	Words    [3]uint64
}

// Event packs d.
func (d DMOpReturn) Event(t uint64) Event {
	e := blank(KindDMOpReturn, t)
	e.Dom = d.Dom
	e.W[0], e.W[1], e.W[2] = d.ID, uint64(d.Ret), flag(d.Known, 0)|flag(d.Squashed, 1)
	copy(e.W[3:], d.Words[:])
	return e
}

// DMOpReturn unpacks a KindDMOpReturn event.
func (e Event) DMOpReturn() DMOpReturn {
	if e.Kind != KindDMOpReturn {
		return DMOpReturn{}
	}
	return DMOpReturn{e.Dom, e.W[0], int64(e.W[1]), has(e.W[2], 1), has(e.W[2], 0), [3]uint64{e.W[3], e.W[4], e.W[5]}}
}

// HypercallEnter is a hypercall other than dm_op. Sub is its sub-operation
// (argument 0, or the structure's command for domctl); Words are the first 32
// bytes of the structure it points to, with pointers zeroed, if Known.
type HypercallEnter struct {
	Dom    xen.DomID // that the call is about, if the structure names one
	ID     uint64
	Caller Caller
	Nr     xen.Hypercall
	Sub    uint64
	Known  bool
	Words  [4]uint64
}

// Event packs h.
func (h HypercallEnter) Event(t uint64) Event {
	e := blank(KindHypercallEnter, t)
	e.Dom = h.Dom
	e.W[0], e.W[1], e.W[2], e.W[3] = h.ID, h.Caller.word(), uint64(uint32(h.Nr))|flag(h.Known, 32), h.Sub
	copy(e.W[4:], h.Words[:])
	return e
}

// HypercallEnter unpacks a KindHypercallEnter event.
func (e Event) HypercallEnter() HypercallEnter {
	if e.Kind != KindHypercallEnter {
		return HypercallEnter{}
	}
	return HypercallEnter{
		Dom: e.Dom, ID: e.W[0], Caller: callerOf(e.W[1]), Nr: xen.Hypercall(uint32(e.W[2])), Sub: e.W[3],
		Known: has(e.W[2], 32), Words: [4]uint64(e.W[4:8]),
	}
}

// HypercallReturn is its result, with the structure as Xen left it.
type HypercallReturn struct {
	Dom   xen.DomID
	ID    uint64
	Ret   int64
	Known bool
	Words [4]uint64
}

// Event packs h.
func (h HypercallReturn) Event(t uint64) Event {
	e := blank(KindHypercallReturn, t)
	e.Dom = h.Dom
	e.W[0], e.W[1], e.W[2] = h.ID, uint64(h.Ret), flag(h.Known, 0)
	copy(e.W[3:], h.Words[:])
	return e
}

// HypercallReturn unpacks a KindHypercallReturn event.
func (e Event) HypercallReturn() HypercallReturn {
	if e.Kind != KindHypercallReturn {
		return HypercallReturn{}
	}
	return HypercallReturn{e.Dom, e.W[0], int64(e.W[1]), has(e.W[2], 0), [4]uint64(e.W[3:7])}
}

// MmapResourceEnter is IOCTL_PRIVCMD_MMAP_RESOURCE without the caller's
// address. Its return is an IoctlReturn with the same ID.
type MmapResourceEnter struct {
	Dom    xen.DomID
	ID     uint64
	Caller Caller
	Type   xen.ResourceType
	ResID  uint32 // for ioreq servers the ServerID
	Frame  uint32
	Num    uint64 // frames
}

// Event packs m.
func (m MmapResourceEnter) Event(t uint64) Event {
	e := blank(KindMmapResourceEnter, t)
	e.Dom = m.Dom
	if m.Type == xen.ResourceIOReqServer && m.ResID < uint32(xen.NoServer) {
		e.Server = xen.ServerID(m.ResID)
	}
	e.W[0], e.W[1], e.W[2] = m.ID, m.Caller.word(), pair(uint32(m.Type), m.ResID)
	e.W[3], e.W[4] = uint64(m.Frame), m.Num
	return e
}

// MmapResourceEnter unpacks a KindMmapResourceEnter event.
func (e Event) MmapResourceEnter() MmapResourceEnter {
	if e.Kind != KindMmapResourceEnter {
		return MmapResourceEnter{}
	}
	return MmapResourceEnter{
		e.Dom, e.W[0], callerOf(e.W[1]), xen.ResourceType(uint32(e.W[2])), uint32(e.W[2] >> 32), uint32(e.W[3]), e.W[4],
	}
}

// IoctlEnter is an ioctl of privcmd or evtchn. Arg is the remote port for
// EvtchnBindInterdomain (whose Dom is the remote domain), the local port for
// unbind and notify, the number of frames for mmap batches, the eventfd for
// PrivcmdIOEventFD and PrivcmdIRQFD, otherwise zero. Words are those of xen.IOEventFD
// and xen.IRQFD, if Known.
type IoctlEnter struct {
	Dom    xen.DomID
	ID     uint64
	Caller Caller
	Cmd    xen.Ioctl
	Arg    uint64
	Known  bool
	Words  [4]uint64
}

// Event packs i.
func (i IoctlEnter) Event(t uint64) Event {
	e := blank(KindIoctlEnter, t)
	e.Dom = i.Dom
	e.W[0], e.W[1], e.W[2], e.W[3] = i.ID, i.Caller.word(), uint64(i.Cmd)|flag(i.Known, 32), i.Arg
	copy(e.W[4:], i.Words[:])
	return e
}

// IoctlEnter unpacks a KindIoctlEnter event.
func (e Event) IoctlEnter() IoctlEnter {
	if e.Kind != KindIoctlEnter {
		return IoctlEnter{}
	}
	return IoctlEnter{e.Dom, e.W[0], callerOf(e.W[1]), xen.Ioctl(e.W[2]), e.W[3], has(e.W[2], 32), [4]uint64(e.W[4:])}
}

// IoctlReturn is the result of an IoctlEnter or a MmapResourceEnter: for
// EvtchnBindInterdomain the local port.
type IoctlReturn struct {
	Dom xen.DomID
	ID  uint64
	Ret int64
}

// Event packs i.
func (i IoctlReturn) Event(t uint64) Event {
	e := blank(KindIoctlReturn, t)
	e.Dom = i.Dom
	e.W[0], e.W[1] = i.ID, uint64(i.Ret)
	return e
}

// IoctlReturn unpacks a KindIoctlReturn event.
func (e Event) IoctlReturn() IoctlReturn {
	if e.Kind != KindIoctlReturn {
		return IoctlReturn{}
	}
	return IoctlReturn{e.Dom, e.W[0], int64(e.W[1])}
}

// PortEvent is what happened to one of dom0's ports: KindEvtchnInterrupt,
// KindEvtchnRead or KindEvtchnUnmask. Dom is the port's remote domain if known.
type PortEvent struct {
	Dom    xen.DomID
	Port   xen.Port
	CPU    uint32 // of an interrupt
	Caller Caller // of a read or unmask
}

// Event packs p as kind k.
func (p PortEvent) Event(k Kind, t uint64) (e Event) {
	p.Pack(&e, k, t)
	return e
}

// Pack makes *e what p.Event returns, without copies.
func (p PortEvent) Pack(e *Event, k Kind, t uint64) {
	*e = Event{Time: t, Dom: p.Dom, Server: xen.NoServer, VCPU: xen.NoVCPU, Kind: k}
	e.W[0] = uint64(p.Port)
	if k == KindEvtchnInterrupt {
		e.Dom = xen.DomInvalid
		e.W[0] |= uint64(p.CPU) << 32
		return
	}
	e.W[1] = p.Caller.word()
}

// PortEvent unpacks the three kinds that PortEvent.Event packs.
func (e Event) PortEvent() PortEvent {
	if e.Kind < KindEvtchnInterrupt || e.Kind > KindEvtchnUnmask {
		return PortEvent{}
	}
	return PortEvent{Dom: e.Dom, Port: xen.Port(uint32(e.W[0])), CPU: uint32(e.W[0] >> 32), Caller: callerOf(e.W[1])}
}
