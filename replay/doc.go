// Package replay drives package engine with a trace and says whether real Xen
// did what the model says it must.
//
// Each event that a rule of Xen covers gets one [Verdict]. A call's recorded
// result and outputs are compared with the model's, a request's receiver and
// form with the route that the model takes, an answer with the state machine of
// the slot. Agree and Differ are certain. Undetermined means that the outcome
// hangs on something that the trace does not show, because it is older than the
// capture or was lost; Why names it, and nothing is guessed in its place.
//
// # What dom0 cannot see
//
// A guest write that Xen treated as RAM, discarded or swallowed leaves no event
// in dom0. So only one side is verified: every request that was delivered must
// be one that Xen's rules explain, and must have gone to the server that they
// name. That no request is missing cannot be told. For the same reason every
// cost is a lower bound: it counts the operations in the trace and what they
// make Xen do, not the exits that ended inside Xen. Costs under another profile
// than the recorded one are bounds of the same sort: the guest's reaction to
// that other Xen is not in the trace.
//
// # Order
//
// Xen executes a call between its entry and its return, and routes a request
// after the vCPU's last answer and before the device model finds it in the slot.
// The trace has only the ends of these intervals, and the intervals overlap. A
// call is applied to the model at its return and a request when it is found. If
// the outcome then contradicts the recording, replay looks for an order inside
// the intervals that explains it:
//
//   - the event took effect before a call that lies later in the model's past
//     but still inside the event's own interval, and everything recorded since
//     still holds; the nearest such place is taken;
//   - one call, or two in either order, that have not returned took effect
//     already; they are applied then, and their own result is compared when they
//     return;
//   - two calls of the past that overlapped took effect the other way round.
//
// If there is such an order, the verdict is Agree; if none is found, Differ. The
// search is bounded: the past reaches back a few thousand steps, some dozens of
// orders are tried, and none once a domain has shown a hundred differences. Calls
// of device models that each serve a server of their own are always resolved;
// callers that change one server from all sides at once could defeat it.
//
// # No cascades
//
// After Undetermined, and after a call that differs, the model learns what Xen
// really did. A request that differs is believed when it comes a second time:
// if only the recording of the first was wrong, nothing else differs.
//
// # Loss
//
// A Lost event makes unknown what its probe may have missed. A recorder reads
// most of its loss counters when it reads the clocks, so from the first Clock
// event on a Lost event also turns those differences since the Clock before it
// into Undetermined that what was lost could explain. Verdicts then come a clock
// interval later, in the order of the trace all the same.
//
// A run is deterministic, keeps no reference to its input, reads no clock and
// never panics on an event. Runs are independent: use them from any goroutines.
package replay
