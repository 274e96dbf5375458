/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Returns of the calls, and what the programs learn from them. */
#ifndef IOTRACE_RETURNS_H
#define IOTRACE_RETURNS_H

#include "calls.h"

/* forget_server clears what was known of a server that was destroyed, or of the last of that id. */
INLINE void forget_server(u32 dom, u32 id)
{
	end_server(dom, id);
	forget_gfns(dom, id);
}

/* forget_domain ends the rings of a domain that was destroyed. */
FUNC int forget_domain(u32 dom)
{
	u32 id;

	bpf_map_delete_elem(&gfns, &dom);
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

/* binds_other says whether a call of the evtchn device returns a port of which nothing is known. */
INLINE int binds_other(u32 cmd)
{
	return cmd == EVTCHN_BIND_VIRQ || cmd == EVTCHN_BIND_UNBOUND;
}

/* forget_port is for one that is no more, or another's: its last owner may have ended with it. */
INLINE void forget_port(u32 port)
{
	struct port *p = bpf_map_lookup_elem(&ports, &port);

	tell_waiting(port);
	if (p)
		p->remote = p->tgid = p->read = 0;
}

/* learn_dm_op is for one that has succeeded. */
INLINE void learn_dm_op(u32 dom, const u8 *data)
{
	const struct dm_op_server_info *info = (const void *)data;

	switch (info->op) {
	case DMOP_CREATE_IOREQ_SERVER:
		forget_server(dom, *(u16 *)(data + 12));
		break;
	case DMOP_DESTROY_IOREQ_SERVER:
		forget_server(dom, *(u16 *)(data + 8));
		forget_pages(dom, *(u16 *)(data + 8));
		break;
	case DMOP_GET_IOREQ_SERVER_INFO:
		if (!(info->flags & NO_GFNS))
			learn_gfns(dom, info->id, info->ioreq_gfn, info->bufioreq_gfn);
		break;
	}
}

/* learn says whether the call has mapped a ring. */
INLINE int learn(const struct call *c, s64 ret, const u8 *data)
{
	if (c->what == CALL_BIND && ret >= 0)
		learn_port(ret, c->dom, c->a);
	else if (c->what == CALL_UNBIND && ret == 0)
		forget_port(c->a);
	else if (binds_other(c->cmd) && ret >= 0)
		forget_port(ret);
	else if (c->what == CALL_MMAP && ret == 0 && c->ptr)
		return learn_mapping(c);
	else if (c->what == CALL_BATCH && (ret == 0 || ret == SOME_ABSENT))
		return learn_frames(c->dom, c->cmd, c->ptr);
	else if (c->what == CALL_DMOP && ret == 0)
		learn_dm_op(c->dom, data);
	else if (c->what == CALL_HYPER && ret == 0 && c->c)
		forget_domain(c->dom);
	return 0;
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
	u32 known, ring;

	if (!saved) {
		take_mark();
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
	if (c.what == CALL_DMOP && c.b != NO_SERVER)
		settle_ring(&c, ret, data);
	ring = learn(&c, ret, data);
	r = reserve(sizeof(*r), ret_kind(c.what), probe, c.dom);
	if (!r)
		return 0;
	r->enter = c.enter;
	r->ret = ret;
	r->cmd = c.cmd;
	r->known = known;
	__builtin_memcpy(r->data, data, sizeof(r->data));
	if (!ring) {
		submit(r);
		return 0;
	}
	/* It needs its sampler and a first look at once. */
	r->head.flags |= FLAG_RING;
	submit_now(r);
	drain();
	return 0;
}

#endif
