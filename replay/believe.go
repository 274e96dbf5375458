package replay

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/xen"
)

// A surprise is a request that the model did not expect where it was found.
type surprise struct {
	server xen.ServerID
	typ    xen.IOReqType
	addr   uint64
}

// believes reports whether the model is to learn what was recorded of st. What
// agrees teaches nothing. A request that contradicts the model is not believed
// the first time: if the recording is wrong in this one place, the model is
// right about all that follows; if the model is wrong, the same request comes
// again and is believed then.
func (d *domain) believes(st *step, t *trial, why string) bool {
	switch {
	case st.kind == Agree || t.op.Kind == engine.OpAnswer:
		return false
	case st.call != nil && !st.call.modelled():
		return false // the model keeps nothing of it
	case t.op.Kind == engine.OpAccess && t.rec.Server == xen.NoServer:
		return false // it does not say who received it
	case why == whyEarlier && t.op.Kind == engine.OpAccess:
		return false // it says how things were, not how they are
	case why == whyExhausted, why == whySquashed:
		// Of all that Xen may have said, ENOMEM says nothing about servers.
		t.rec.Errno = xen.ENoMem
	case st.kind == Differ && t.op.Kind == engine.OpAccess:
		key := surprise{t.rec.Server, t.rec.Type, t.rec.Addr}
		if !d.surprises[key] && len(d.surprises) < maxDisputes {
			d.surprises[key] = true
			return false
		}
	}
	return true
}

// takes returns the server from which a call takes requests if it succeeds.
func (c *call) takes() (xen.ServerID, bool) {
	if !c.asks.DeviceModels() {
		return 0, false
	}
	switch c.dm.Op {
	case xen.OpUnmapIORange, xen.OpDestroyIOReqServer, xen.OpSetIOReqServerState, xen.OpMapMemType:
	default:
		return 0, false
	}
	switch b := c.dm.DecodeBody().(type) {
	case xen.UnmapIORange:
		return b.ID, true
	case xen.DestroyIOReqServer:
		return b.ID, true
	case xen.SetIOReqServerState:
		return b.ID, b.Enabled == 0
	case xen.MapMemType:
		return b.ID, b.Flags == 0
	}
	return 0, false
}
