/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Device models inside dom0's kernel. What a driver's function is to the programs
 * is data: a role, and where its arguments are to be found. Package record makes
 * it out of a driver profile and gives it to each copy of the programs.
 */
#ifndef IOTRACE_DRIVER_H
#define IOTRACE_DRIVER_H

#include "slot.h"

enum { ROLE_CALL = 1, ROLE_REQUEST, ROLE_ANSWER, ROLE_BIND, ROLE_UNBIND, ROLE_PAGE, ROLE_UNPAGE };

/* Where the values of a role are. Those behind them are a call's own. */
enum { VAL_DOM, VAL_SERVER, VAL_IRQ, VAL_PORT, VAL_PAGE, VAL_HANDLER, VAL_COUNT, VAL_HANDLE, VALUES = 16 };

enum { FROM_NOTHING, FROM_CONST, FROM_ARG, FROM_RET };

/* How one value is found: a start, and up to two steps through memory. */
struct source {
	u64 value; /* FROM_CONST */
	s32 offset[2];
	u8 from;
	u8 arg;
	u8 steps;
	u8 size;   /* of the value in bytes */
	u8 late;   /* it is there when the function returns */
	u8 pad[3];
};

struct hook {
	u64 handler; /* ROLE_BIND: only channels with this handler are the driver's */
	u32 id;
	u32 driver;
	u32 role;
	u32 pad;
	struct source values[VALUES];
};

_Static_assert(sizeof(struct source) == 24, "source");
_Static_assert(sizeof(struct hook) == 24 + VALUES * 24, "hook");

/* Each copy of the programs has its own. */
struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hook);
} hooks SEC(".maps");

/* Which page of slots: of a server, or of a domain if the profile knows no servers. */
struct page_key {
	u32 driver;
	u16 dom;
	u16 server;
};

/* A page of slots that a driver has mapped. */
struct kernel_page {
	u64 va;
	u64 born;
	u8 taken[SLOTS]; /* since the last answer: REQUEST_SEEN or REQUEST_LEFT */
};

/* An event channel that a driver has bound, by its irq. */
struct kernel_port {
	u64 born; /* of the page, 0 while no slot of it is known */
	struct page_key page;
	u32 remote;
	u32 vcpu;
};

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 256);
	__type(key, struct page_key);
	__type(value, struct kernel_page);
} kernel_pages SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 256);
	__type(key, u64); /* kernel_page.va */
	__type(value, struct page_key);
} page_names SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 4096);
	__type(key, u32); /* irq */
	__type(value, struct kernel_port);
} kernel_ports SEC(".maps");

struct hook_key {
	u64 thread;
	u32 hook;
	u32 pad;
};

/* A driver's function between entry and return. */
struct hook_call {
	u64 enter;
	u64 known;
	u64 args[8];
	u64 value[VALUES];
};

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 4096);
	__type(key, struct hook_key);
	__type(value, struct hook_call);
} hook_calls SEC(".maps");

/* Too large for the stack. All copies share it: kprobe programs of one CPU exclude
 * each other. */
struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hook_call);
} hook_scratch SEC(".maps");

INLINE u64 cut(u64 v, u32 size)
{
	return size >= 8 ? v : v & ((1ull << size * 8) - 1);
}

/* read_word reads a value of size bytes of the kernel's memory. */
INLINE long read_word(u64 *v, u32 size, u64 at)
{
	*v = 0;
	if (size == 1)
		return bpf_probe_read_kernel(v, 1, (void *)at);
	if (size == 2)
		return bpf_probe_read_kernel(v, 2, (void *)at);
	if (size == 4)
		return bpf_probe_read_kernel(v, 4, (void *)at);
	return bpf_probe_read_kernel(v, 8, (void *)at);
}

INLINE struct hook *this_hook(void)
{
	return only_value(&hooks);
}

INLINE struct hook_call *scratch(void)
{
	return only_value(&hook_scratch);
}

/* find looks value i up, if it is there now. One that cannot be read stays unknown. */
FUNC int find(u32 i, u32 late, u64 ret)
{
	struct hook *h = this_hook();
	struct hook_call *c = scratch();
	struct source *s;
	u64 v;

	if (!h || !c || i >= VALUES)
		return 0;
	i = hidden(i) & (VALUES - 1);
	s = &h->values[i];
	if (s->from == FROM_NOTHING || !s->late != !late)
		return 0;
	v = s->from == FROM_ARG ? c->args[hidden(s->arg) & 7] : s->from == FROM_RET ? ret : s->value;
	if (s->steps > 1 && read_word(&v, 8, v + s->offset[0]))
		return 0;
	if (s->steps && read_word(&v, s->size, v + s->offset[s->steps > 1]))
		return 0;
	c->value[i] = cut(v, s->size);
	c->known |= 1ull << i;
	return 1;
}

FUNC int find_all(u32 late, u64 ret)
{
	u32 i;

	LOOP
	for (i = 0; i < VALUES; i++)
		find(i, late, ret);
	return 0;
}

/* is_known says whether value i was found. */
INLINE int is_known(const struct hook_call *c, u32 i)
{
	return c->known >> i & 1;
}

INLINE void record_hook(const struct hook *h, const struct hook_call *c, u8 kind, s64 ret)
{
	struct rec_hook *r = reserve(sizeof(*r), kind, PROBE_PRIVCMD, is_known(c, VAL_DOM) ? c->value[VAL_DOM] : DOM_INVALID);
	u32 i;

	if (!r)
		return;
	r->hook = h->id;
	r->pad = 0;
	r->known = c->known;
	r->enter = c->enter;
	r->ret = ret;
#pragma unroll
	for (i = 0; i < VALUES; i++)
		r->values[i] = c->value[i];
	submit(r);
}

INLINE struct page_key page_of(const struct hook *h, const struct hook_call *c)
{
	struct page_key k = {
		.driver = h->driver,
		.dom = c->value[VAL_DOM],
		.server = is_known(c, VAL_SERVER) ? c->value[VAL_SERVER] : NO_SERVER,
	};

	return k;
}

/*
 * learn_page enters a page of slots that was just mapped. Drivers map the guest's
 * memory by the same function, but later: the first page is taken and no other.
 */
INLINE void learn_page(const struct hook *h, const struct hook_call *c)
{
	struct kernel_page p = {.va = c->value[VAL_PAGE], .born = bpf_ktime_get_ns()};
	struct page_key k = page_of(h, c);

	if (!p.va || !is_known(c, VAL_PAGE) || !is_known(c, VAL_DOM) || bpf_map_lookup_elem(&kernel_pages, &k))
		return;
	if (bpf_map_update_elem(&kernel_pages, &k, &p, UPDATE_ANY) || bpf_map_update_elem(&page_names, &p.va, &k, UPDATE_ANY))
		count_lost(PROBE_IOREQ, REASON_MAP_FULL, 1);
}

INLINE void forget_page(u64 va)
{
	struct page_key *k = bpf_map_lookup_elem(&page_names, &va);

	if (!k)
		return;
	bpf_map_delete_elem(&kernel_pages, k);
	bpf_map_delete_elem(&page_names, &va);
}

#ifdef PERF

/* Its reads do not care whose addresses they are. */
INLINE int slot_of(u64 va, u32 remote)
{
	return find_vcpu(va, remote);
}

#else

/* slot_of returns the index of the slot whose vp_eport is remote, or -1. */
FUNC int slot_of(u64 va, u32 remote)
{
	u32 eport, v;

	LOOP
	for (v = 0; v < SLOTS; v++) {
		if (bpf_probe_read_kernel(&eport, sizeof(eport), (void *)(va + v * SLOT_SIZE + SLOT_EPORT)))
			return -1;
		if (eport == remote)
			return v;
	}
	return -1;
}

#endif

/* slot_page returns the page of a driver's channel, once its slot there is known. */
INLINE struct kernel_page *slot_page(struct kernel_port *p)
{
	struct page_key k = p->page;
	struct kernel_page *page = bpf_map_lookup_elem(&kernel_pages, &k);
	int v;

	if (!page || p->born == page->born)
		return page;
	v = slot_of(page->va, p->remote);
	if (v < 0)
		return 0;
	p->vcpu = v;
	p->born = page->born;
	return page;
}

enum { AT_ARRIVAL = 1, AT_ANSWER };

enum { REQUEST_SEEN = 1, REQUEST_LEFT };

/* takes_slot says whether a slot is to be recorded: the answer goes the way of its
 * request, which the page remembers. */
INLINE int takes_slot(u8 *taken, u32 server, const u64 slot[4], u32 when)
{
	if (when == AT_ARRIVAL && (!is_ready(slot) || *taken))
		return 0;
	if (!*taken)
		*taken = wanted_server(server) && wanted_request(slot) && in_sample(REC_SLOT_IN) ? REQUEST_SEEN : REQUEST_LEFT;
	return *taken == REQUEST_SEEN;
}

/* record_kernel_slot records the slot of a driver's channel. */
FUNC int record_kernel_slot(u32 irq, u32 driver, u32 when)
{
	struct kernel_port *p = bpf_map_lookup_elem(&kernel_ports, &irq);
	struct kernel_page *page;
	struct rec_slot *r;
	u64 slot[4] = {};
	u32 probe = when == AT_ANSWER ? PROBE_IORESP : PROBE_IOREQ;
	u64 vcpu;
	int takes = 0;

	if (!p || p->page.driver != driver || !wanted(p->page.dom))
		return 0;
	page = slot_page(p);
	if (!page) {
		if (when == AT_ANSWER)
			count_lost(probe, REASON_NO_ENTRY, 1);
		return 0;
	}
	vcpu = hidden(p->vcpu) & (SLOTS - 1);
	if (bpf_probe_read_kernel(slot, sizeof(slot), (void *)(page->va + vcpu * SLOT_SIZE)))
		count_lost(probe, REASON_FAULT, 1);
	else
		takes = takes_slot(&page->taken[vcpu], p->page.server, slot, when);
	if (when == AT_ANSWER)
		page->taken[vcpu] = 0;
	if (!takes)
		return 0;
	r = reserve(sizeof(*r), when == AT_ANSWER ? REC_SLOT_OUT : REC_SLOT_IN, probe, p->page.dom);
	if (!r)
		return 0;
	r->head.flags = FLAG_KERNEL;
	r->port = irq;
	r->remote = p->remote;
	r->dom = p->page.dom;
	r->server = p->page.server;
	r->vcpu = vcpu;
	r->entry = 0;
	r->born = page->born;
	r->with = r->by = 0;
	copy_slot(r, slot);
	submit(r);
	return 1;
}

#endif
