package engine

import (
	"strconv"

	"github.com/iotrace-xen/iotrace/xen"
)

// Effect is what Xen would have done with one Op.
type Effect struct {
	Ret   Ret   // of a call
	Out   Out   // what a successful call hands back
	Route Route // of an access
	Slot  Slot  // of an answer
	Cost  Cost
	// Again says that a call was preempted. Ret is not what the caller sees: the
	// hypercall is made again with the words of Out, by the next Op.
	Again bool
	// XenCrash says that the hypervisor dies in a call: Ret is never seen.
	XenCrash bool

	faulted bool // an access, with a layout: Cost is what was done before it trapped
}

// Ret is a call's result. Known is false where the model cannot say, because
// the result hangs on state older than the trace or lost; Why then names it.
// For a known result Why names the rule.
type Ret struct {
	Known bool
	Errno xen.Errno
	Why   string
	Instead
}

// Instead is what a call returns in the place of Ret.Errno. It stands by itself
// because Go holds no struct of more than four fields in registers, and each step of
// a call hands a Ret on many times.
type Instead struct {
	// Or is the error if the domain turns out to have no hardware-assisted paging; OK
	// if that makes no difference.
	Or xen.Errno
	// Positive is a positive value, 0 if there is none.
	Positive uint32
}

// Out is the output of a successful call: which words of the dm_op's union Xen
// writes, and what it writes there. Bits that are not in Mask are unknown or
// unchanged.
type Out struct {
	Mask  [3]uint64
	Words [3]uint64
}

// RouteKind says where an access ended.
type RouteKind uint8

// The ends of an access.
const (
	RouteUnknown     RouteKind = iota // hangs on unknown state
	RouteServer                       // synchronous request to Route.Server
	RouteBuffered                     // slot in Route.Server's buffered ring
	RouteNull                         // no server: reads are all ones, writes are dropped
	RouteRefault                      // write to an unclaimed ioreq_server page: the guest faults again
	RouteRAM                          // done in RAM: no request
	RouteDiscard                      // write to a read-only page, dropped by the emulator
	RouteDomainCrash                  // the domain is crashed
	RouteXenCrash                     // the hypervisor dies, or spins for ever
	RouteSuspended                    // not sent: the domain is shutting down, on resume the guest tries again
	RouteHandled                      // one of Xen's own devices took it
	RouteFault                        // not sent: the guest gets #GP(0)
	RouteBroadcast                    // to every enabled server: Route.Sure and Route.Open say which
)

var routeKindNames = [...]string{
	RouteUnknown: "unknown", RouteServer: "server", RouteBuffered: "ring of server", RouteNull: "no server",
	RouteRefault: "no request: the guest faults again", RouteRAM: "no request: RAM", RouteDiscard: "no request: dropped",
	RouteDomainCrash: "crash of the domain", RouteXenCrash: "crash of Xen", RouteSuspended: "no request: shutting down",
	RouteHandled: "no request: Xen's own device", RouteFault: "no request: #GP in the guest", RouteBroadcast: "enabled servers only",
}

// String says it in words.
func (k RouteKind) String() string {
	if int(k) < len(routeKindNames) {
		return routeKindNames[k]
	}
	return "route" + strconv.Itoa(int(k))
}

// Route is where an access goes and in which form. Why names the rule that
// decided, or, for RouteUnknown, what is missing.
type Route struct {
	Kind   RouteKind
	Server xen.ServerID  // RouteUnknown: the server in doubt; NoServer if there is none
	Type   xen.IOReqType // as sent: TypePCIConfig where routing rewrote the access
	Addr   uint64        // as sent
	Count  uint32        // as sent (truncated to the frame for COPY)
	// Sure and Open are the receivers of a broadcast: those in Sure get it,
	// those in Open may. Lost says that others may, too.
	Sure, Open Servers
	Lost       bool
	ByClaim    bool   // the claim decided, not a range
	Slot       uint16 // of the ring, where its pointers are followed: the first that it fills
	Nodes      uint32 // range nodes that the choice of a server visited, of those that are known
	Why        string

	at place // of Server
}

// Servers is a set of servers: bit n stands for id n, bit 15 for the default
// server. Where ids count up, those from 15 on have no bit; they are Lost.
type Servers uint16

const defaultBit = 15

// bitOf returns the bit of an id, zero for one that has none.
func bitOf(id xen.ServerID) Servers {
	switch {
	case id == DefaultServer:
		return 1 << defaultBit
	case id < defaultBit:
		return 1 << id
	}
	return 0
}

// Has says whether id is in the set.
func (s Servers) Has(id xen.ServerID) bool { return s&bitOf(id) != 0 }

// Accepts says whether a request that server s got can be this one. It is
// Maybe where the route hangs on unknown state.
func (r *Route) Accepts(s xen.ServerID) Tri {
	if (r.Kind == RouteServer || r.Kind == RouteBuffered) && r.Server == s {
		return Yes
	}
	return r.mayReach(s)
}

// mayReach is Accepts for other ends than the most frequent ones.
func (r *Route) mayReach(s xen.ServerID) Tri {
	switch {
	case r.Kind == RouteServer || r.Kind == RouteBuffered:
		return No
	case r.Kind == RouteUnknown:
		return Maybe
	case r.Kind != RouteBroadcast:
		return No
	case r.Sure.Has(s):
		return Yes
	case r.Open.Has(s) || r.Lost:
		return Maybe
	}
	return No
}

// SlotKind says what a slot's transition amounts to.
type SlotKind uint8

// Verdicts of the slot state machine (§5.3).
const (
	SlotUnknown SlotKind = iota // the request was not seen
	SlotLegal                   // READY or INPROCESS to RESP_READY
	SlotDeath                   // NONE while pending: Xen takes all ones
	SlotIllegal                 // Xen crashes the domain
)

// Slot is the outcome of an answer.
type Slot struct {
	Kind SlotKind
	Why  string
}
