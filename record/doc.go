// Package record turns what passes between a running Xen's domains and their
// device models in dom0 into events of package format, with eBPF.
//
// Open checks that it can work, loads and attaches the probes and learns what
// existed before. Batches then yields what is seen, in the order in which the
// kernel recorded it, until Stop; before it ends it detaches, drains what the
// probes still hold and closes the accounts. Nothing is left out silently: what
// a probe could not record stands in the stream as a Lost event, a buffered ring's
// account as a RingCount, told when its server or the capture ends, and what nobody
// can tell about older state as Unlearned.
//
// # What is recorded
//
// Every ioctl of /dev/xen/privcmd and /dev/xen/evtchn, by every process but the
// recorder itself: dm_ops with their buffer 0 at entry and return, hypercalls,
// resource mappings, binds. Of a hypercall's structure only known layouts are
// kept, without the caller's pointers; of a domctl its command and domain; of
// others number and sub-operation. A multicall of one memory_op, libxenctrl's
// way to make one, is recorded as that memory_op.
//
// A read of an event channel is an EvtchnRead; if a server's slot is behind the
// port, an IOReq with that slot follows. A notify of such a port is an IOResp,
// without events of its own for the ioctl. Slots are recorded in whatever state
// they were seen. A DMOpBuf event carries extents of modified_memory; of any
// other second buffer one event tells the size and no content.
//
// A slot is looked at when its port is read and, unless a request was seen then,
// when the port is unmasked. A request that comes later still, before the device
// model looks itself, is served all the same: its IOReq is made from its answer,
// in which all but the data still stands, and says so (FromAnswer).
//
// Xen looks at all slots of a vCPU whenever it is notified of one. After a broadcast it
// is notified of several, and may take an answer before the device model has made its
// own call for it. The IOResp then has the slot as that call finds it: free, with the
// answer in it, or ready, with the vCPU's next request and the answer gone. If the next
// request equals the last one it is not certain that there was an answer, and the IOResp
// has no request's id. If no probe has seen the request either, it is a Lost event (ioreq,
// missed).
//
// An interrupt is told in front of the read that takes it, an unmask behind which an
// answer is to come in front of that. Each has its own time, so that times need not
// rise from event to event. One that waits longer, for a device model that hangs, is
// told by itself within two seconds.
//
// Two things that libraries do are dropped without a trace: dm_op ioctls
// without buffers and privcmd ioctl 0x50ff, by which they ask whether the
// kernel knows a call.
//
// # Eventfds
//
// Where privcmd can answer requests and make dm_ops by itself (Linux 6.7, with
// CONFIG_XEN_PRIVCMD_EVENTFD), its two functions are hooked. An answer of its is an
// IOResp of the process whose ioeventfd it is, with thread 0: none of its threads gave
// it. So is the IOReq, unless a read of the port has found the request before. The
// process is woken all the same, and what it then finds in the slot is an IOReq in
// another state. A dm_op for an irqfd is one of who has signalled the eventfd, Implied,
// and Squashed if it failed. One for an eventfd that was signalled already when the
// irqfd was set up is not seen, nor is any where KVM, which has a function of that name,
// was loaded before privcmd or, in tier B, is loaded at all. In tier A the kernel skips none.
//
// # What is not
//
// Calls that the dom0 kernel makes itself, but for those of drivers (see below), and the
// closing of evtchn descriptors short of the end of their process.
//
// EvtchnInterrupt events may be missing: with kprobes (tiers B, C) the kernel skips
// a probe whose interrupt came while another probe ran, and older kernels do
// not count that. Conclude nothing from one that is not there; reads and slots
// do not depend on it.
//
// A kernel that preempts its own code (PREEMPT_LAZY, Debian's from 7.x on) skips a
// program of tier A now and then, because another task is in the middle of it on that
// CPU. Where the kernel does so, or does not say, each program that calls pass through has
// a spare, which runs behind it and does its work if it was skipped; some have two. For one
// to be missing as well takes as many more tasks in the middle of spares. Then it is
// counted: as missed, or as no_entry, and a return of the evtchn device when its thread
// makes its next call, if it does. What the call has mapped or bound is not known then.
// A call of which nothing was to be recorded, as a read without an event, is not counted.
// The end of a process is, once it is gone and the probes know it still. Tiers B and C are
// worse there: the kernel skips all of a CPU's kprobes while the recorder, in the middle
// of a call of bpf(2), has had to leave the CPU to others.
//
// # Lifetimes
//
// What a process has mapped of a server is known until it unmaps it, maps something
// else there, execs or ends. An exec shows as a further Process event with the new
// name; descriptors, and with them ports, may stay with the new program. Before Linux
// 5.5, entries of a ring that are consumed within a period of the sampler before an
// exec, without a call, are missing. The end of a process is that of its last thread
// or, on a kernel without taskstats (CONFIG_TASKSTATS), that of its first.
//
// # Pages mapped by frame number
//
// Before Xen 4.11, and wherever a device model does not map its server's pages as a
// resource, it asks Xen for their gfns (get_ioreq_server_info without no_gfns) and maps
// those (IOCTL_PRIVCMD_MMAPBATCH_V2 or MMAPBATCH). Each such call, of any process, is
// searched for gfns that Xen has told of that domain, and what it has mapped of a server
// is known when it returns. The first 1,024 frames of a call are searched, in tier C
// the first 2; frames behind them, of a domain with such a server, are counted as truncated.
//
// Xen clears such a ring as it enables its server and as it disables it. The probes look
// at it only while the server is enabled, so that neither that nor what the guest writes
// there in the meantime passes for entries. Entries that come between the last look before
// a call that disables the server and the call are in no account: nobody can read them.
// Where the kernel skips the entry or the return of such a call, which is counted, entries
// may be missing until the next one, or up to 510 of earlier ones told again.
//
// The requests of who does it otherwise are bare EvtchnReads: who asked before the
// capture began and maps afterwards, asks by an HVMOP (before Xen 4.9), maps by
// IOCTL_PRIVCMD_MMAP, or is the device model that Xen made a server for by itself (up to
// 4.11, when HVMOP_get_param asked for it).
//
// # Drivers
//
// A device model inside the kernel, such as XenGT's, passes neither device. For a
// driver of which a profile is known (package driver; Options.Drivers) the probes
// hook its own functions and the kernel's event-channel functions that it uses. A
// function that makes a dm_op gives a DMOpEnter that is Implied and a DMOpReturn,
// Squashed if the driver does not pass on which error it was; its Words are known
// as far as the profile tells where the driver keeps them.
//
// A request is an IOReq of no process: it is looked at in Xen's interrupt. Its
// answer is the driver's thread's. Ports are not known and 0. An arrival that the
// kernel skips, because another probe ran on that CPU, is made good by the answer
// (FromAnswer). Drivers have no buffered ring here.
//
// The driver's module must be loaded when the capture begins, and channels that it
// had bound before are not recorded: a domain that a driver served already has
// requests that no event shows. If there are servers already, an Unlearned event says so
// (driver_ports) and Session.Warnings, for neither Xen nor the kernel tells whose a
// channel of the kernel's is. With Options.Choice.PIDs no driver is hooked,
// and interrupts are those of ports that one of these processes has bound, or read before.
//
// # Tiers
//
// The same programs are compiled for three classes of kernels; see Tier. Tier C
// has a buffer for each CPU, whose records are merged by their times here, up to
// 70 ms late. It looks at 8 servers of one process instead of 16 and takes one
// port of a read or write instead of 16 (no device model passes more).
//
// Tier D is C without what looks at buffered rings between two calls: no sampler, no
// tick, no return of a poll. Hooks alone would lose most of a burst and could not say
// how much, so entries of rings are left out as if Options.Choice had said so, and the
// header has that. It is taken where it is asked for, or where C's programs are
// refused.
//
// No tier is for kernels before 4.18, XenServer 7's 4.4 above all. Their verifiers take
// no table's value as another's (4.18), no functions (4.16), no such value as a helper's
// buffer (4.11) and no computed place in it (4.9), and know neither tables by CPU (4.6)
// nor programs of tracepoints (4.7): the slots of 128 vCPUs and a batch of records do
// not fit into what is left, 512 bytes of stack.
//
// Options.BTF names a file with the types of the evtchn driver, from which the
// place of the port in struct user_evtchn is read: of a kernel that has the driver built
// in, or the module's own, /sys/kernel/btf/xen_evtchn. Nothing else in the programs
// depends on the kernel's types. It cannot turn tier B into A: fentry takes types
// that the kernel itself has.
//
// # Choice
//
// What Options.Choice leaves out is not recorded at all, except that the probes
// still follow what they need to know. Kinds go in groups: an answer's request, a
// return's entry are recorded with it and dropped here. Requests to a server that
// is not known yet are kept. An answer is left out as its request was; if Xen has taken it
// early, its slot shows the next request, wanted or not, and one that no look has seen is
// a Lost event (ioreq, missed). Entries of a ring are chosen here, out of whole pages;
// a RingCount counts all of them. Without evtchn_interrupt events, or without rings, the
// functions that only they need are not hooked.
//
// # Loss
//
// What a probe could not record is counted by probe, CPU and reason. Each second the
// counters are read, and told behind a Clock event when the events have come to that
// moment: what was seen before it stands in front of both, what was seen later behind.
// So what is lost is lost between the Clock event before it and its own. Where it cannot
// be told at once there is no Clock event either, and the next one stands for both.
//
// A record for which there was no room has its probe's loss and its domain's: no_space,
// or share if the domain had its share of the buffer. No domain's records hold more of
// it than they leave free. In tier C the kernel does not say what it dropped, but each
// CPU counts the records that it makes: those of them that have not come are lost. They
// are no domain's, so they may be any one's. The counts are read when they stand still,
// so a dom0 whose CPUs make records without a pause of some microseconds has fewer Clock
// events. Requests recorded (or lost, ioreq) are all that Xen sent.
//
// # Buffered rings
//
// Entries of a buffered ring pass without a system call. The probes look at the ring
// at every call of its device model but unmasks, reads of events that came before a poll's
// return, and answers to requests that were read while the ring was empty, when a poll of
// it returns and, between calls, each
// Options.SamplePeriod for which the device model runs, and at each tick of the
// kernel; see ringAccount for what follows from two looks. The account is the
// server's, whichever processes have the ring mapped. It is exact as long as a device
// model consumes fewer than 511 slots within one period, whether or not the looks
// could be recorded; a RingCount closes it.
//
// In legacy mode a ring's pointers wrap after 2^32 slots. Xen then puts entries over others
// that nobody may have read, and a look at few slots has none of before: either is counted
// as overrun.
//
// In tier A the period is kept by a timer of the CPU on which the device model took its
// last event, as long as each look finds entries, or that there were some. A device model
// that runs elsewhere when the time is up, or not at all, and goes on without a call, or
// that begins to consume without one, is looked at again when its CPU ticks, after 1 to
// 10 ms. In tiers B and C the period is CPU time of each thread. Until the recorder has
// found a new device model's threads, which it cannot while it is stopped, they have the
// tick alone there; a thread that cannot be sampled is a Lost event of probe ring, reason
// missed, without a server.
//
// # Attached late
//
// What exists when a capture begins is asked of Xen without changing anything:
// event channels, domains, servers and their buffered ports. Ranges, claims,
// page types and whether a server is enabled cannot be asked and are Unlearned.
// Pages that a process has mapped before are taken for a server's once it reads
// a port whose remote end stands in a slot of the page. Which server that is, is
// said when only one can be meant: by the server's port that the process reads,
// by its dm_ops, or because all others are known; until then events have
// xen.NoServer. A ring that was mapped by itself, by its frame number, is not found: its
// entries are missing, and an Unlearned event says so (ring).
//
// # Privacy
//
// Data of requests is zeroed and marked unknown unless it is an address or PCI
// configuration, which steers routing. Options.Data changes that; the header
// says which was chosen. User and kernel addresses are never recorded.
//
// # Concurrency
//
// One goroutine ranges over Batches, once. Stop and Stats may be called from any
// goroutine at any time. Close is called last.
package record
