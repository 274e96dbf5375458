/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ioctls of privcmd and evtchn: a record at entry, one at return, joined by the
 * thread and the time of the entry.
 */
#ifndef IOTRACE_CALLS_H
#define IOTRACE_CALLS_H

#include "eventfd.h"
#include "gfns.h"

INLINE void fill_dmop(struct rec_dmop *r, const struct privcmd_dm_op *op, const struct privcmd_dm_op_buf *buf)
{
	r->dom = op->dom;
	r->num = op->num;
	r->size0 = buf->size;
	r->known = read_op(r->op, buf->ptr, buf->size);
}

/* Only the extents of modified_memory are guest layout, not guest data. */
INLINE void fill_dmop_buf(struct rec_dmop_buf *r, const struct privcmd_dm_op_buf *buf)
{
	u32 n = buf->size;

	__builtin_memset(r->data, 0, sizeof(r->data));
	r->size1 = buf->size;
	r->known1 = 0;
	r->pad = 0;
	if (*(u32 *)r->dmop.op != DMOP_MODIFIED_MEMORY)
		return;
	if (buf->size >= sizeof(r->data)) {
		if (!read_user(r->data, sizeof(r->data), buf->ptr))
			r->known1 = sizeof(r->data);
		return;
	}
	n &= sizeof(r->data) - 1;
	if (!read_user(r->data, n, buf->ptr))
		r->known1 = n;
}

FUNC int enter_dm_op(u32 cmd, u64 arg)
{
	struct call c = {.what = CALL_DMOP, .cmd = cmd};
	struct privcmd_dm_op_buf bufs[2] = {};
	struct privcmd_dm_op op = {};

	/* No buffers: the library asks whether the ioctl exists. */
	if (read_user(&op, sizeof(op), arg) || !op.num || !wanted(op.dom)) {
		ignore_call();
		return 0;
	}
	if (read_user(&bufs[0], sizeof(bufs[0]), op.bufs) ||
	    (op.num > 1 && read_user(&bufs[1], sizeof(bufs[1]), op.bufs + sizeof(bufs[0]))))
		count_lost(PROBE_PRIVCMD, REASON_FAULT, 1);
	if (op.num > 2)
		count_lost(PROBE_PRIVCMD, REASON_TRUNCATED, op.num - 2);
	c.ptr = bufs[0].ptr;
	c.a = bufs[0].size > 32 ? 32 : bufs[0].size;
	c.dom = op.dom;
	c.b = shut_ring(op.dom, bufs[0].ptr);
	if (op.num > 1) {
		struct rec_dmop_buf *r = reserve(sizeof(*r), REC_DMOP_BUF, PROBE_PRIVCMD, op.dom);

		if (r) {
			c.enter = r->dmop.head.time;
			fill_dmop(&r->dmop, &op, &bufs[0]);
			fill_dmop_buf(r, &bufs[1]);
			submit(r);
		}
	} else {
		struct rec_dmop *r = reserve(sizeof(*r), REC_DMOP, PROBE_PRIVCMD, op.dom);

		if (r) {
			c.enter = r->head.time;
			fill_dmop(r, &op, &bufs[0]);
			submit(r);
		}
	}
	save_call(&c);
	return 0;
}

INLINE u64 struct_of(const struct privcmd_hypercall *h)
{
	switch (h->op) {
	case HYPER_MEMORY_OP:
	case HYPER_EVENT_CHANNEL_OP:
	case HYPER_HVM_OP:
		return h->arg[1];
	}
	return 0;
}

/* unwrap replaces a multicall of one memory_op, libxenctrl's way, by that. */
INLINE u32 unwrap(struct privcmd_hypercall *h, struct call *c)
{
	struct multicall_entry e;
	u32 n = h->arg[1];

	if (n != 1 || read_user(&e, sizeof(e), h->arg[0]) || e.op != HYPER_MEMORY_OP)
		return n;
	c->what = CALL_MULTI;
	c->aux = h->arg[0];
	h->op = e.op;
	h->arg[0] = e.args[0];
	h->arg[1] = e.args[1];
	return 0;
}

/* The head of a domctl says what it does and to whom; no more is taken. */
INLINE u32 read_control(u8 *dst, const struct privcmd_hypercall *h)
{
	u32 n = h->op == HYPER_DOMCTL ? sizeof(struct domctl_head) : 4;

	__builtin_memset(dst, 0, 32);
	if (h->op == HYPER_DOMCTL)
		return read_user(dst, sizeof(struct domctl_head), h->arg[0]) ? 0 : n;
	return read_user(dst, 4, h->arg[0]) ? 0 : n;
}

/* destroys says that a hypercall is domctl's destroydomain, and of which domain. */
INLINE int destroys(const struct privcmd_hypercall *h, u32 *dom)
{
	struct domctl_head head;

	if (h->op != HYPER_DOMCTL || read_user(&head, sizeof(head), h->arg[0]) || head.cmd != DOMCTL_DESTROY)
		return 0;
	*dom = head.domain;
	return 1;
}

INLINE int is_control(u64 op)
{
	return op == HYPER_DOMCTL || op == HYPER_SYSCTL;
}

FUNC int enter_hypercall(u32 cmd, u64 arg)
{
	struct call c = {.what = CALL_HYPER, .cmd = cmd};
	struct privcmd_hypercall h;
	struct rec_hyper *r;
	u32 calls = 0;

	if (read_user(&h, sizeof(h), arg)) {
		count_lost(PROBE_PRIVCMD, REASON_FAULT, 1);
		ignore_call();
		return 0;
	}
	if (h.op == HYPER_MULTICALL)
		calls = unwrap(&h, &c);
	c.ptr = is_control(h.op) ? h.arg[0] : struct_of(&h);
	c.b = h.op;
	c.c = destroys(&h, &c.dom);
	r = reserve(sizeof(*r), REC_HYPER, PROBE_PRIVCMD, DOM_INVALID);
	if (r) {
		c.enter = r->head.time;
		r->nr = h.op;
		r->arg0 = h.arg[0];
		r->calls = calls;
		r->known = is_control(h.op) ? read_control(r->data, &h) : read_most(r->data, c.ptr);
		submit(r);
	}
	save_call(&c);
	return 0;
}

FUNC int enter_mmap_resource(u32 cmd, u64 arg)
{
	struct call c = {.what = CALL_MMAP, .cmd = cmd};
	struct privcmd_mmap_resource m;
	struct rec_mmap *r;

	if (read_user(&m, sizeof(m), arg)) {
		count_lost(PROBE_PRIVCMD, REASON_FAULT, 1);
		ignore_call();
		return 0;
	}
	if (!wanted(m.dom)) {
		ignore_call();
		return 0;
	}
	r = reserve(sizeof(*r), REC_MMAP, PROBE_PRIVCMD, m.dom);
	if (r) {
		c.enter = r->head.time;
		r->dom = m.dom;
		r->pad[0] = r->pad[1] = r->pad[2] = 0;
		r->type = m.type;
		r->id = m.id;
		r->idx = m.idx;
		r->pad2 = 0;
		r->num = m.num;
		submit(r);
	}
	c.ptr = m.type == 0 ? m.addr : 0;
	c.a = m.id;
	c.b = m.idx;
	c.c = m.num;
	c.dom = m.dom;
	save_call(&c);
	return 0;
}

/* enter_ioctl records a call whose argument is a word or nothing of interest. */
INLINE void enter_ioctl(struct call *c, u16 dom, u64 arg, u32 probe)
{
	struct rec_ioctl *r;

	if (!wanted(dom)) {
		c->what = CALL_IGNORED; /* but its command stays, by which a notify's return is known */
		save_call(c);
		return;
	}
	r = reserve(sizeof(*r), REC_IOCTL, probe, dom);
	if (r) {
		c->enter = r->head.time;
		r->cmd = c->cmd;
		r->dom = dom;
		r->pad = 0;
		r->arg = arg;
		submit(r);
	}
	c->dom = dom;
	save_call(c);
}

FUNC int enter_privcmd_other(u32 cmd, u64 arg)
{
	struct call c = {.what = CALL_IOCTL, .cmd = cmd};
	struct privcmd_mmap_head head = {.dom = DOM_INVALID};
	u64 n = 0;

	if (cmd == PRIVCMD_RESTRICT)
		read_user(&head.dom, sizeof(head.dom), arg);
	else if (cmd != PRIVCMD_GET_GSI && !read_user(&head, sizeof(head), arg))
		n = head.num;
	if (cmd == PRIVCMD_MMAPBATCH || cmd == PRIVCMD_MMAPBATCH_V2) {
		c.what = CALL_BATCH;
		c.ptr = arg;
	}
	enter_ioctl(&c, head.dom, n, PROBE_PRIVCMD);
	return 0;
}

INLINE void enter_privcmd(u32 cmd, u64 arg)
{
	if (cmd == PRIVCMD_UNIMPL_PROBE) {
		ignore_call();
		return;
	}
	know_process(tgid_now());
	if (cmd == PRIVCMD_DM_OP)
		enter_dm_op(cmd, arg);
	else if (cmd == PRIVCMD_HYPERCALL)
		enter_hypercall(cmd, arg);
	else if (cmd == PRIVCMD_MMAP_RESOURCE)
		enter_mmap_resource(cmd, arg);
	else if (cmd == PRIVCMD_IOEVENTFD || cmd == PRIVCMD_IRQFD)
		enter_eventfd(cmd, arg);
	else
		enter_privcmd_other(cmd, arg);
}

FUNC int enter_evtchn_ioctl(u32 cmd, u64 arg)
{
	struct call c = {.what = CALL_IOCTL, .cmd = cmd};
	u32 w[2] = {};
	struct port *p;
	u32 dom = DOM_INVALID;

	if (cmd == EVTCHN_BIND_INTERDOMAIN)
		read_user(w, 8, arg);
	else if (cmd == EVTCHN_RESTRICT_DOMID)
		read_user(w, 2, arg);
	else if (cmd != EVTCHN_RESET)
		read_user(w, 4, arg);
	switch (cmd) {
	case EVTCHN_BIND_INTERDOMAIN:
		c.what = CALL_BIND;
		c.a = w[1];
		dom = w[0];
		w[0] = w[1];
		break;
	case EVTCHN_BIND_UNBOUND:
	case EVTCHN_RESTRICT_DOMID:
		dom = w[0];
		w[0] = 0;
		break;
	case EVTCHN_BIND_STATIC: /* which does not return the port */
		c.what = CALL_UNBIND;
		c.a = w[0];
		break;
	case EVTCHN_UNBIND:
		c.what = CALL_UNBIND;
		c.a = w[0];
		/* fall through */
	case EVTCHN_NOTIFY:
		p = port_of(w[0]);
		if (p)
			dom = p->dom;
		break;
	}
	know_process(tgid_now());
	enter_ioctl(&c, dom, w[0], PROBE_EVTCHN_IOCTL);
	return 0;
}

/*
 * A recorded slot tells all of an answer. Where the return shows which call it is
 * of, it needs no mark of the entry's to know that; see notified.
 */
#ifdef FENTRY
INLINE void ignore_notify(void)
{
}

/* notified says whether a notify was recorded as a call, which hardly any is. */
INLINE int notified(void)
{
	const struct changes *now = changes();
	struct call *c;
	u64 id;

	if (now && !now->notifies)
		return 0;
	id = bpf_get_current_pid_tgid();
	c = bpf_map_lookup_elem(&calls, &id);
	return c && c->cmd == EVTCHN_NOTIFY;
}
#else
INLINE void ignore_notify(void)
{
	ignore_call();
}
#endif

/*
 * enter_notify records the slot that is being answered, before Xen takes it. The rings
 * need a look before that if there was something in them when the request was read.
 */
INLINE void enter_notify(u64 arg)
{
	struct port *p;
	u32 port;

	if (read_user(&port, sizeof(port), arg)) {
		count_lost(PROBE_IORESP, REASON_FAULT, 1);
		ignore_notify();
		return;
	}
	p = port_of(port);
	if (!p || !p->idle)
		look_at_rings();
	if (record_slot(port, p, AT_NOTIFY)) {
		p->answered = 1;
		ignore_notify();
		return;
	}
	if (p)
		tell_unmask(port, p);
	enter_evtchn_ioctl(EVTCHN_NOTIFY, arg);
}

#endif
