package replay

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// What Undetermined verdicts of this file say is missing.
const (
	whyReceiver  = "which server received it is not known (attached late)"
	whyEnabled   = "whether the server was enabled predates the trace"
	whySquashed  = "the driver that made the call told its error as another"
	whyHAP       = "whether the domain has hardware-assisted paging is not recorded"
	whyExhausted = "Xen may run out of memory or event channels; the model does not"
)

// rcLeakUntil is the first release in which map_mem_type_to_ioreq_server
// cannot return a positive number from its sweep.
var rcLeakUntil = engine.Release{Major: 4, Minor: 13}

// subject says whether the model is about a dm_op. Others are judged only as far
// as the model knows their result.
func subject(op xen.DMOpCode) bool {
	switch op {
	case xen.OpCreateIOReqServer, xen.OpGetIOReqServerInfo, xen.OpMapIORange, xen.OpUnmapIORange,
		xen.OpSetIOReqServerState, xen.OpDestroyIOReqServer, xen.OpSetMemType, xen.OpMapMemType:
		return true
	}
	return false
}

func (c *call) modelled() bool { return !c.asks.DeviceModels() || subject(c.dm.Op) }

// judge compares what the model did with what was recorded, and says why.
func judge(p *engine.Profile, t *trial) (VerdictKind, string) {
	switch t.op.Kind {
	case engine.OpAccess:
		return judgeRoute(&t.op, &t.eff.Route, t.rec)
	case engine.OpAnswer:
		return judgeSlot(&t.eff.Slot)
	}
	return judgeResult(p, &t.op, &t.eff, t.rec)
}

func judgeResult(p *engine.Profile, op *engine.Op, eff *engine.Effect, rec *recorded) (VerdictKind, string) {
	want := eff.Ret
	switch {
	case eff.XenCrash:
		return Differ, want.Why
	case !want.Known:
		return Undetermined, want.Why
	}
	if rec.vague && want.Errno != xen.OK {
		return Agree, want.Why
	}
	if rec.ret != -int64(want.Errno) {
		switch {
		case rec.vague:
			return Undetermined, whySquashed
		case want.Or != xen.OK && rec.ret == -int64(want.Or):
			return Undetermined, whyHAP
		case want.Errno == xen.OK && exhausted(op, rec.Errno):
			return Undetermined, whyExhausted
		case want.Errno == xen.OK && rec.ret > 0 && op.Kind.DeviceModels() && op.DM.Op == xen.OpMapMemType && p.Release.Before(rcLeakUntil):
			return Agree, want.Why
		}
		return Differ, want.Why
	}
	if want.Errno == xen.OK && rec.OutKnown && op.Kind.DeviceModels() {
		for i, mask := range eff.Out.Mask {
			if (eff.Out.Words[i]^rec.Words[i])&mask != 0 {
				return Differ, "the outputs differ"
			}
		}
	}
	return Agree, want.Why
}

// exhausted reports whether e can come from a resource that the model has
// without end.
func exhausted(op *engine.Op, e xen.Errno) bool {
	return e == xen.ENoMem ||
		e == xen.ENoSpc && op.Kind.DeviceModels() && op.DM.Op == xen.OpCreateIOReqServer
}

// judgeRoute compares a delivered request with the model's route. A request of
// the buffered path can arrive in the slot as well: Xen falls back to it when
// the ring is full.
func judgeRoute(op *engine.Op, r *engine.Route, rec *recorded) (VerdictKind, string) {
	if rec.Server == xen.NoServer {
		return Undetermined, whyReceiver
	}
	got := r.Accepts(rec.Server)
	same := r.Type == rec.Type && r.Addr == rec.Addr && (r.Kind != engine.RouteServer || !op.Access.Buffered)
	switch {
	case got == engine.Yes && same:
		return Agree, r.Why
	case got == engine.Maybe && r.Kind == engine.RouteBroadcast:
		return Undetermined, whyEnabled
	case got == engine.Maybe:
		return Undetermined, r.Why
	}
	return Differ, r.Why
}

func judgeSlot(s *engine.Slot) (VerdictKind, string) {
	switch s.Kind {
	case engine.SlotLegal:
		return Agree, s.Why
	case engine.SlotDeath:
		return Agree, whyFree
	case engine.SlotIllegal:
		return Differ, s.Why
	}
	return Undetermined, s.Why
}
