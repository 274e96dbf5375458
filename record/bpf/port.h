/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What happens to an event channel: the interrupt, the read, the unmask. */
#ifndef IOTRACE_PORT_H
#define IOTRACE_PORT_H

#include "choice.h"

INLINE struct rec_port *reserve_port(u32 port, const struct port *p, u8 kind, u32 probe)
{
	u32 dom = p ? p->dom : DOM_INVALID;
	struct rec_port *r = reserve_both(sizeof(*r), kind, probe, NOTHING, dom);

	if (!r)
		return 0;
	r->port = port;
	r->remote = p ? p->remote : 0;
	r->dom = dom;
	r->on = r->head.cpu;
	r->pad[0] = r->pad[1] = 0;
	return r;
}

INLINE int wants_port(const struct port *p, u8 kind)
{
	return wanted(p ? p->dom : DOM_INVALID) && wanted_kind(kind) && in_sample(kind);
}

INLINE void record_port(u32 port, const struct port *p, u8 kind, u32 probe)
{
	struct rec_port *r;

	if (!wants_port(p, kind))
		return;
	r = reserve_port(port, p, kind, probe);
	if (r)
		submit(r);
}

/* told ends the wait of an event, whether or not there was room for it. */
INLINE void told(struct port *p, u32 unmask)
{
	if (unmask)
		p->unmasked = 0;
	else
		p->arrived = 0;
}

/*
 * An interrupt is told with the slot that its read finds, an unmask with the slot that
 * the notify behind it sends: a record less for each. tell makes a record of what waits
 * for a slot that does not come. What waits for long, or at the end, package record
 * finds in the table.
 */
FUNC int tell(u32 port, u32 unmask)
{
	struct port *p = port_of(port);
	struct rec_port *r;

	if (!p || !(unmask ? p->unmasked : p->arrived))
		return 0;
	r = reserve_port(port, p, unmask ? REC_UNMASK : REC_INTERRUPT, unmask ? PROBE_EVTCHN_WRITE : PROBE_INTERRUPT);
	if (r) {
		r->on = p->arrived_on;
		r->head.time = p->arrived;
		if (unmask) {
			r->head.time = p->unmasked;
			r->head.tgid = p->unmasked_by >> 32;
			r->head.tid = p->unmasked_by;
		}
		submit(r);
	}
	told(p, unmask);
	return 1;
}

INLINE void tell_arrival(u32 port, const struct port *p)
{
	if (p->arrived)
		tell(port, 0);
}

INLINE void tell_unmask(u32 port, const struct port *p)
{
	if (p->unmasked)
		tell(port, 1);
}

/*
 * passes_by says that an interrupt, which is of no process, is not wanted: where processes
 * are chosen, it is if one of them has bound the port or read it.
 */
INLINE int passes_by(u32 port)
{
	const struct settings *c = chosen();
	struct port *p;

	if (!c || !c->by_pid)
		return 0;
	p = bpf_map_lookup_elem(&ports, &port);
	return !p || !(p->read || p->tgid);
}

/* arrived_at is for the interrupt of a port. */
INLINE void arrived_at(u32 port)
{
	struct port *p = port_of(port);

	if (passes_by(port))
		return;
	if (!p || !p->slot) {
		record_port(port, p, REC_INTERRUPT, PROBE_INTERRUPT);
		return;
	}
	if (!wants_port(p, REC_INTERRUPT))
		return;
	tell_arrival(port, p);
	p->arrived_on = bpf_get_smp_processor_id();
	p->arrived = bpf_ktime_get_ns();
}

/* record_unmask records an unmask or, if a request is open, lets it wait for the answer. */
INLINE void record_unmask(u32 port, struct port *p, int open)
{
	if (!p || !open || !wanted_kind(REC_SLOT_OUT)) {
		record_port(port, p, REC_UNMASK, PROBE_EVTCHN_WRITE);
		return;
	}
	if (!wants_port(p, REC_UNMASK))
		return;
	tell_unmask(port, p);
	p->unmasked_by = bpf_get_current_pid_tgid();
	p->unmasked = bpf_ktime_get_ns();
}

#endif
