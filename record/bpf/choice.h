/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which requests are recorded, and sampling: one record in so many of a kind. */
#ifndef IOTRACE_CHOICE_H
#define IOTRACE_CHOICE_H

#include "output.h"

/* Why a port's request is left out. */
enum { CHOICE = 1, SAMPLING };

/* Of each kind: how many there were, and how many sampling has left out. */
struct turns {
	u64 all, left;
};

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, u32);
	__type(value, struct turns);
} sampled SEC(".maps");

INLINE int in_range(const struct range *r, u32 type, u64 addr)
{
	return r->type == type && r->first <= addr && addr <= r->last;
}

/* wanted_request says whether a request is in a chosen range. */
INLINE int wanted_request(const u64 slot[4])
{
	const struct settings *c = chosen();
	u32 type = slot[3] >> 56;

	if (!c || !c->nr_ranges)
		return 1;
	return in_range(&c->ranges[0], type, slot[0]) ||
	       (c->nr_ranges > 1 && in_range(&c->ranges[1], type, slot[0])) ||
	       (c->nr_ranges > 2 && in_range(&c->ranges[2], type, slot[0])) ||
	       (c->nr_ranges > 3 && in_range(&c->ranges[3], type, slot[0]));
}

/* A server that is not known yet may be the one that is wanted. */
INLINE int wanted_server(u32 server)
{
	const struct settings *c = chosen();

	return !c || !c->by_server || server >= 32 || (c->by_server >> server & 1);
}

/* in_sample takes turns, and counts what has none. */
INLINE int in_sample(u32 kind)
{
	const struct settings *c = chosen();
	struct turns *t;
	u32 every = c ? c->every[kind & (KINDS - 1)] : 0;

	if (every < 2)
		return 1;
	t = bpf_map_lookup_elem(&sampled, &kind);
	if (!t || t->all++ % every == 0)
		return 1;
	__sync_fetch_and_add(&t->left, 1);
	return 0;
}

INLINE void count_left(u32 kind)
{
	struct turns *t = bpf_map_lookup_elem(&sampled, &kind);

	if (t)
		__sync_fetch_and_add(&t->left, 1);
}

#endif
