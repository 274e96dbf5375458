/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What privcmd does by itself once eventfds are set up (Linux 6.7 and later, with
 * CONFIG_XEN_PRIVCMD_EVENTFD): it answers requests in Xen's interrupt, and makes a
 * dm_op when somebody signals an eventfd. Both of its functions run with interrupts
 * off, so one place a CPU is enough between their entry and their return.
 */
#ifndef IOTRACE_ANSWER_H
#define IOTRACE_ANSWER_H

#include "slot.h"

/* Heads of the driver's structures, the same from Linux 6.7 to 7.3. */
struct ioreq_port {
	u32 vcpu;
	u32 port;
	u64 ioreq; /* struct kernel_ioreq */
};

struct kernel_ioreq {
	u16 dom;
	u16 pad;
	u32 vcpus;
	u64 user_slots;
	u64 slots;
};

struct kernel_irqfd {
	u64 op; /* right behind the structure */
	u64 size;
	u16 dom;
	u8 failed; /* the last one did */
	u8 pad[5];
};

enum { IRQFD_WAIT = 64 /* offset of what irqfd_wakeup is given */, IRQFD_MOST = 512, EPOLLIN = 1, IRQ_HANDLED = 1 };

/* What the functions of the driver were called with: an answer may signal an irqfd. */
struct begun {
	u64 irqfd, signalled; /* 0 if no dm_op is made; since when */
	u64 asked;            /* since when */
	u32 port;             /* 0 if nothing may be answered */
	u32 pad;
	u64 slot[4];
};

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct begun);
} begun_calls SEC(".maps");

INLINE struct begun *begun_call(void)
{
	return only_value(&begun_calls);
}

/* A vCPU's port has an event. What is asked is gone from the slot afterwards. */
INLINE void on_ioeventfd(u64 data)
{
	struct begun *b = begun_call();
	struct kernel_ioreq k;
	struct ioreq_port p;

	if (!b)
		return;
	b->port = 0;
	if (bpf_probe_read_kernel(&p, sizeof(p), (void *)data) || bpf_probe_read_kernel(&k, sizeof(k), (void *)p.ioreq) ||
	    bpf_probe_read_kernel(b->slot, sizeof(b->slot), (void *)(k.slots + (u64)p.vcpu * SLOT_SIZE))) {
		count_lost(PROBE_IOREQ, REASON_FAULT, 1);
		return;
	}
	b->asked = bpf_ktime_get_ns();
	b->port = p.port;
}

/* record_answer records one side of a request that the kernel has answered: it is
 * the device model's, but of none of its threads. */
INLINE void record_answer(const struct begun *b, const struct port *p, u8 kind, u32 probe)
{
	struct rec_slot *r = reserve(sizeof(*r), kind, probe, p->dom);

	if (!r)
		return;
	fill_slot(r, b->port, p, b->slot);
	r->with = r->by = 0;
	r->head.flags = FLAG_EVENTFD;
	r->head.tgid = p->tgid;
	r->head.tid = 0;
	if (kind == REC_SLOT_IN)
		r->head.time = b->asked;
	submit(r);
}

INLINE void record_answers(struct begun *b)
{
	struct port *p = port_of(b->port);

	if (!p) {
		count_lost(PROBE_IOREQ, REASON_NO_ENTRY, 1);
		return;
	}
	if (left_out(p->tgid) || !wanted(p->dom) || !wanted_server(p->server) || !wanted_request(b->slot))
		return;
	record_answer(b, p, REC_SLOT_IN, PROBE_IOREQ);
	b->slot[3] = (b->slot[3] & ~(0xfull << STATE_SHIFT)) | (u64)RESP_READY << STATE_SHIFT;
	record_answer(b, p, REC_SLOT_OUT, PROBE_IORESP);
}

/* An entry that the kernel skips leaves nothing of the one before for its return. */
INLINE void on_ioeventfd_return(u32 result)
{
	struct begun *b = begun_call();

	if (!b || !b->port)
		return;
	if (result == IRQ_HANDLED)
		record_answers(b);
	b->port = 0;
}

/* Somebody has done something to an eventfd. */
INLINE void on_irqfd(u64 wait, u64 what)
{
	struct begun *b = begun_call();

	if (!b)
		return;
	b->irqfd = what & EPOLLIN ? wait - IRQFD_WAIT : 0;
	b->signalled = bpf_ktime_get_ns();
}

/* Other drivers have a function of the same name: what lies where this one's structure
 * would be is looked at with suspicion. */
INLINE void record_call(const struct begun *b)
{
	struct kernel_irqfd f;
	struct rec_ret *r;

	if (bpf_probe_read_kernel(&f, sizeof(f), (void *)b->irqfd) || f.op - b->irqfd > IRQFD_MOST || !wanted(f.dom))
		return;
	know_process(tgid_now());
	r = reserve(sizeof(*r), REC_IRQFD, PROBE_PRIVCMD, f.dom);
	if (!r)
		return;
	r->enter = b->signalled;
	r->ret = f.failed ? -1 : 0;
	r->cmd = PRIVCMD_IRQFD;
	__builtin_memset(r->data, 0, sizeof(r->data));
	r->known = f.size >= sizeof(r->data) && !bpf_probe_read_kernel(r->data, sizeof(r->data), (void *)f.op) ? sizeof(r->data) : 0;
	submit(r);
}

/* The dm_op is made. */
INLINE void on_irqfd_return(void)
{
	struct begun *b = begun_call();

	if (!b || !b->irqfd)
		return;
	if (!ignored())
		record_call(b);
	b->irqfd = 0;
}

#endif
