/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The probes on drivers' functions: one copy of these two programs for each
 * function, with its own table of one hook and all other tables shared.
 */
#include "driver.h"

char _license[] SEC("license") = "Dual BSD/GPL";

INLINE struct hook_key key_of(const struct hook *h)
{
	struct hook_key k = {.thread = bpf_get_current_pid_tgid(), .hook = h->id};

	return k;
}

/* begin keeps a call until its function returns. */
INLINE void begin(const struct hook *h, struct hook_call *c)
{
	struct hook_key k = key_of(h);

	if (bpf_map_update_elem(&hook_calls, &k, c, UPDATE_ANY))
		count_lost(PROBE_PRIVCMD, REASON_MAP_FULL, 1);
}

INLINE void unbound(u32 irq, u32 driver)
{
	struct kernel_port *p = bpf_map_lookup_elem(&kernel_ports, &irq);

	if (p && p->page.driver == driver)
		bpf_map_delete_elem(&kernel_ports, &irq);
}

/* entered does what a role demands at entry. It is false if the return is of no
 * interest. */
INLINE int entered(const struct hook *h, struct hook_call *c)
{
	switch (h->role) {
	case ROLE_REQUEST:
	case ROLE_ANSWER:
		if (is_known(c, VAL_IRQ))
			record_kernel_slot(c->value[VAL_IRQ], h->driver, h->role == ROLE_ANSWER ? AT_ANSWER : AT_ARRIVAL);
		return 0;
	case ROLE_UNBIND:
		if (is_known(c, VAL_IRQ))
			unbound(c->value[VAL_IRQ], h->driver);
		return 0;
	case ROLE_UNPAGE:
		if (is_known(c, VAL_PAGE))
			forget_page(c->value[VAL_PAGE]);
		return 0;
	case ROLE_BIND:
		return !h->handler || (is_known(c, VAL_HANDLER) && c->value[VAL_HANDLER] == h->handler);
	case ROLE_PAGE:
		return !is_known(c, VAL_COUNT) || c->value[VAL_COUNT] == 1;
	}
	know_process(tgid_now());
	record_hook(h, c, REC_HOOK, 0);
	return 1;
}

SEC("kprobe/driver")
int driver_enter(struct registers *r)
{
	struct hook *h = this_hook();
	struct hook_call *c = scratch();

	if (!h || !c)
		return 0;
	c->known = 0;
	c->enter = bpf_ktime_get_ns();
	c->args[0] = r->di;
	c->args[1] = r->si;
	c->args[2] = r->dx;
	c->args[3] = r->cx;
	c->args[4] = r->r8;
	c->args[5] = r->r9;
	find_all(0, 0);
	if (entered(h, c))
		begin(h, c);
	send(r);
	return 0;
}

/* learn_port enters a channel that a driver has just bound. */
INLINE void learn_port(const struct hook *h, const struct hook_call *c)
{
	struct kernel_port p = {.remote = c->value[VAL_PORT], .page = page_of(h, c)};
	u32 irq = c->value[VAL_IRQ];

	if ((s32)irq < 0 || !is_known(c, VAL_DOM) || !is_known(c, VAL_PORT))
		return;
	if (bpf_map_update_elem(&kernel_ports, &irq, &p, UPDATE_ANY))
		count_lost(PROBE_EVTCHN_IOCTL, REASON_MAP_FULL, 1);
}

SEC("kretprobe/driver")
int driver_return(struct registers *r)
{
	struct hook *h = this_hook();
	struct hook_call *c = scratch(), *begun;
	struct hook_key k;

	if (!h || !c)
		return 0;
	k = key_of(h);
	begun = bpf_map_lookup_elem(&hook_calls, &k);
	if (!begun)
		return 0;
	*c = *begun;
	bpf_map_delete_elem(&hook_calls, &k);
	find_all(1, r->ax);
	if (h->role == ROLE_BIND)
		learn_port(h, c);
	if (h->role == ROLE_PAGE)
		learn_page(h, c);
	/* Of a page or a channel the reader needs no more than whose handle it is. */
	if (h->role == ROLE_CALL || is_known(c, VAL_HANDLE))
		record_hook(h, c, REC_HOOK_RET, r->ax);
	send(r);
	return 0;
}
