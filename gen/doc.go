// Package gen makes synthetic sessions: traces of any length in the form in
// which a recorder writes them, for load tests and for people without Xen.
//
// New checks a Config; Header and Events are the trace. The same Config gives
// the same header and events on every machine, another Seed gives others.
// Events can be iterated any number of times and holds what the simulated host
// holds, not the trace: a trace of a billion events takes no more memory than
// one of a thousand.
//
// # What happens in a session
//
// Each of Config.Domains places of the host has one domain after another. A
// toolstack builds it, a QEMU serves it (server 0: ports, memory, PCI functions
// behind CF8, a buffered ring for the VGA window), and, unless the place is one
// of Config.Plain, a mediator like XenGT's joins (server 1: a BAR and a PCI
// function laid over QEMU's, the claim on ioreq_server pages). The guest's vCPUs
// run Config.Mix; the mediator types page-table pages Config.Churn times a
// second, one by one, gets the guest's writes to them, and turns pages back. Some
// domains are halted once, to get another mediator. After about Config.Life
// events the domain is destroyed, and the next one of its place has a new domid.
//
// Who gets a request is not decided here: package engine is asked for the route
// of every access and for the result of every call, under the profile that the
// header names. So replay of a session finds no difference. It leaves
// undetermined what it must: the first set_mem_type over pages of which the
// trace has shown nothing, one by each domain's QEMU and one by its first
// mediator.
//
// # Time
//
// Config.Rate is the mean over lives that run; quiet stretches (half of it) and
// bursts (two and a half times) alternate, building and destroying a domain have
// a pace of their own. Latencies are shorter where the rate would not be reached
// otherwise. Sequence numbers follow the moments at which things happened; the
// clocks of the CPUs disagree by up to skewNS, so Time is a little out of order
// at times, as under real Xen.
//
// # The end
//
// The trace has exactly Config.Events events. The recorder stops while domains
// live: no new work is begun that would not fit, what runs ends with its
// answers and returns, then come the accounts of the rings that still exist and
// a last reading of the clocks. Room that is left before them (less than one
// turn of anybody, maxTurn events) is filled with calls of xenstored, and with
// one interrupt if it is odd.
//
// A session has no loss and no late attach: no Lost, no Found but of dom0's own
// ports, no Unlearned, no Mark. Key-frames are not written here.
package gen
