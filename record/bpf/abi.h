/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The parts of Xen's and dom0's ABI at which the programs branch. Everything
 * else travels as raw bytes to package record, which knows what it means.
 */
#ifndef IOTRACE_ABI_H
#define IOTRACE_ABI_H

#include "kernel.h"

enum {
	PRIVCMD_HYPERCALL = 0x305000,
	PRIVCMD_MMAPBATCH = 0x185003,
	PRIVCMD_MMAPBATCH_V2 = 0x205004,
	PRIVCMD_DM_OP = 0x105005,
	PRIVCMD_RESTRICT = 0x025006,
	PRIVCMD_MMAP_RESOURCE = 0x205007,
	PRIVCMD_IRQFD = 0x40185008,
	PRIVCMD_IOEVENTFD = 0x40305009,
	PRIVCMD_GET_GSI = 0x08500a,
	PRIVCMD_UNIMPL_PROBE = 0x0050ff,

	EVTCHN_BIND_VIRQ = 0x044500,
	EVTCHN_BIND_INTERDOMAIN = 0x084501,
	EVTCHN_BIND_UNBOUND = 0x044502,
	EVTCHN_UNBIND = 0x044503,
	EVTCHN_NOTIFY = 0x044504,
	EVTCHN_RESET = 0x004505,
	EVTCHN_RESTRICT_DOMID = 0x024506,
	EVTCHN_BIND_STATIC = 0x044507,
};

enum {
	HYPER_MEMORY_OP = 12,
	HYPER_MULTICALL = 13,
	HYPER_EVENT_CHANNEL_OP = 32,
	HYPER_HVM_OP = 34,
	HYPER_SYSCTL = 35,
	HYPER_DOMCTL = 36,
};

enum {
	DMOP_CREATE_IOREQ_SERVER = 1,
	DMOP_GET_IOREQ_SERVER_INFO = 2,
	DMOP_SET_IOREQ_SERVER_STATE = 5,
	DMOP_DESTROY_IOREQ_SERVER = 6,
	DMOP_MODIFIED_MEMORY = 11,
	DOMCTL_DESTROY = 2,
};

/* get_ioreq_server_info without this flag answers with the gfns of the server's pages. */
enum { NO_GFNS = 1 };

enum {
	DOM_INVALID = 0x7ff4,
	NO_SERVER = 0xffff,
	SLOT_SIZE = 32,
	SLOT_EPORT = 24,
	SLOTS = 128,
	DOMAIN_SERVERS = 8, /* that a domain can have */
	RING_SLOTS = 511,
	PAGE_SIZE = 4096,
};

struct privcmd_hypercall {
	u64 op;
	u64 arg[5];
};

struct privcmd_dm_op {
	u16 dom;
	u16 num;
	u32 pad;
	u64 bufs;
};

struct privcmd_dm_op_buf {
	u64 ptr;
	u64 size;
};

struct privcmd_mmap_resource {
	u16 dom;
	u16 pad;
	u32 type;
	u32 id;
	u32 idx;
	u64 num;
	u64 addr;
};

struct privcmd_irqfd {
	u64 dm_op; /* user address of it */
	u32 size;
	u32 fd;
	u32 flags;
	u16 dom;
	u16 pad;
};

struct privcmd_ioeventfd {
	u64 ioreq; /* user addresses of slots and ports */
	u64 ports;
	u64 addr;
	u32 addr_len;
	u32 event_fd;
	u32 vcpus;
	u32 vq;
	u32 flags;
	u16 dom;
	u16 pad;
};

enum { IRQFD_DOM = 20, IOEVENTFD_DOM = 44 };

_Static_assert(__builtin_offsetof(struct privcmd_irqfd, dom) == IRQFD_DOM, "privcmd_irqfd");
_Static_assert(__builtin_offsetof(struct privcmd_ioeventfd, dom) == IOEVENTFD_DOM, "privcmd_ioeventfd");

/* The head that PRIVCMD_MMAP, MMAPBATCH and MMAPBATCH_V2 share. */
struct privcmd_mmap_head {
	u32 num;
	u16 dom;
	u16 pad;
};

/*
 * PRIVCMD_MMAPBATCH ends before errs, and marks a frame that it could not map in the
 * list of gfns.
 */
struct privcmd_mmapbatch {
	struct privcmd_mmap_head head;
	u64 addr;
	u64 gfns; /* user addresses of the lists */
	u64 errs;
};

/* What PRIVCMD_MMAPBATCH* return if some frames are paged out and the others are mapped. */
enum { SOME_ABSENT = -2 };

enum { MMAPBATCH_SIZE = __builtin_offsetof(struct privcmd_mmapbatch, errs) };

/* struct xen_dm_op with get_ioreq_server_info's part of the union. */
struct dm_op_server_info {
	u32 op;
	u32 pad;
	u16 id;
	u16 flags;
	u32 bufioreq_port;
	u64 ioreq_gfn;
	u64 bufioreq_gfn;
};

/* With set_ioreq_server_state's. */
struct dm_op_server_state {
	u32 op;
	u32 pad;
	u16 id;
	u8 enabled;
	u8 pad2;
};

_Static_assert(sizeof(struct dm_op_server_state) == 12, "dm_op_server_state");
_Static_assert(sizeof(struct privcmd_mmapbatch) == 32 && MMAPBATCH_SIZE == 24, "privcmd_mmapbatch");
_Static_assert(sizeof(struct dm_op_server_info) == 32, "dm_op_server_info");

/* The head of the kernel's struct vm_area_struct, the same from Linux 4.18 to 7.3. */
struct vma_head {
	u64 first, end;
};

struct multicall_entry {
	u64 op;
	u64 result;
	u64 args[6];
};

struct domctl_head {
	u32 cmd;
	u32 interface_version;
	u16 domain;
	u16 pad[3];
};

#endif
