package gen

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// callNS is how long a call of privcmd or evtchn takes, betweenNS what a thread
// does before it makes the next one.
const (
	callNS    = 12_000
	betweenNS = 3_000
)

// noDomain is what a domctl's structure names while there is no domain.
const noDomain xen.DomID = 0xffff

// ioctl is an ioctl of privcmd or evtchn with what it returns.
func (s *stream) ioctl(dom xen.DomID, by format.Caller, cmd xen.Ioctl, arg uint64, ret int64) {
	s.wait(betweenNS)
	s.add(format.IoctlEnter{Dom: dom, Caller: by, Cmd: cmd, Arg: arg}.Event(0))
	s.wait(callNS)
	s.add(format.IoctlReturn{Dom: dom, Ret: ret}.Event(0))
}

// domctl is a domctl that succeeds and hands nothing back.
func (s *stream) domctl(dom xen.DomID, by format.Caller, cmd uint64) {
	w := [4]uint64{s.host.machine.controlABI<<32 | cmd, uint64(dom)}
	s.hypercall(dom, by, xen.HyperDomctl, cmd, w, w, 0)
}

// createDomain is the domctl by which Xen makes a domain and says its number.
func (s *stream) createDomain(by format.Caller) xen.DomID {
	id := s.host.domid()
	cmd := s.host.machine.controlABI<<32 | xen.DomctlCreate
	s.hypercall(noDomain, by, xen.HyperDomctl, xen.DomctlCreate,
		[4]uint64{cmd, uint64(noDomain)}, [4]uint64{cmd, uint64(id)}, 0)
	return id
}

func (s *stream) hypercall(dom xen.DomID, by format.Caller, nr xen.Hypercall, sub uint64, in, out [4]uint64, ret int64) {
	s.wait(betweenNS)
	s.add(format.HypercallEnter{Dom: dom, Caller: by, Nr: nr, Sub: sub, Known: true, Words: in}.Event(0))
	s.wait(callNS)
	s.add(format.HypercallReturn{Dom: dom, Ret: ret, Known: true, Words: out}.Event(0))
}

// populate gives a domain memory: nr extents of 1 << order frames.
func (s *stream) populate(dom xen.DomID, by format.Caller, nr, order uint64) {
	w := [4]uint64{0, nr, order, uint64(dom)}
	s.hypercall(dom, by, xen.HyperMemoryOp, uint64(xen.MemPopulatePhysmap), w, w, int64(nr))
}

// dmOp is a dm_op of m with the result that the model gives it.
func (m *emulator) dmOp(s *stream, b xen.Body) engine.Effect { return m.dmOpOut(s, b, b, 0) }

// dmOpOut is a dm_op after which the caller's structure holds out, but for what
// the model knows better, and which has a second buffer of size1 bytes unless
// that is zero.
func (m *emulator) dmOpOut(s *stream, b, out xen.Body, size1 uint64) engine.Effect {
	op := xen.NewDMOp(b)
	bufs := uint32(1)
	if size1 > 0 {
		bufs = 2
	}
	eff := m.dom.apply(engine.Op{
		Kind: engine.OpDM, Caller: xen.Dom0, NrBufs: bufs, Size0: xen.DMOpSize, DM: op,
	})
	id := m.dom.id
	s.wait(betweenNS)
	s.add(format.DMOpEnter{Dom: id, Caller: m.by, NrBufs: bufs, Known: true, Size0: xen.DMOpSize, Op: op}.Event(0))
	if size1 > 0 {
		s.add(format.DMOpBuf{Dom: id, Buf: 1, Size: size1}.Event(0))
	}
	s.wait(callNS)
	ret := format.DMOpReturn{Dom: id, Ret: -int64(eff.Ret.Errno), Known: true, Words: op.Words()}
	if eff.Ret.Errno == xen.OK {
		ret.Words = xen.NewDMOp(out).Words()
		for i, mask := range eff.Out.Mask {
			ret.Words[i] = ret.Words[i]&^mask | eff.Out.Words[i]&mask
		}
	}
	s.add(ret.Event(0))
	return eff
}

// enable is set_ioreq_server_state.
func (m *emulator) enable(s *stream, on uint8) {
	s.after(m.free)
	m.dmOp(s, xen.SetIOReqServerState{ID: m.id, Enabled: on})
	m.free = s.now
}

func (m *emulator) mapRange(s *stream, r xen.Range) { m.dmOp(s, xen.MapIORange{ID: m.id, Range: r}) }

// mapPages is the mapping of a server's two pages.
func (m *emulator) mapPages(s *stream) {
	a := xen.AcquireResource{Dom: m.dom.id, Type: xen.ResourceIOReqServer, ID: uint32(m.id), NrFrames: 2}
	eff := m.dom.apply(engine.Op{Kind: engine.OpAcquire, Caller: xen.Dom0, Acquire: a})
	s.wait(betweenNS)
	s.add(format.MmapResourceEnter{
		Dom: m.dom.id, Caller: m.by, Type: a.Type, ResID: a.ID, Frame: uint32(a.Frame), Num: uint64(a.NrFrames),
	}.Event(0))
	s.wait(callNS)
	s.add(format.IoctlReturn{Dom: m.dom.id, Ret: -int64(eff.Ret.Errno)}.Event(0))
}
