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
// If there is such an order, the verdict is Agree. If there is only one in which the
// outcome hangs on what the trace does not show, it is Undetermined; if none is found,
// Differ. The
// search is bounded: the past reaches back a few thousand steps, some dozens of
// orders are tried, and none once a domain has shown a hundred differences. Calls
// of device models that each serve a server of their own are always resolved;
// callers that change one server from all sides at once could defeat it.
//
// # No cascades
//
// After Undetermined, and after a call that differs, the model learns what Xen
// really did. A request teaches only that it is in its slot if it may have been routed
// before a call that took something from its server. A request that differs is believed when it comes a second time:
// if only the recording of the first was wrong, nothing else differs.
//
// # Loss
//
// A Lost event makes unknown what its probe may have missed. A recorder reads
// most of its loss counters when it reads the clocks, so from the first Clock
// event on a Lost event also turns those differences since the Clock before it
// into Undetermined that what was lost could explain. Verdicts then come a clock
// interval later, in the order of the trace all the same. A recorder ends its trace
// with a Clock. Where one ends elsewhere, because the recorder was killed or a file of
// a ring ended there, what it lost last is not told, and the differences since the last
// Clock are Undetermined. So they are in front of a key-frame between two Clocks, for
// who reads only what is in front of it. [Options.To] ends otherwise: what is behind is
// read up to where the losses are told.
//
// # Buffered rings
//
// A recorder closes the account of each ring with what it has captured and lost of it
// (RingCount). Where the trace should have all of that, its entries and losses must add
// up to it; Report.RingMismatches counts the accounts to which they do not. That is no
// verdict: Xen has no part in it.
//
// # Key-frames
//
// A key-frame in a trace says what a replay knows there, so that what follows
// replays alone: a trace cut in front of its key-frames has, part by part, the
// verdicts, the counts of events and the costs of the whole. Only the calls
// without a return and the requests without an answer are counted by every part
// at whose end they are open, and Report.Domains by every part in which they
// have events.
//
// That holds because the whole, too, starts anew at each key-frame: from its own
// state, as if from a key-frame. If the trace has another there, that is
// counted in Report.KeyFrameMismatches; it is the recorder's fault, not Xen's,
// and no verdict. Only a key-frame that opens a trace, and the first one behind
// a hole in the file (Lost by ProbeFile), is taken at its word. Under a profile
// of Options the state is another, and nothing is compared.
//
// A key-frame carries, of the session: the domids in use, in order of
// appearance, with what is known of their lives (complete, typed, dying, gone);
// the last clock reading, what was lost, and whether calls were; processes,
// dom0's event channels, and restricted descriptors; and calls in flight, each
// as its own entry event, with the life it was made for, whether its return may
// be lost, and the result if it took effect already. Of a domain: the model
// (engine.State; what is not listed is as in a domain without servers), the
// requests without an answer as their own events, the servers that are going,
// and the accounts of rings. Of domains that have ended, the last 256 are kept,
// without their models.
//
// It does not carry the past, because nothing behind it needs one: the history
// that orders are searched in begins anew, and with it the marks at which vCPUs
// were idle; so do the memory of requests that were not believed at first and
// the count of differences that ends the search. Differences that a loss might
// explain are settled in front of it, for losses are told with the clock and a
// key-frame stands behind those. So an operation whose interval reaches back in
// front of a key-frame and whose outcome contradicts cannot be explained by an
// order there. If the moment was calm, nothing there can explain it, and it
// differs; if not, it is Undetermined and, for a request, teaches nothing. Calm
// is a moment with no call of the model's subject in flight, 20 ms after the
// last that changed where requests go.
//
// So segments can also be replayed side by side, which [RunFile] does: each from
// the key-frame that it begins with, and again if the one before it does not
// arrive there. [Explain] says which way the model takes at one event.
//
// [Mirror] makes key-frames while a trace is written, [WithKeyFrames] puts them
// into one that has none, and [Pacer] says where they stand.
//
// # Speed
//
// BenchmarkRun measures a replay without the reading of its trace,
// BenchmarkMirror what a recorder pays; `make bench-peer` sets a full replay beside
// xenalyze's summary of the same session.
//
// A run is deterministic, keeps no reference to its input, reads no clock and
// never panics on an event. Runs are independent: use them from any goroutines.
package replay
