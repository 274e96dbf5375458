/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The records that the programs put into the ring buffer. record/raw.go parses
 * them by offset; a test compares both.
 */
#ifndef IOTRACE_RECORDS_H
#define IOTRACE_RECORDS_H

#include "kernel.h"

enum rec_kind {
	REC_PROCESS = 1,
	REC_EXIT,
	REC_INTERRUPT,
	REC_READ,
	REC_UNMASK,
	REC_SLOT_IN,
	REC_SLOT_OUT,
	REC_RING,
	REC_PAGE,
	REC_IOCTL,
	REC_IOCTL_RET,
	REC_MMAP,
	REC_DMOP,
	REC_DMOP_BUF,
	REC_DMOP_RET,
	REC_HYPER,
	REC_HYPER_RET,
	REC_HOOK,
	REC_HOOK_RET,
	REC_EXEC,
	REC_EVENTFD,
	REC_IRQFD,
};

/* Flags of a record. */
enum {
	FLAG_FAULT = 1,  /* the bytes behind the fixed part could not be read */
	FLAG_MISSED = 2, /* a slot seen at unmask: the kernel skipped the read's probe */
	FLAG_RETRY = 4,  /* a slot seen at unmask: the read was recorded without it, or is counted as missed */
	FLAG_KERNEL = 8, /* a slot of a driver's; port is its irq */
	FLAG_ENDED = 16, /* the last look at a ring, without entries */
	FLAG_EVENTFD = 32, /* a slot that privcmd has answered by itself */
	FLAG_RING = 64, /* the call has mapped a buffered ring */
};

/* The probes and reasons of format.Probe and format.Reason. */
enum {
	PROBE_PRIVCMD = 1, PROBE_EVTCHN_IOCTL, PROBE_EVTCHN_READ, PROBE_EVTCHN_WRITE, PROBE_INTERRUPT,
	PROBE_IOREQ, PROBE_IORESP, PROBE_RING, PROBE_PROCESS, PROBES = 11,
	REASON_NO_SPACE = 1, REASON_FAULT, REASON_NO_ENTRY, REASON_MAP_FULL, REASON_OVERRUN, REASON_MISSED,
	REASON_TRUNCATED, REASON_SHARE = 10, REASONS = 11,
};

struct rec_head {
	u64 time;
	u64 seq; /* per CPU; counts what was to be recorded, so a hole is a loss */
	u32 tgid;
	u32 tid;
	u16 cpu;
	u8 kind;
	u8 flags;
	u16 dom; /* whose share of the buffer it takes */
	u8 probe;
	u8 wake; /* the reader, when it is submitted */
};

struct rec_process {
	struct rec_head head;
	u8 comm[16];
};

struct rec_port {
	struct rec_head head;
	u32 port;
	u32 remote;
	u16 dom;
	u16 on; /* CPU that an interrupt came to */
	u16 pad[2];
};

/*
 * Which mapping of which process: (head.tgid, entry, born) names it for good. The record
 * also tells of another event of the port, if with is not 0, and has that one's number
 * too: the interrupt before a REC_SLOT_IN, the unmask before a REC_SLOT_OUT.
 */
struct rec_slot {
	struct rec_head head;
	u32 port;
	u32 remote;
	u16 dom;
	u16 server;
	u16 vcpu;
	u16 entry;
	u64 born;
	u8 slot[32];
	u64 with; /* time of the other event */
	u64 by;   /* CPU of the interrupt, pid_tgid of the unmask */
};

struct rec_ring_head {
	struct rec_head head;
	u64 born;
	u64 total;    /* slots that Xen has filled, up to wp, since the first look */
	u32 rp, wp;   /* before the copy */
	u32 rp2, wp2; /* after it */
	u16 dom;
	u16 server;
	u16 entry;
	u16 carried; /* how many of the slots just below wp the record has */
};

struct rec_ring {
	struct rec_ring_head ring;
	u64 slots[8];
};

struct rec_page {
	struct rec_ring_head ring;
	u8 page[4096];
};

struct rec_ioctl {
	struct rec_head head;
	u32 cmd;
	u16 dom;
	u16 pad;
	u64 arg;
};

/* data is a dm_op, or of an ioeventfd the device, length and vCPUs, and queue. */
struct rec_eventfd {
	struct rec_ioctl ioctl; /* arg is the eventfd */
	u32 flags;
	u32 known; /* bytes of data */
	u8 data[32];
};

/* Of a REC_IRQFD, head.dom is the domain and ret only says whether it failed. */
struct rec_ret {
	struct rec_head head;
	u64 enter; /* time of the entry's record */
	s64 ret;
	u32 cmd;
	u32 known; /* bytes of data */
	u8 data[32];
};

struct rec_mmap {
	struct rec_head head;
	u16 dom;
	u16 pad[3];
	u32 type;
	u32 id;
	u32 idx;
	u32 pad2;
	u64 num;
};

struct rec_dmop {
	struct rec_head head;
	u16 dom;
	u16 num;
	u32 known; /* bytes of op */
	u64 size0;
	u8 op[32];
};

struct rec_dmop_buf {
	struct rec_dmop dmop;
	u64 size1;
	u32 known1; /* bytes of data */
	u32 pad;
	u8 data[256];
};

struct rec_hyper {
	struct rec_head head;
	u64 nr;
	u64 arg0;
	u32 known; /* bytes of data */
	u32 calls; /* elements, of a multicall that was not unwrapped */
	u8 data[32];
};

/* A driver's function, and the values that its hook names. */
struct rec_hook {
	struct rec_head head;
	u32 hook;
	u32 pad;
	u64 known; /* bit i: values[i] was found */
	u64 enter; /* time of the entry's record */
	s64 ret;
	u64 values[16];
};

/* Never used: makes the types part of the object, from where the Go side of the
 * layout test gets them. */
union rec_any {
	struct rec_process process;
	struct rec_port port;
	struct rec_slot slot;
	struct rec_ring ring;
	struct rec_page page;
	struct rec_ioctl ioctl;
	struct rec_eventfd eventfd;
	struct rec_ret ret;
	struct rec_mmap mmap;
	struct rec_dmop dmop;
	struct rec_dmop_buf dmop_buf;
	struct rec_hyper hyper;
	struct rec_hook hook;
};
const union rec_any *rec_layout __attribute__((unused));

_Static_assert(sizeof(struct rec_head) == 32, "rec_head");
_Static_assert(sizeof(struct rec_process) == 48, "rec_process");
_Static_assert(sizeof(struct rec_port) == 48, "rec_port");
_Static_assert(sizeof(struct rec_slot) == 104, "rec_slot");
_Static_assert(sizeof(struct rec_ring_head) == 72, "rec_ring_head");
_Static_assert(sizeof(struct rec_ring) == 136, "rec_ring");
_Static_assert(sizeof(struct rec_page) == 4168, "rec_page");
_Static_assert(sizeof(struct rec_ioctl) == 48, "rec_ioctl");
_Static_assert(sizeof(struct rec_eventfd) == 88, "rec_eventfd");
_Static_assert(sizeof(struct rec_ret) == 88, "rec_ret");
_Static_assert(sizeof(struct rec_mmap) == 64, "rec_mmap");
_Static_assert(sizeof(struct rec_dmop) == 80, "rec_dmop");
_Static_assert(sizeof(struct rec_dmop_buf) == 352, "rec_dmop_buf");
_Static_assert(sizeof(struct rec_hyper) == 88, "rec_hyper");

#endif
