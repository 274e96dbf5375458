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
	kind VerdictKind
	why  string
	op   *engine.Op    // nil where want and got are given
	on   engine.Forget // what a difference without op hangs on
	eff  engine.Effect
	rec  recorded

	want, got string
}

// strings returns what the model wanted and what was recorded.
func (o *outcome) strings() (want, got string) {
	if o.op == nil || o.want != "" || o.got != "" {
		return o.want, o.got
	}
	switch o.op.Kind {
	case engine.OpAccess:
		return routeText(o.eff.Route), requestText(o.rec.Server, o.rec.Type, o.rec.Addr)
	case engine.OpAnswer:
		return slotText(o.eff.Slot), o.op.Answer.State.String()
	}
	return o.callText()
}

func (o *outcome) callText() (want, got string) {
	name := o.op.DM.Op.String()
	if o.op.Kind == engine.OpAcquire {
		name = xen.MemAcquireResource.String()
	}
	want, got = name+": ", name+": "+resultText(o.rec.ret)
	if !o.eff.Ret.Known {
		return want + "unknown", got
	}
	want += o.eff.Ret.Errno.String()
	if o.eff.Ret.Errno == xen.OK && o.rec.ret == 0 && o.rec.OutKnown && o.op.Kind == engine.OpDM {
		want += outText(o.op.DM.Op, o.eff.Out.Words, o.eff.Out.Mask)
		got += outText(o.op.DM.Op, o.rec.Words, o.eff.Out.Mask)
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

var routeNames = [...]string{
	engine.RouteUnknown: "unknown", engine.RouteServer: "server", engine.RouteBuffered: "ring of server",
	engine.RouteNull: "no server", engine.RouteRefault: "no request: the guest faults again",
	engine.RouteRAM: "no request: RAM", engine.RouteDiscard: "no request: dropped", engine.RouteDomainCrash: "crash of the domain",
	engine.RouteXenCrash: "crash of Xen",
	engine.RouteFault:    "no request: #GP in the guest", engine.RouteBroadcast: "enabled servers only",
}

func routeText(r engine.Route) string {
	switch {
	case r.Kind == engine.RouteServer:
		return requestText(r.Server, r.Type, r.Addr)
	case r.Kind == engine.RouteBuffered:
		return "ring of " + requestText(r.Server, r.Type, r.Addr)
	case int(r.Kind) < len(routeNames):
		return routeNames[r.Kind]
	}
	return "route" + strconv.Itoa(int(r.Kind))
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
