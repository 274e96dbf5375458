/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Returns of the calls, and what the programs learn from them. */
#ifndef IOTRACE_RETURNS_H
#define IOTRACE_RETURNS_H

#include "calls.h"

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

/* learn_ring enters a ring that was just mapped, and goes on with a known one. */
INLINE void learn_ring(struct server *s, u64 addr)
{
	u64 name = name_of_server(s->dom, s->id);
	struct ring fresh = {.born = bpf_ktime_get_ns()}, *g;

	bpf_map_update_elem(&rings, &name, &fresh, UPDATE_NOEXIST);
	g = bpf_map_lookup_elem(&rings, &name);
	if (g)
		s->ring = g->born;
	else
		count_lost(PROBE_RING, REASON_MAP_FULL, 1);
	s->buf = addr;
}

/* learn_mapping enters the pages of an ioreq server that were just mapped. */
INLINE int learn_mapping(const struct call *c)
{
	u32 tgid = tgid_now(), zero = 0, entry;
	struct table *t, *blank = bpf_map_lookup_elem(&no_servers, &zero);
	struct server *s;

	if (!blank)
		return 0;
	bpf_map_update_elem(&servers, &tgid, blank, UPDATE_NOEXIST);
	t = bpf_map_lookup_elem(&servers, &tgid);
	entry = entry_of(c->dom, c->a);
	if (!t || entry >= SERVERS) {
		count_lost(PROBE_IOREQ, REASON_MAP_FULL, 1);
		return 0;
	}
	if (entry >= t->used)
		t->used = entry + 1;
	s = server_at(t, entry);
	s->dom = c->dom;
	s->id = c->a;
	s->sure = 1;
	s->calm = 0;
	s->born = bpf_ktime_get_ns();
	if (c->b == 0)
		learn_ring(s, c->ptr);
	if (c->b == 0 && c->c > 1)
		s->sync = c->ptr + PAGE_SIZE;
	if (c->b == 1)
		s->sync = c->ptr;
	t->generation = s->born;
	mappings_change();
	return 1;
}

/* forget_entry also ends a ring that is this mapping's alone. */
INLINE void forget_entry(struct table *t, u32 entry)
{
	struct server *s = server_at(t, entry);

	if (s->buf && s->id == NO_SERVER)
		end_ring(ring_name(s, tgid_now(), entry), s->dom, s->id, entry);
	s->sync = 0;
	s->buf = 0;
	s->born = 0;
	t->generation = bpf_ktime_get_ns();
}

/*
 * forget clears what the current process has mapped in size bytes from first on, and
 * of the server of that name, which may be none.
 */
FUNC int forget(u64 first, u64 size, u64 name)
{
	u32 tgid = tgid_now(), i;
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	struct server *s;

	if (!t)
		return 0;
	LOOP
	for (i = 0; i < TRIED; i++) {
		s = server_at(t, i);
		if (s->buf - first < size || s->sync - first < size || name_of_server(s->dom, s->id) == name)
			forget_entry(t, i);
	}
	mappings_change();
	return 0;
}

/* forget_server clears the pages of a server that was destroyed. */
INLINE void forget_server(u32 dom, u32 id)
{
	end_server(dom, id);
	forget(0, 0, name_of_server(dom, id));
}

/* forget_domain ends the rings of a domain that was destroyed. */
FUNC int forget_domain(u32 dom)
{
	u32 id;

	LOOP
	for (id = 0; id < DOMAIN_SERVERS; id++)
		end_server(dom, id);
	return 0;
}

/* tell_waiting tells of what waits for a slot that will not come. */
INLINE void tell_waiting(u32 port)
{
	tell(port, 0);
	tell(port, 1);
}

INLINE void learn_port(u32 local, u32 dom, u32 remote)
{
	struct port p = {.remote = remote, .dom = dom, .tgid = tgid_now(), .server = NO_SERVER};

	tell_waiting(local);
	if (bpf_map_update_elem(&ports, &local, &p, UPDATE_ANY))
		count_lost(PROBE_IOREQ, REASON_MAP_FULL, 1);
}

INLINE void forget_port(u32 port)
{
	struct port *p = port_of(port);

	tell_waiting(port);
	if (p)
		p->remote = 0;
}

INLINE void learn(const struct call *c, s64 ret, const u8 *data)
{
	if (c->what == CALL_BIND && ret >= 0)
		learn_port(ret, c->dom, c->a);
	else if (c->what == CALL_UNBIND && ret == 0)
		forget_port(c->a);
	else if (c->what == CALL_MMAP && ret == 0 && c->ptr)
		learn_mapping(c);
	else if (c->what == CALL_DMOP && ret == 0 && *(u32 *)data == DMOP_DESTROY_IOREQ_SERVER)
		forget_server(c->dom, *(u16 *)(data + 8));
	else if (c->what == CALL_DMOP && ret == 0 && *(u32 *)data == DMOP_CREATE_IOREQ_SERVER)
		end_server(c->dom, *(u16 *)(data + 12));
	else if (c->what == CALL_HYPER && ret == 0 && c->c)
		forget_domain(c->dom);
}

INLINE u8 ret_kind(u32 what)
{
	if (what == CALL_DMOP)
		return REC_DMOP_RET;
	if (what == CALL_HYPER || what == CALL_MULTI)
		return REC_HYPER_RET;
	return REC_IOCTL_RET;
}

INLINE u32 read_result(struct call *c, u8 *data, s64 *ret)
{
	struct privcmd_hypercall h = {.op = c->b, .arg = {c->ptr}};

	if (c->what == CALL_DMOP)
		return read_op(data, c->ptr, c->a);
	if (c->what == CALL_MULTI)
		read_user(ret, sizeof(*ret), c->aux + 8);
	if (c->what == CALL_HYPER && is_control(c->b))
		return read_control(data, &h);
	if (c->what == CALL_HYPER || c->what == CALL_MULTI)
		return read_most(data, c->ptr);
	return 0;
}

/* returned handles the return of a privcmd or evtchn ioctl. */
FUNC int returned(u64 result, u32 probe)
{
	u64 id = bpf_get_current_pid_tgid();
	struct call *saved = bpf_map_lookup_elem(&calls, &id);
	u8 data[32] = {};
	s64 ret = result;
	struct rec_ret *r;
	struct call c;
	u32 known;

	if (!saved) {
		count_lost(probe, REASON_NO_ENTRY, 1);
		return 0;
	}
	c = *saved;
	bpf_map_delete_elem(&calls, &id);
	if (c.cmd == EVTCHN_NOTIFY)
		count_notify(-1);
	if (c.what == CALL_IGNORED)
		return 0;
	known = read_result(&c, data, &ret);
	learn(&c, ret, data);
	r = reserve(sizeof(*r), ret_kind(c.what), probe, c.dom);
	if (!r)
		return 0;
	r->enter = c.enter;
	r->ret = ret;
	r->cmd = c.cmd;
	r->known = known;
	__builtin_memcpy(r->data, data, sizeof(r->data));
	if (c.what != CALL_MMAP) {
		submit(r);
		return 0;
	}
	/* A new mapping needs its sampler and a first look at once. */
	submit_now(r);
	drain();
	return 0;
}

#endif
