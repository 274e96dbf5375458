/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The parts of Xen's public ABI, and of the lab's guest, that kmed needs. Linux's
 * own headers lack the device-model operations.
 */
#ifndef KMED_H
#define KMED_H

#include <linux/types.h>

enum {
	DMOP_CREATE = 1, DMOP_INFO, DMOP_MAP_RANGE, DMOP_UNMAP_RANGE, DMOP_SET_STATE, DMOP_DESTROY,
	DMOP_SET_MEM_TYPE = 12, DMOP_MAP_MEM_TYPE = 15,
};

enum { SPACE_PORT, SPACE_MEMORY, SPACE_PCI };
enum { MEM_RAM_RW = 0, MEM_IOREQ_SERVER = 4, ACCESS_WRITE = 2 };
enum { STATE_READY = 1, STATE_INPROCESS, STATE_RESP_READY };
enum { TYPE_PIO = 0, TYPE_COPY = 1, TYPE_PCI_CONFIG = 2, TYPE_INVALIDATE = 8 };
enum { DIR_WRITE, DIR_READ };

/* struct xen_dm_op: the union is three words for us. */
struct dm_op {
	u32 op;
	u32 pad;
	u64 u[3];
};

/* struct ioreq */
struct slot {
	u64 addr;
	u64 data;
	u32 count;
	u32 size;
	u32 eport;
	u16 pad;
	u8 bits; /* state 3:0, data_is_ptr 4, dir 5, df 6 */
	u8 type;
};

static inline u8 slot_state(const struct slot *s)
{
	return READ_ONCE(s->bits) & 0xf;
}

static inline u8 slot_dir(const struct slot *s)
{
	return s->bits >> 5 & 1;
}

static inline void slot_set_state(struct slot *s, u8 state)
{
	WRITE_ONCE(s->bits, (s->bits & 0xf0) | state);
}

/* The guest: lab/guest/guest.S has the meaning of all this. */
enum {
	PORT_COMMAND = 0x5678, PORT_RESULT = 0x567c, PORT_SCRATCH = 0x5680, PORT_END = 0x568f,
	MMIO = 0xe8000000u, MMIO_SIZE = 0x2000, PCI_DEVICE = 0x1e << 3, POOL = 0x1000, POOL_PAGES = 32,
};

enum {
	OP_END = 0, OP_PIO = 1, OP_MMIO = 4, OP_PCI = 7, OP_WRITE = 11, OP_SIZES = 12, OP_RMW = 13, OP_SMP = 19,
};

#endif
