/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The ioctls by which a device model has dom0's kernel answer requests and raise
 * interrupts by itself, with CONFIG_XEN_PRIVCMD_EVENTFD.
 */
#ifndef IOTRACE_EVENTFD_H
#define IOTRACE_EVENTFD_H

#include "call.h"

/* fill_irqfd keeps the dm_op that the kernel is to make, not its address. */
INLINE int fill_irqfd(struct rec_eventfd *r, u64 arg)
{
	struct privcmd_irqfd f;

	if (read_user(&f, sizeof(f), arg))
		return 0;
	r->ioctl.arg = f.fd;
	r->flags = f.flags;
	r->known = read_op(r->data, f.dm_op, f.size);
	return 1;
}

INLINE int fill_ioeventfd(struct rec_eventfd *r, u64 arg)
{
	struct privcmd_ioeventfd f;

	if (read_user(&f, sizeof(f), arg))
		return 0;
	r->ioctl.arg = f.event_fd;
	r->flags = f.flags;
	r->known = sizeof(r->data);
	((u64 *)r->data)[0] = f.addr;
	((u64 *)r->data)[1] = f.addr_len | (u64)f.vcpus << 32;
	((u64 *)r->data)[2] = f.vq;
	((u64 *)r->data)[3] = 0;
	return 1;
}

FUNC int enter_eventfd(u32 cmd, u64 arg)
{
	struct call c = {.what = CALL_IOCTL, .cmd = cmd};
	u32 at = cmd == PRIVCMD_IRQFD ? IRQFD_DOM : IOEVENTFD_DOM;
	u16 dom = DOM_INVALID;
	struct rec_eventfd *r;

	read_user(&dom, sizeof(dom), arg + at);
	if (!wanted(dom)) {
		ignore_call();
		return 0;
	}
	r = reserve(sizeof(*r), REC_EVENTFD, PROBE_PRIVCMD, dom);
	if (r) {
		c.enter = r->ioctl.head.time;
		r->ioctl.cmd = cmd;
		r->ioctl.dom = dom;
		r->ioctl.pad = 0;
		r->ioctl.arg = 0;
		r->known = r->flags = 0;
		if (!(cmd == PRIVCMD_IRQFD ? fill_irqfd(r, arg) : fill_ioeventfd(r, arg)))
			r->ioctl.head.flags |= FLAG_FAULT;
		submit(r);
	}
	c.dom = dom;
	save_call(&c);
	return 0;
}

#endif
