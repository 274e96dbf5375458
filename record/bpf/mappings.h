/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the current process has mapped of ioreq servers. */
#ifndef IOTRACE_MAPPINGS_H
#define IOTRACE_MAPPINGS_H

#include "call.h"

/*
 * entry_of returns the place of a server's pages in the current process's table: where
 * they are, else the first free one, else SERVERS.
 */
FUNC int entry_of(u32 dom, u32 id)
{
	u32 tgid = tgid_now(), place = SERVERS, i;
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	struct server *s;

	if (!t)
		return SERVERS;
	LOOP
	for (i = 0; i < TRIED; i++) {
		s = server_at(t, TRIED - 1 - i);
		if (!s->sync && !s->buf)
			place = TRIED - 1 - i;
	}
	LOOP
	for (i = 0; i < TRIED; i++) {
		s = server_at(t, i);
		if ((s->sync || s->buf) && s->dom == dom && s->id == id)
			place = i;
	}
	return place;
}

/*
 * learn_ring enters a ring that was just mapped, and goes on with a known one. A new one at
 * a gfn is RING_OFF: the frame could be mapped because the guest has it.
 */
INLINE void learn_ring(struct server *s, u64 addr, u32 place)
{
	u64 name = name_of_server(s->dom, s->id);
	struct ring fresh = {.born = bpf_ktime_get_ns(), .place = place, .shut = place == RING_OFF}, *g;

	bpf_map_update_elem(&rings, &name, &fresh, UPDATE_NOEXIST);
	g = bpf_map_lookup_elem(&rings, &name);
	if (g)
		s->ring = g->born;
	else
		count_lost(PROBE_RING, REASON_MAP_FULL, 1);
	s->buf = addr;
}

/*
 * enter_pages enters what the current process has just mapped of a server: user
 * addresses, or 0. A new ring is at that place.
 */
FUNC int enter_pages(u32 dom, u32 id, u64 sync, u64 buf, u32 place)
{
	u32 tgid = tgid_now(), entry;
	struct table *t, *blank = only_value(&no_servers);
	struct server *s;

	if (!blank)
		return 0;
	bpf_map_update_elem(&servers, &tgid, blank, UPDATE_NOEXIST);
	t = bpf_map_lookup_elem(&servers, &tgid);
	entry = entry_of(dom, id);
	if (!t || entry >= SERVERS) {
		count_lost(PROBE_IOREQ, REASON_MAP_FULL, 1);
		return 0;
	}
	if (entry >= t->used)
		t->used = entry + 1;
	s = server_at(t, entry);
	s->dom = dom;
	s->id = id;
	s->sure = 1;
	s->calm = 0;
	s->born = bpf_ktime_get_ns();
	if (buf)
		learn_ring(s, buf, place);
	if (sync)
		s->sync = sync;
	t->generation = s->born;
	mappings_change();
	return 1;
}

/* learn_mapping enters pages that were mapped as a resource. It says whether a ring was. */
INLINE int learn_mapping(const struct call *c)
{
	u64 buf = c->b == 0 ? c->ptr : 0, sync = 0;

	if (c->b == 0 && c->c > 1)
		sync = c->ptr + PAGE_SIZE;
	if (c->b == 1)
		sync = c->ptr;
	enter_pages(c->dom, c->a, sync, buf, RING_APART);
	return buf != 0;
}

/*
 * forget_entry clears what an entry has mapped in size bytes from first on. It also
 * ends a ring that is this mapping's alone.
 */
INLINE void forget_entry(struct table *t, u32 entry, u64 first, u64 size)
{
	struct server *s = server_at(t, entry);

	if (s->buf - first < size) {
		if (s->buf && s->id == NO_SERVER)
			end_ring(ring_name(s, tgid_now(), entry), s->dom, s->id, entry);
		s->buf = 0;
	}
	if (s->sync - first < size) {
		s->sync = 0;
		s->born = 0;
	}
	t->generation = bpf_ktime_get_ns();
}

enum { EVERYWHERE = -1 };

/* forget clears what the current process has mapped in size bytes from first on. */
FUNC int forget(u64 first, u64 size)
{
	u32 tgid = tgid_now(), i;
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	struct server *s;

	if (!t)
		return 0;
	LOOP
	for (i = 0; i < TRIED; i++) {
		s = server_at(t, i);
		if (s->buf - first < size || s->sync - first < size)
			forget_entry(t, i, first, size);
	}
	mappings_change();
	return 0;
}

/* forget_pages clears what it has mapped of a server. */
FUNC int forget_pages(u32 dom, u32 id)
{
	u32 tgid = tgid_now(), i;
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	struct server *s;

	if (!t)
		return 0;
	LOOP
	for (i = 0; i < TRIED; i++) {
		s = server_at(t, i);
		if (s->dom == dom && s->id == id)
			forget_entry(t, i, 0, EVERYWHERE);
	}
	mappings_change();
	return 0;
}

#endif
