// Package engine models one Xen domain as its ioreq servers meet it: the
// servers and their I/O ranges, the claim on HVMMEM_ioreq_server, the types of
// its pages, the CF8 latch, the synchronous slots and the buffered rings. A
// Domain takes one Op at a time and says what Xen would have done with it
// (Effect) and what it cost (Cost).
//
// The model follows upstream Xen from 4.5 to 4.22, each release at the head of
// its stable branch, with hardware-assisted paging: do_dm_op, do_hvm_op,
// ioreq_server_select, ioreq_send, hvmemul_do_io, acquire_resource, set_mem_type
// and p2m_set_ioreq_server under the names they have in 4.17. What differs
// between releases is data: Profile, which Switches explains.
//
// # What is unknown stays unknown
//
// A trace seldom holds all that a domain is. Whatever predates it, or was lost,
// is unknown, and a result that hangs on it is unknown too: Ret.Known is false,
// Route.Kind is RouteUnknown. Such a step leaves the state as it was (but a
// write of the CF8 latch counts whoever gets it). Learn then makes the state
// what the recording shows. Nothing is ever guessed from likelihood.
//
// # What is taken for granted
//
//   - The host has memory and event channels: no ENOMEM or ENOSPC of theirs.
//   - A domain has hardware-assisted paging (HAP), until Learn has seen a call refused
//     for the lack of it (Ret.Or) or Config.HAP says so. With shadow paging costs are
//     not right: they are HAP's.
//   - dom0 is the control domain. Another caller has privilege over the domain
//     once Learn has seen one of its calls succeed; before, its results are
//     unknown.
//   - In a recording, only dm_ops change the type of a page. A driver that sees
//     ballooning, a toolstack's memory_ops or log-dirty mode (a domctl) forgets
//     the pages with OpForget; see "The p2m" for where they are modelled.
//   - Internal handlers (APIC, HPET, PIT, vPCI) never send a request, so an
//     access that reached a server was none of theirs. Those that the model
//     knows are ports 0xcf8 and 0xe9, the VGA and what Config.Handlers adds.
//   - The fill of a buffered ring is only followed where every access is stepped
//     (Config.EveryAccess); otherwise Access.Buffered tells.
//   - Before 4.11 a domain could have more servers than eight. The model holds
//     eight of them; what hangs on others is unknown.
//   - Event channels get the ports that the recording shows.
//   - The access of an Op was trapped and is one request: a recording shows REP
//     prefixes and page-crossing operands split. An Execution splits them.
//
// # The p2m
//
// Of a recorded domain it is known which types a page may have, as far as calls
// and requests told; that is a set for each frame, and costs are lower bounds.
// Of a scripted one all can be known: LayOut gives the domain its memory map, and
// from then on its p2m is exact, with tables of four levels, pages of 4 KiB, 2 MiB
// and 1 GiB, marks of recalculation on each level, and log-dirty mode. It is what
// ept_set_entry, resolve_misconfig, p2m_pt_set_entry, do_recalc,
// p2m_change_entry_type_global, p2m_change_type_range, p2m_finish_type_change,
// p2m_pod_demand_populate and hap_track_dirty_vram make of it, and PW, TA, FL, LK,
// FX and IM are what they cost. OpMemory then changes the map, accesses that do
// not trap can be stepped too, and calls can be preempted (Op.Preempt,
// Effect.Again). Runs of alike entries are kept and walked once, and clones share
// tables, so that size and time follow from how many different entries there are.
//
// Exactly one of the two holds at a time. Whatever makes a part of a layout
// unknown (OpForget, a recording that contradicts it) drops it, and what lookups
// said of each page goes on as sets. No trace tells a layout, so replay never has
// one and key-frames do not carry it; State does.
//
// Not modelled: page-modification logging, mem_access, altp2m and nested p2ms,
// shadow paging, a pager's and a sharer's own calls, and a lack of memory.
//
// # Instructions
//
// A recorded session has requests; a scripted guest has instructions. Execution
// runs one as Xen's emulator does: which accesses it makes, in which form and
// order, and what the guest and its Memory hold in the end. It follows
// hvmemul_do_io, linear_read, linear_write, hvmemul_rmw, hvmemul_cmpxchg,
// hvmemul_rep_* and x86_emulate as of 4.17, with what Profile says of other releases.
//
// Real Xen was asked on NPT, on 4.14, 4.17 and 4.20, and by callers in dom0. EPT, pages
// of 1 GiB, other callers and releases before 4.14 were only read (package lab/diff says
// why), and of 4.5 three things are not modelled: it has no flag for a request that is
// pending, so that a vCPU waits for every server in whose slot anything stands, an
// illegal leftover of a device model's included; it keeps the parts of an operand by
// their address; and its first point releases waited with a domain's start for a
// server. Nor are the defects of 4.6.0 alone.
//
// # Costs
//
// Costs follow what is certain. Two things that Xen pays for are not visible
// from dom0 (a known layout has them): whether a page hangs in a superpage that
// must be split, and which tables a release has to walk. Where they count, the cost
// is a lower bound and Cost.Unknown says so.
// A step whose result is unknown costs its hypercall; what else it cost,
// Learn returns. A request's answer is counted with the request, but for the
// hypercall by which it is sent.
//
// # Form
//
// Step is total: no input makes it panic, and it fails only for a kind of Op
// that it does not know. It is deterministic, does no I/O and reads no clock.
// Explain says what Step would do and what Xen looks at on the way, noted by the
// functions that decide. Snapshot gives a Domain's state as a plain value; Restore
// brings it back.
// A Domain is not safe for concurrent use; Ops, Effects and Profiles are plain
// values.
package engine
