package engine

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/iotrace-xen/iotrace/xen"
)

var le = binary.LittleEndian

// hvmOf lays a body out as the hvm_op of 4.5 to 4.8 (§1.6), so that the words of
// a page mean the same on every release.
func hvmOf(dom xen.DomID, body xen.Body) (op xen.HVMOp, ok bool) {
	b := op.Body[:]
	le.PutUint16(b, uint16(dom))
	switch v := body.(type) {
	case xen.CreateIOReqServer:
		op.Op, b[2] = xen.HVMCreateIOReqServer, byte(v.HandleBufIOReq)
	case xen.GetIOReqServerInfo:
		op.Op = xen.HVMGetIOReqServerInfo
		le.PutUint16(b[2:], uint16(v.ID))
	case xen.MapIORange:
		op.Op = xen.HVMMapIORange
		putRange(b, v)
	case xen.UnmapIORange:
		op.Op = xen.HVMUnmapIORange
		putRange(b, xen.MapIORange(v))
	case xen.DestroyIOReqServer:
		op.Op = xen.HVMDestroyIOReqServer
		le.PutUint16(b[2:], uint16(v.ID))
	case xen.SetIOReqServerState:
		op.Op, b[4] = xen.HVMSetIOReqServerState, v.Enabled
		le.PutUint16(b[2:], uint16(v.ID))
	case xen.SetMemType:
		op.Op = xen.HVMSetMemType
		le.PutUint16(b[2:], uint16(v.Type))
		le.PutUint32(b[4:], v.Nr)
		le.PutUint64(b[8:], uint64(v.First))
	default:
		return op, false
	}
	return op, true
}

func putRange(b []byte, v xen.MapIORange) {
	le.PutUint16(b[2:], uint16(v.ID))
	le.PutUint32(b[4:], uint32(v.Range.Space))
	le.PutUint64(b[8:], v.Range.First)
	le.PutUint64(b[16:], v.Range.Last)
}

// The words of pages about older releases and about a domain's life.
func init() {
	commands["setparam"] = func(s *script, a *args) string { return s.param(a, true) }
	commands["getparam"] = func(s *script, a *args) string { return s.param(a, false) }
	for i, word := range []string{LifeUnpause: "unpause", LifeShutdown: "shutdown", LifeResume: "resume", LifeTeardown: "teardown"} {
		if word != "" {
			commands[word] = func(s *script, _ *args) string {
				return s.step(Op{Kind: OpLife, Life: LifeEvent(i)}, func(Effect) string { return "ok" })
			}
		}
	}
	commands["hvmop"] = (*script).hvmop
	commands["consume"] = (*script).consume
	commands["ring"] = (*script).ring
	commands["fill"] = (*script).fill
}

func (s *script) param(a *args, set bool) string {
	return s.step(Op{Kind: OpParam, Caller: xen.DomID(a.num("caller", 0)), Param: Param{
		Set: set, Index: uint32(a.num("index", 0)), Value: a.num("value", 0),
	}}, retText)
}

// hvmop steps an hvm_op of any number whose structure holds only the domain.
func (s *script) hvmop(a *args) string {
	op := xen.HVMOp{Op: xen.HVMOpCode(a.num("op", 0))}
	le.PutUint16(op.Body[:], uint16(s.d.cfg.Dom))
	return s.step(hvmCall(xen.DomID(a.num("caller", 0)), op), retText)
}

// consume moves the read pointer of a ring.
func (s *script) consume(a *args) string {
	return s.step(Op{Kind: OpRing, Ring: RingMove{Server: id(a), Read: uint32(a.num("read", 0))}}, func(Effect) string { return "ok" })
}

// ring prints the pointers of a ring.
func (s *script) ring(a *args) string {
	r := s.d.Ring(id(a))
	if !r.Known {
		return "not followed"
	}
	return fmt.Sprintf("read %d write %d", r.Read, r.Write)
}

// fill stores n single bytes into the VGA window.
func (s *script) fill(a *args) string {
	for i := range a.num("n", 0) {
		if got := s.instr(&args{values: map[string]string{"gpa": "0xa0000", "size": "1"}}, InstrStore); !strings.HasSuffix(got, "= retired") {
			return fmt.Sprintf("%d, then %s", i, got)
		}
	}
	return "ok"
}

// hvmCall is the Op of an hvm_op's structure.
func hvmCall(caller xen.DomID, h xen.HVMOp) Op {
	dm, _ := h.DMOp()
	return Op{Kind: OpHVM, Caller: caller, HVM: h.Op, DM: dm}
}

// spoken turns an operation on the server of a place into one that the domain's
// release understands: with the id that the server there has, as an hvm_op where
// there is no dm_op.
func (d *Domain) spoken(op Op) Op {
	switch {
	case op.Kind == OpAnswer && d.counts():
		op.Answer.Server = d.idAt(place(op.Answer.Server))
	case op.Kind == OpDM && d.counts():
		op.DM = xen.NewDMOp(d.renamed(op.DM.DecodeBody()))
	}
	return d.inItsTime(op)
}

// inItsTime makes a dm_op the hvm_op that it is on an older release.
func (d *Domain) inItsTime(op Op) Op {
	if op.Kind == OpDM && !d.cfg.Profile.DMOp {
		if old, ok := hvmOf(1, op.DM.DecodeBody()); ok {
			return hvmCall(op.Caller, old)
		}
	}
	return op
}

// renamed is a body about the id that the server in a place has.
func (d *Domain) renamed(body xen.Body) xen.Body {
	switch b := body.(type) {
	case xen.GetIOReqServerInfo:
		b.ID = d.idAt(place(b.ID))
		return b
	case xen.MapIORange:
		b.ID = d.idAt(place(b.ID))
		return b
	case xen.UnmapIORange:
		b.ID = d.idAt(place(b.ID))
		return b
	case xen.SetIOReqServerState:
		b.ID = d.idAt(place(b.ID))
		return b
	case xen.DestroyIOReqServer:
		b.ID = d.idAt(place(b.ID))
		return b
	case xen.MapMemType:
		b.ID = d.idAt(place(b.ID))
		return b
	}
	return body
}
