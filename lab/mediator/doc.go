// Package mediator is a device model in the manner of a mediated passthrough
// driver: it owns ports, a memory-mapped device, a PCI function and a window of
// VGA memory of package guest's guest, and it watches writes to guest pages by
// claiming mem type ioreq_server, emulating each write in the page itself.
//
// Play runs one session from creating the first server to destroying the last.
// The guest asks for its next command through one of our ports, so the session is
// a sequence: hypercalls, then an operation of the guest, then the next. Nothing
// depends on time. Calls that Xen must refuse are part of the session; any
// result but the expected one ends it with an error.
package mediator
