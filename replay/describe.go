package replay

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// outcome is a verdict that has not been put into words.
type outcome struct {
	kind  VerdictKind
	tried bool // it is about the session's trial, which tells the rest
	why   string

	on        engine.Forget // what a difference hangs on
	want, got string
}

// words returns what the model wanted and what was recorded.
func (t *trial) words(o *outcome) (want, got string) {
	if !o.tried {
		return o.want, o.got
	}
	switch t.op.Kind {
	case engine.OpAccess:
		return routeText(t.eff.Route), requestText(t.rec.Server, t.rec.Type, t.rec.Addr)
	case engine.OpAnswer:
		return slotText(t.eff.Slot), t.op.Answer.State.String()
	}
	return t.callText()
}

func (t *trial) callText() (want, got string) {
	name := t.op.DM.Op.String()
	if t.op.Kind == engine.OpAcquire {
		name = xen.MemAcquireResource.String()
	}
	want, got = name+": ", name+": "+resultText(t.rec.ret)
	switch {
	case t.eff.XenCrash:
		return want + engine.RouteXenCrash.String(), got
	case !t.eff.Ret.Known:
		return want + "unknown", got
	}
	want += t.eff.Ret.Errno.String()
	if t.eff.Ret.Errno == xen.OK && t.rec.ret == 0 && t.rec.OutKnown && t.op.Kind.DeviceModels() {
		want += outText(t.op.DM.Op, t.eff.Out.Words, t.eff.Out.Mask)
		got += outText(t.op.DM.Op, t.rec.Words, t.eff.Out.Mask)
	}
	return want, got
}

// resultText writes a return value: ok, an error's name, or the number.
func resultText(ret int64) string {
	if e, ok := xen.ErrnoOf(ret); ok && ret <= 0 {
		return e.String()
	}
	return strconv.FormatInt(ret, 10)
}

// outText writes the words of a dm_op's union that the model fills in.
func outText(op xen.DMOpCode, w, mask [3]uint64) string {
	if mask == ([3]uint64{}) {
		return ""
	}
	for i := range w {
		w[i] &= mask[i]
	}
	switch b := xen.DMOpFromWords(op, 0, w).DecodeBody().(type) {
	case xen.CreateIOReqServer:
		return fmt.Sprintf(" id=%d", uint16(b.ID))
	case xen.GetIOReqServerInfo:
		return fmt.Sprintf(" bufioreq_port=%d ioreq_gfn=%#x bufioreq_gfn=%#x", b.BufPort, uint64(b.IOReqGFN), uint64(b.BufReqGFN))
	}
	return fmt.Sprintf(" %#x %#x %#x", w[0], w[1], w[2])
}

func routeText(r engine.Route) string {
	switch {
	case r.Kind == engine.RouteServer:
		return requestText(r.Server, r.Type, r.Addr)
	case r.Kind == engine.RouteBuffered:
		return "ring of " + requestText(r.Server, r.Type, r.Addr)
	}
	return r.Kind.String()
}

func requestText(s xen.ServerID, t xen.IOReqType, addr uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "server %s: %s ", s, t)
	if t == xen.TypePCIConfig {
		sbdf, reg := xen.IOReq{Addr: addr}.PCI()
		fmt.Fprintf(&b, "%s reg %#x", sbdf, reg)
	} else {
		fmt.Fprintf(&b, "%#x", addr)
	}
	return b.String()
}

func slotText(s engine.Slot) string {
	if s.Kind == engine.SlotUnknown {
		return "unknown"
	}
	return "resp_ready"
}

func slotName(k slotKey) string {
	return fmt.Sprintf("slot of server %s, vcpu %d", k.server, uint16(k.vcpu))
}
