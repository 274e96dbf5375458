package replay

import (
	"encoding/binary"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// callKind says what replay does with a call.
type callKind uint8

const (
	callOther    callKind = iota // nothing: outside the model's subject
	callModel                    // its op goes to the model
	callOpaque                   // it may change the domain, but what it asks was not captured
	callForget                   // it changes state of the domain in a way that the model does not follow
	callNoSys                    // a legacy hvm_op on a release that refuses it
	callCreate                   // domctl createdomain
	callDestroy                  // domctl destroydomain
	callRestrict                 // the caller ties a privcmd descriptor to one domain
)

// hvmOpsUntil is the first release that refuses the legacy device-model ops.
var hvmOpsUntil = engine.Release{Major: 4, Minor: 9}

// A call has entered and not returned. Pasts hold thousands, which no cache does, so
// what its entry tells and is seldom asked for is taken from there each time.
type call struct {
	id, seq uint64
	life    *domain // at entry, nil if the domain was not known
	dom     xen.DomID
	returns format.Kind // of its return event
	kind    callKind
	asks    engine.OpKind // of a callModel
	forget  engine.Forget // of a callForget
	stale   bool          // calls were lost while it was in flight: its return may be among them
	old     bool          // it entered before the last key-frame
	past    bool          // it is in its domain's past
	left    bool          // it has returned
	caller  format.Caller
	hvm     xen.HVMOpCode  // of a legacy hvm_op
	nrBufs  uint32         // of a dm_op
	size0   uint64         // bytes of a dm_op's buffer 0
	dm      xen.DMOp       // of a dm_op or a legacy hvm_op
	effect  *engine.Effect // of the model that has executed it already, else nil
	rec     recorded       // what was recorded of it, once it has returned
	event   format.Event   // its entry
	bufs    []format.Event
}

func (c *call) judged() bool { return c.kind == callModel }

// does says whether the call is that operation on device models.
func (c *call) does(op xen.DMOpCode) bool { return c.asks.DeviceModels() && c.dm.Op == op }

// ask makes op what the call asks of the model.
func (c *call) ask(op *engine.Op) {
	op.Kind, op.Caller, op.DM, op.HVM, op.NrBufs, op.Size0 = c.asks, xen.Dom0, c.dm, c.hvm, c.nrBufs, c.size0
	if c.asks == engine.OpAcquire {
		op.Acquire = acquired(&c.event)
	}
}

// enter takes the entry of a call.
func (s *session) enter(ev *format.Event) {
	c := s.newCall()
	s.decode(c, ev)
	if s.calls.at(c.id) != nil {
		s.report.Unreturned++
	} else if len(s.calls) == maxOpen {
		s.dropCalls()
	}
	s.calls.put(c)
	d := s.domains.at(c.dom)
	if c.life = d; d == nil {
		return
	}
	if c.kind == callDestroy {
		d.dying = true
	}
	if id, ok := c.destroys(); ok {
		d.doom(id)
	}
}

// newCall returns an empty call, one that is not needed any more if there is one.
func (s *session) newCall() *call {
	last := len(s.spare) - 1
	if last < 0 {
		return &call{}
	}
	c := s.spare[last]
	s.spare = s.spare[:last]
	*c = call{bufs: c.bufs[:0]}
	return c
}

// furtherBuf keeps a further buffer of an open call for key-frames.
func (s *session) furtherBuf(ev *format.Event) {
	if c := s.calls.at(ev.DMOpBuf().ID); c != nil && len(c.bufs) < maxBufs {
		c.bufs = append(c.bufs, *ev)
	}
}

// dropCalls gives up the older half of the calls in flight: there are so many
// that most of them cannot be. Whether Xen executed them is unknown.
func (s *session) dropCalls() {
	for _, c := range s.calls.byEntry()[:maxOpen/2] {
		s.abandon(c)
	}
}

// abandon ends a call whose return will not be seen.
func (s *session) abandon(c *call) {
	s.calls.drop(c.id)
	s.report.Unreturned++
	if d := s.domains.at(c.dom); d != nil && c.judged() && c.effect == nil {
		d.forget(engine.ForgetAll)
	}
}

// decode makes c the call that an entry begins.
func (s *session) decode(c *call, ev *format.Event) {
	c.seq, c.dom, c.event = ev.Seq, ev.Dom, *ev
	switch ev.Kind {
	case format.KindDMOpEnter:
		var e format.DMOpEnter
		e.Unpack(ev)
		c.dmOp(&e)
	case format.KindHypercallEnter:
		s.hypercall(c, ev.HypercallEnter())
	case format.KindMmapResourceEnter:
		c.resource(ev.MmapResourceEnter())
	default:
		c.ioctl(ev.IoctlEnter())
	}
}

func (c *call) ioctl(e format.IoctlEnter) {
	c.id, c.caller, c.returns = e.ID, e.Caller, format.KindIoctlReturn
	if e.Cmd == xen.PrivcmdRestrict {
		c.kind = callRestrict
	}
}

// dmOp: without buffers the kernel answers by itself, as libraries that probe
// for the ioctl expect.
func (c *call) dmOp(e *format.DMOpEnter) {
	c.id, c.caller, c.returns = e.ID, e.Caller, format.KindDMOpReturn
	switch {
	case e.NrBufs == 0:
	case !e.Known:
		c.kind = callOpaque
	default:
		c.kind, c.asks, c.dm, c.nrBufs, c.size0 = callModel, engine.OpDM, e.Op, e.NrBufs, e.Size0
	}
}

func (s *session) hypercall(c *call, e format.HypercallEnter) {
	c.id, c.caller, c.returns = e.ID, e.Caller, format.KindHypercallReturn
	switch e.Nr {
	case xen.HyperDomctl:
		c.kind, c.forget = domctl(e.Sub)
	case xen.HyperDMOp:
		c.kind = callOpaque
	case xen.HyperHVMOp:
		s.legacy(c, e)
	case xen.HyperMemoryOp:
		c.acquire(e)
		if m, _ := xen.SplitMemoryOp(e.Sub); changesPages(m) {
			c.kind, c.forget = callForget, engine.ForgetPages
		}
	}
}

func domctl(sub uint64) (callKind, engine.Forget) {
	switch sub {
	case xen.DomctlCreate:
		return callCreate, 0
	case xen.DomctlDestroy:
		return callDestroy, 0
	case xen.DomctlShadowOp:
		return callForget, engine.ForgetPages
	case xen.DomctlSoftReset:
		return callForget, engine.ForgetAll
	}
	return callOther, 0
}

// changesPages: the frames are in arrays that are not captured.
func changesPages(m xen.MemoryOp) bool {
	switch m {
	case xen.MemDecreaseReservation, xen.MemPopulatePhysmap, xen.MemAddToPhysmap,
		xen.MemRemoveFromPhysmap, xen.MemAddToPhysmapBatch:
		return true
	}
	return false
}

// legacy decodes an hvm_op. Xen carries a continuation's progress in Sub; no
// caller passes one, so such a call is not judged.
func (s *session) legacy(c *call, e format.HypercallEnter) {
	code, done := xen.SplitHVMOp(e.Sub)
	d, ok := hvmDMOp(code, e.Words)
	c.hvm = code
	switch {
	case !ok || done != 0:
	case !s.profile.Release.Before(hvmOpsUntil):
		c.kind, c.dm = callNoSys, d
	case !e.Known:
		c.kind = callOpaque
	default:
		c.kind, c.asks, c.dm = callModel, engine.OpHVM, d
	}
}

func hvmDMOp(code xen.HVMOpCode, w [4]uint64) (xen.DMOp, bool) {
	op, err := xen.DecodeHVMOp(code, bytesOf(w))
	if err != nil {
		return xen.DMOp{}, false
	}
	return op.DMOp()
}

func (c *call) acquire(e format.HypercallEnter) {
	if m, done := xen.SplitMemoryOp(e.Sub); m != xen.MemAcquireResource || done != 0 {
		return
	}
	if !e.Known {
		c.kind = callOpaque
		return
	}
	if r, err := xen.DecodeAcquireResource(bytesOf(e.Words)); err == nil && r.Type == xen.ResourceIOReqServer {
		c.kind, c.asks = callModel, engine.OpAcquire
	}
}

// resource: the driver passes the request on as one acquire_resource.
func (c *call) resource(e format.MmapResourceEnter) {
	c.id, c.caller, c.returns = e.ID, e.Caller, format.KindIoctlReturn
	if e.Type == xen.ResourceIOReqServer && e.Num <= 1<<32-1 {
		c.kind, c.asks = callModel, engine.OpAcquire
	}
}

// acquired returns what a call asks for that begins with this entry and asks the
// model for a resource.
func acquired(entry *format.Event) xen.AcquireResource {
	if entry.Kind == format.KindMmapResourceEnter {
		e := entry.MmapResourceEnter()
		return xen.AcquireResource{Dom: e.Dom, Type: e.Type, ID: e.ResID, NrFrames: uint32(e.Num), Frame: uint64(e.Frame)}
	}
	r, _ := xen.DecodeAcquireResource(bytesOf(entry.HypercallEnter().Words)) // as it was decoded before
	return r
}

func bytesOf(w [4]uint64) []byte {
	b := make([]byte, 0, 8*len(w))
	for _, x := range w {
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return b
}

// destroys returns the server that the call destroys if it succeeds.
func (c *call) destroys() (xen.ServerID, bool) {
	if c.does(xen.OpDestroyIOReqServer) {
		b, ok := c.dm.DecodeBody().(xen.DestroyIOReqServer)
		return b.ID, ok
	}
	return 0, false
}
