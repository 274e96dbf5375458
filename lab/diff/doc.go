// Package diff compares a real Xen with package engine, by scripts.
//
// A script is the life of one domain in steps: calls that its device models make in
// dom0, and instructions that its vCPUs perform. What a script can say is a table
// (verb.go). The request of an instruction can be held: its vCPU waits until a later
// step has it answered, while calls are made and another vCPU goes on. One of the two
// device models can end and start again, and the other take its servers over. Both are
// in one process: to Xen a caller is a domain, whose ports and mappings they are, and
// what a process is only Linux knows, whose devices each has opened for itself.
//
// Package live performs a script on a domain of a real Xen, Model on the model, and
// both give the same kind of Outcome for each step: what a call returned, which server
// got which request, what an instruction has left in the registers, what is in the
// rings, what memory holds, what is dirty, and how many p2m entries Xen has set, as far
// as its own trace tells. Judge compares them one by one.
//
// Some things only scripts written by hand do: balloon, and leave a slot in a state that
// crashes the domain. They must not look at what a page holds that was populated.
//
// All device models answer alike (Serve): what they say is a function of the
// address, so a script need not hold it. They store what is written to claimed
// pages, as Xen demands of them.
//
// Generate makes a script out of a seed. The model says what is valid: a script
// must not kill the hypervisor, or send a request to a server whose pages no device
// model has mapped. Shrink takes steps out of a script as long as it still fails.
//
// testdata has scripts with the outcomes that a real Xen had, by release: a test
// holds the model to them without any Xen. To take them anew, give the files to
// xenlab diff.
//
// No script has an x87 store: Xen's emulator performs one anew for each request of
// its operand, and a store that pops does that once only, so that what follows the
// first request is no data of the guest's (seen on 4.17: FSTP of 10 bytes). None says
// that the buffer of a dm_op has no bytes: Linux 5.10 follows a null pointer then.
//
// What real Xen can't be asked here: EPT, for QEMU emulates no VMX; pages of 1 GiB, for
// which no guest is large enough beside dom0 in 3 GiB; another caller than dom0, which
// would be a second Linux with privilege over the first: that servers are their
// creator's alone (EPERM) is as Xen's source says. What dom0 is refused on itself is
// asked (own=1). modified_memory has one extent at the most.
//
// Not compared are the values that a domain's first look can only learn (the ports
// of get_ioreq_server_info), and everything behind the first difference of a script.
package diff
