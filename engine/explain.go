package engine

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/xen"
)

// A Reason is one thing that Xen looks at on its way to a decision: the function
// that looks, under the name that it has in the domain's release, and what it
// finds.
type Reason struct {
	Function string `json:"function"`
	Found    string `json:"found"`
}

// An Explanation is the path of one operation through Xen, and its end.
type Explanation struct {
	Reasons []Reason
	Effect  Effect
}

// Explain says what Step would do with op, and why, without doing it. The
// reasons are noted by Step's own functions while they decide on a copy of d, so
// Effect is Step's. It fails as Step does.
func (d *Domain) Explain(op Op) (Explanation, error) {
	c := d.Clone()
	c.trail = &trail{newer: !c.cfg.Profile.Release.Before(commonCode)}
	e, err := c.Step(op)
	if err != nil {
		return Explanation{}, err
	}
	x := Explanation{Reasons: c.trail.reasons, Effect: e}
	if !c.trail.failed {
		x.Reasons = append(x.Reasons, c.trail.end(&op, &x.Effect))
	}
	return x, nil
}

// end is the reason that decided.
func (t *trail) end(op *Op, e *Effect) Reason {
	switch op.Kind {
	case OpAccess:
		return t.endOfRoute(&e.Route)
	case OpAnswer:
		return Reason{"wait_for_io", fmt.Sprintf("state %v: %s", op.Answer.State, e.Slot.Why)}
	}
	if e.XenCrash {
		return Reason{functionOf(op), fmt.Sprintf("%v: %s", RouteXenCrash, e.Ret.Why)}
	}
	return Reason{functionOf(op), e.Ret.String()}
}

// String writes a result: the error's name, or "unknown", and the rule.
func (r Ret) String() string {
	text := "unknown"
	if r.Known {
		text = r.Errno.String()
	}
	if r.Or != xen.OK {
		text += fmt.Sprintf(" (%v without HAP)", r.Or)
	}
	if r.Why != "" {
		text += ": " + r.Why
	}
	return text
}

func (t *trail) endOfRoute(r *Route) Reason {
	switch r.Kind {
	case RouteServer:
		return Reason{t.name("ioreq_send", "hvm_send_ioreq"), r.sent("slot")}
	case RouteBuffered:
		return Reason{t.name("ioreq_send_buffered", "hvm_send_buffered_ioreq"), r.sent("ring")}
	case RouteBroadcast:
		return Reason{t.name("ioreq_broadcast", "hvm_broadcast_ioreq"), r.Why}
	}
	return Reason{"hvmemul_do_io", fmt.Sprintf("%v: %s", r.Kind, r.Why)}
}

// sent says in which form a request leaves.
func (r *Route) sent(place string) string {
	return fmt.Sprintf("into server %v's %s as %v at %#x, count %d: %s", r.Server, place, r.Type, r.Addr, r.Count, r.Why)
}

// commonCode is the release in which the ioreq servers' code moved to common
// code and got other names.
var commonCode = Release{Major: 4, Minor: 15}

// name chooses between a function's names since 4.15 and before.
func (t *trail) name(since, before string) string {
	if t.newer {
		return since
	}
	return before
}

// functionOf names the place where a call is made.
func functionOf(op *Op) string {
	switch op.Kind {
	case OpDM:
		return "dm_op " + op.DM.Op.String()
	case OpAcquire:
		return "acquire_resource"
	case OpHVM:
		return "do_hvm_op"
	case OpParam:
		return "hvm_param"
	case OpLife:
		return "domain"
	}
	return "none"
}
