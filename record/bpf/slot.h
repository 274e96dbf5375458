/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The synchronous slots behind event channels, as reads, unmasks and notifies find them. */
#ifndef IOTRACE_SLOT_H
#define IOTRACE_SLOT_H

#include "find.h"
#include "port.h"

/* placed says that the port's slot is known and still mapped by the current process. */
INLINE int placed(struct port *p)
{
	const struct changes *c = changes();
	u32 tgid = tgid_now(), now = c ? c->mappings + 1 : 0;
	struct table *t;

	if (!p->slot || p->tgid != tgid)
		return 0;
	if (now && p->checked == now)
		return 1;
	t = bpf_map_lookup_elem(&servers, &tgid);
	if (!t || server_at(t, p->entry)->born != p->born)
		return 0;
	p->checked = now;
	return 1;
}

/*
 * read_slot reads the port's slot, looking it up (again) if need be: a slot
 * whose vp_eport is not the port's remote end is not, or no longer, the port's.
 */
INLINE int read_slot(u32 port, struct port *p, u64 slot[4])
{
	u32 i;

	for (i = 0; i < 2; i++) {
		if ((i || !placed(p)) && !resolve(port))
			return 0;
		if (!p->slot || read_user(slot, SLOT_SIZE, p->slot))
			return -1;
		if ((u32)slot[3] == p->remote)
			return 1;
	}
	return 0;
}

enum slot_when { AT_READ, AT_UNMASK, AT_NOTIFY };

enum { READ_SEEN = 1, SLOT_SEEN = 2 };

enum { READY = 1, RESP_READY = 3 };

enum { STATE_SHIFT = 48 };

INLINE u32 state_of(const u64 slot[4])
{
	return (slot[3] >> STATE_SHIFT) & 0xf;
}

INLINE void copy_slot(struct rec_slot *r, const u64 slot[4])
{
	((u64 *)r->slot)[0] = slot[0];
	((u64 *)r->slot)[1] = slot[1];
	((u64 *)r->slot)[2] = slot[2];
	((u64 *)r->slot)[3] = slot[3];
}

INLINE void fill_slot(struct rec_slot *r, u32 port, const struct port *p, const u64 slot[4])
{
	r->port = port;
	r->remote = p->remote;
	__builtin_memcpy(&r->dom, &p->dom, 4 * sizeof(u16)); /* server, vcpu and entry behind it */
	r->born = p->born;
	copy_slot(r, slot);
}

INLINE int is_ready(const u64 slot[4])
{
	return state_of(slot) == READY;
}

/*
 * choose_slot decides whether a slot is left out. One that holds no request yet says
 * nothing of the one that comes: that is chosen, and has its turn, when it is seen, if
 * need be in its answer. There the slot may have the vCPU's next request already: what was
 * answered then is not known, and the reader is told of it.
 */
INLINE void choose_slot(struct port *p, const u64 slot[4], u32 out)
{
	u32 late = out && p->asked == EARLY, ready = is_ready(slot);
	u32 shown = out ? !(late && ready) : ready;

	p->asked = ready ? SEEN : EARLY;
	if (!wanted_server(p->server) || (shown && !wanted_request(slot)))
		p->left = CHOICE;
	else if ((out ? late : ready) && !in_sample(REC_SLOT_IN))
		p->left = SAMPLING;
}

/*
 * leaves_out says whether a slot is left out. The answer goes the way of its
 * request, which the port remembers: the slot may have the next one.
 */
INLINE int leaves_out(struct port *p, const u64 slot[4], u32 out)
{
	if (!selective())
		return 0;
	if (!out || !(p->left || p->asked == SEEN))
		choose_slot(p, slot, out);
	if (!out)
		return p->left;
	p->asked = UNSEEN;
	if (p->left == SAMPLING)
		count_left(REC_SLOT_OUT);
	return p->left;
}

/* waiting returns the probe of what waits for a slot's record, or NOTHING. */
INLINE u32 waiting(const struct port *p, u32 out)
{
	if (out)
		return p->unmasked ? PROBE_EVTCHN_WRITE : NOTHING;
	return p->arrived ? PROBE_INTERRUPT : NOTHING;
}

/* take_along gives the slot's record what waits for it, if anything does. */
INLINE void take_along(struct rec_slot *r, struct port *p, u32 out)
{
	r->with = out ? p->unmasked : p->arrived;
	r->by = out ? p->unmasked_by : p->arrived_on;
	told(p, out);
}

/*
 * is_counted says that the kernel has counted a read whose program left nothing behind. It
 * counts what it skips of fentry, but not a read that had begun before the capture, which
 * can be a port's first.
 */
INLINE int is_counted(const struct port *p)
{
#ifdef FENTRY
	return p->read;
#else
	return 0;
#endif
}

/* What record_slot returns. */
enum { NO_SLOT, RECORDED, RECORDED_READY };

/* record_slot records the port's slot, if it has one. */
INLINE int record_slot(u32 port, struct port *p, u32 when)
{
	u32 out = when == AT_NOTIFY, kind = out ? REC_SLOT_OUT : REC_SLOT_IN;
	u64 slot[4] = {};
	struct rec_slot *r;
	u32 probe, with;
	int got;

	if (!p)
		return NO_SLOT;
	if (when == AT_READ) {
		p->answered = 0;
		p->left = 0;
		p->asked = UNSEEN;
	}
	if (!wanted(p->dom))
		return RECORDED_READY;
	got = read_slot(port, p, slot);
	if (!got || (when == AT_UNMASK && !is_ready(slot)))
		return NO_SLOT;
	if (got > 0 && leaves_out(p, slot, out))
		return RECORDED_READY;
	/* Without a request or an answer in the slot no more is lost than the event. */
	if (out)
		probe = state_of(slot) == RESP_READY ? PROBE_IORESP : PROBE_EVTCHN_IOCTL;
	else
		probe = is_ready(slot) ? PROBE_IOREQ : PROBE_EVTCHN_READ;
	if (!wanted_kind(kind))
		return RECORDED_READY;
	with = waiting(p, out);
	r = reserve_both(sizeof(*r), kind, probe, with, p->dom);
	if (!r) {
		told(p, out);
		return RECORDED_READY;
	}
	if (got < 0)
		r->head.flags |= FLAG_FAULT;
	if (when == AT_UNMASK)
		r->head.flags |= p->taken || is_counted(p) ? FLAG_RETRY : FLAG_MISSED;
	fill_slot(r, port, p, slot);
	take_along(r, p, out);
	submit(r);
	return is_ready(slot) ? RECORDED_READY : RECORDED;
}

/* note_taken keeps what was seen of an event, of a port of which nothing is known as well. */
INLINE void note_taken(u32 port, u8 taken)
{
	struct port *p = bpf_map_lookup_elem(&ports, &port);

	if (!p)
		return;
	p->taken = taken;
	if (taken)
		p->read = 1;
}

/* took_port is for one port that a read() of the evtchn device returned. */
FUNC int took_port(u32 port)
{
	struct port *p = port_of(port);
	int held = drain_since(p ? p->arrived : 0), seen;

	if (p)
		tell_unmask(port, p);
	seen = record_slot(port, p, AT_READ);
	if (p)
		tell_arrival(port, p);
	if (seen == NO_SLOT)
		record_port(port, p, REC_READ, PROBE_EVTCHN_READ);
	note_taken(port, seen == RECORDED_READY ? SLOT_SEEN : READ_SEEN);
	if (p)
		p->idle = !held;
	return 0;
}

/*
 * unmasked_port is for one port that was written to the evtchn device. The
 * kernel skips a kretprobe now and then, a port's first slot may not be found at
 * once, and a request may come just behind a look at the slot: one that was not
 * seen at the read can still be in the slot here.
 */
FUNC int unmasked_port(u32 port)
{
	struct port *p = port_of(port);
	int seen = NO_SLOT;

	if (p && p->taken < SLOT_SEEN) {
		drain();
		seen = record_slot(port, p, AT_UNMASK);
	}
	if (!p || !p->left)
		record_unmask(port, p, seen == RECORDED_READY || (p && p->taken == SLOT_SEEN));
	else if (p->left == SAMPLING)
		count_left(REC_UNMASK);
	note_taken(port, 0);
	return 0;
}

/* Device models read and write one port a call. */
#ifdef PERF
enum { PORTS_PER_CALL = 1 };
#else
enum { PORTS_PER_CALL = 16 };
#endif

/* each_port is for a call of the evtchn device with n ports at buf; see took_port. */
INLINE void each_port(u64 buf, u32 n, u32 probe)
{
	u32 i, port;

	LOOP
	for (i = 0; i < PORTS_PER_CALL; i++) {
		if (i >= n)
			return;
		if (read_user(&port, sizeof(port), buf + 4 * i)) {
			count_lost(probe, REASON_FAULT, 1);
			return;
		}
		if (probe == PROBE_EVTCHN_READ)
			took_port(port);
		else
			unmasked_port(port);
	}
	if (n > PORTS_PER_CALL)
		count_lost(probe, REASON_TRUNCATED, n - PORTS_PER_CALL);
}

#endif
