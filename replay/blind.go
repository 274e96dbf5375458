package replay

import (
	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// callKinds are the kinds that change what the model knows of servers, their pages,
// ranges, claims and page types.
var callKinds = [...]format.Kind{
	format.KindDMOpEnter, format.KindDMOpReturn, format.KindHypercallEnter, format.KindHypercallReturn,
	format.KindMmapResourceEnter, format.KindIoctlReturn,
}

// slotKinds are those that take a slot from state to state.
var slotKinds = [...]format.Kind{
	format.KindIOReq, format.KindIOResp, format.KindIoctlEnter, format.KindIoctlReturn, format.KindEvtchnRead,
}

// blindness returns what a capture that was told to leave things out never tells, or that
// has not seen a driver: at any moment something that nobody recorded may have changed it.
func blindness(h format.Header) (f engine.Forget) {
	c := h.Chosen
	if len(h.Unhooked) > 0 {
		return engine.ForgetAll
	}
	if c == nil {
		return 0
	}
	if len(c.PIDs) > 0 || lacksAny(c, callKinds[:]) {
		return engine.ForgetAll
	}
	if len(c.Servers)+len(c.Ports)+len(c.GFNs) > 0 || lacksAny(c, slotKinds[:]) {
		f |= engine.ForgetSlots | engine.ForgetLatch
	}
	return f
}

func lacksAny(c *format.Choice, kinds []format.Kind) bool {
	for _, k := range kinds {
		if _, every := c.HasKind(k); !every {
			return true
		}
	}
	return false
}

// doubt forgets before each event of a domain what the trace leaves out, if it
// leaves out anything.
func (s *session) doubt(id xen.DomID) {
	all := s.blind == engine.ForgetAll
	s.callsLost = s.callsLost || all
	for _, c := range s.calls {
		c.stale = c.stale || all && c.dom == id
	}
	d := s.domains.at(id)
	switch {
	case d == nil:
	case d.forgotten == s.changes: // the model is as it was left then
		d.unsettle()
	default:
		d.lose(s.blind)
		d.forgotten = s.changes
	}
}
