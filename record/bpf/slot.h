/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Event channels, and the synchronous slots behind them. The slot of a port is
 * the one whose vp_eport is the port's remote end.
 */
#ifndef IOTRACE_SLOT_H
#define IOTRACE_SLOT_H

#include "ring.h"

/* know_process records the name of a process that is seen the first time. */
FUNC int know_process(u32 tgid)
{
	u32 one = 1;
	struct rec_process *r;

	if (bpf_map_lookup_elem(&processes, &tgid))
		return 0;
	bpf_map_update_elem(&processes, &tgid, &one, UPDATE_ANY);
	r = reserve(sizeof(*r), REC_PROCESS, PROBE_PROCESS, DOM_INVALID);
	if (!r)
		return 0;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	submit(r);
	return 1;
}

#ifdef PERF

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u8[PAGE_SIZE]);
} pages SEC(".maps");

/*
 * find_vcpu returns the index of the slot whose vp_eport is remote, or -1. All
 * slots are compared without a branch, each of which would double the paths
 * that the verifier has to follow.
 */
FUNC int find_vcpu(u64 sync, u32 remote)
{
	u32 zero = 0, v;
	u8 *page = bpf_map_lookup_elem(&pages, &zero);
	u64 found = 0, differ;

	if (!page || !remote || read_user(page, PAGE_SIZE, sync))
		return -1;
	LOOP
	for (v = 0; v < SLOTS; v++) {
		differ = *(u32 *)(page + v * SLOT_SIZE + SLOT_EPORT) ^ (u64)remote;
		found += hidden((differ - 1) >> 63) * (v + 1);
		asm volatile("" : "+r"(found) : : "memory"); /* else all are loaded first */
	}
	return found > SLOTS ? -1 : (s32)found - 1;
}

#else

/* find_vcpu returns the index of the slot whose vp_eport is remote, or -1. */
FUNC int find_vcpu(u64 sync, u32 remote)
{
	u32 eport, v;

	if (!remote)
		return -1;
	LOOP
	for (v = 0; v < SLOTS; v++) {
		if (read_user(&eport, sizeof(eport), sync + v * SLOT_SIZE + SLOT_EPORT))
			return -1;
		if (eport == remote)
			return v;
	}
	return -1;
}

#endif

/*
 * A page that was found may be anything that the process once mapped, and a
 * console's text can hold any number: demand a slot that is in use.
 */
INLINE int plausible(u64 slot)
{
	u64 w[4];
	u8 state, type;
	u32 size;

	if (read_user(w, sizeof(w), slot))
		return 0;
	state = (w[3] >> 48) & 0x8f;
	type = w[3] >> 56;
	size = w[2] >> 32;
	return state >= 1 && state <= 3 && !((w[3] >> 32) & 0xffff) && (type <= 2 || type == 8) &&
	       (size == 1 || size == 2 || size == 4 || size == 8);
}

/* TRIES bounds the searches for a port's slot in pages that may be anything. */
enum { TRIES = 64 };

/* What candidate adds up, made so that the answers of all entries can be added. */
enum { VCPU_BITS = 7, PLACE = 0xffff, ONE_MATCH = 1 << 16, ONE_UNSURE = 1 << 24 };

/* In a table, because the verifier would follow each sum that it knows by itself. */
struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} sums SEC(".maps");

/* candidate tries entry i of the process's mappings for the port's slot. */
FUNC int candidate(u32 port, u32 i)
{
	u32 tgid = tgid_now(), zero = 0, unsure;
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	struct port *p = port_of(port);
	u32 *sum = bpf_map_lookup_elem(&sums, &zero);
	struct server *s;
	int v;

	if (!t || !p || !sum || i >= SERVERS)
		return 0;
	s = server_at(t, i);
	if (!s->sync || (s->dom != DOM_INVALID && s->dom != p->dom))
		return 0;
	unsure = s->sure ? 0 : ONE_UNSURE;
	v = find_vcpu(s->sync, p->remote);
	if (v >= 0 && (!unsure || plausible(s->sync + v * SLOT_SIZE)))
		unsure += ONE_MATCH + (i << VCPU_BITS) + v;
	*sum += unsure;
	return 0;
}

/*
 * resolve finds the port's slot among the mappings of the current process. A
 * mapping that was found, not seen being made, has no domain yet: then two
 * that match are none, because either could be another domain's.
 */
FUNC int resolve(u32 port)
{
	u32 tgid = tgid_now(), zero = 0, i, vcpu;
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	struct port *p = port_of(port);
	u32 *sum = bpf_map_lookup_elem(&sums, &zero);
	struct server *s;

	/* One that was there before may never make a call that names it. */
	know_process(tgid);
	if (!t || !p || !sum || p->generation == t->generation + 1)
		return 0;
	p->slot = 0;
	*sum = 0;
	LOOP
	for (i = 0; i < TRIED; i++)
		candidate(port, i);
	if ((*sum / ONE_MATCH & 0xff) != 1) {
		if (*sum < ONE_UNSURE || p->tries++ >= TRIES)
			p->generation = t->generation + 1;
		return 0;
	}
	i = (*sum & PLACE) >> VCPU_BITS;
	vcpu = *sum & (SLOTS - 1);
	s = server_at(t, i);
	s->dom = p->dom;
	s->sure = 1;
	p->born = s->born;
	p->server = s->id;
	p->vcpu = vcpu;
	p->entry = i;
	p->tgid = tgid;
	p->generation = 0;
	p->checked = 0;
	p->slot = s->sync + vcpu * SLOT_SIZE;
	return 1;
}

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

/* arrived_at is for the interrupt of a port. */
INLINE void arrived_at(u32 port)
{
	struct port *p = port_of(port);

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
	r->dom = p->dom;
	r->server = p->server;
	r->vcpu = p->vcpu;
	r->entry = p->entry;
	r->born = p->born;
	r->with = r->by = 0;
	copy_slot(r, slot);
}

INLINE int is_ready(const u64 slot[4])
{
	return state_of(slot) == READY;
}

/*
 * choose_slot decides whether a slot is left out. One that holds no request yet says
 * nothing of the one that comes: that is chosen, and has its turn, when it is seen, if
 * need be in its answer.
 */
INLINE void choose_slot(struct port *p, const u64 slot[4], u32 out)
{
	u32 early = !out && !is_ready(slot), turn = !early && (!out || p->early);

	p->early = early;
	if (!wanted_server(p->server) || (!early && !wanted_request(slot)))
		p->left = CHOICE;
	else if (turn && !in_sample(REC_SLOT_IN))
		p->left = SAMPLING;
}

/*
 * leaves_out says whether a slot is left out. The answer goes the way of its
 * request, which the port remembers.
 */
INLINE int leaves_out(struct port *p, const u64 slot[4], u32 out)
{
	if (!out || !p->left)
		choose_slot(p, slot, out);
	if (out && p->left == SAMPLING)
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

/* take_along gives the slot's record what waits for it. */
INLINE void take_along(struct rec_slot *r, const struct port *p, u32 out)
{
	r->with = out ? p->unmasked : p->arrived;
	r->by = out ? p->unmasked_by : p->arrived_on;
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
	if (when == AT_READ)
		p->left = p->early = 0;
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
		if (with)
			told(p, out);
		return RECORDED_READY;
	}
	if (got < 0)
		r->head.flags |= FLAG_FAULT;
	if (when == AT_UNMASK)
		r->head.flags |= p->taken ? FLAG_RETRY : FLAG_MISSED;
	fill_slot(r, port, p, slot);
	if (with) {
		take_along(r, p, out);
		told(p, out);
	}
	submit(r);
	return is_ready(slot) ? RECORDED_READY : RECORDED;
}

/*
 * took_port is for one port that a read() of the evtchn device returned, when the rings
 * held something or not.
 */
FUNC int took_port(u32 port, u32 held)
{
	struct port *p = port_of(port);
	int seen;

	if (p)
		tell_unmask(port, p);
	seen = record_slot(port, p, AT_READ);
	if (p)
		tell_arrival(port, p);
	if (seen == NO_SLOT)
		record_port(port, p, REC_READ, PROBE_EVTCHN_READ);
	if (!p)
		return 0;
	p->taken = seen == RECORDED_READY ? SLOT_SEEN : READ_SEEN;
	p->idle = !held;
	return 0;
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
	if (p)
		p->taken = 0;
	return 0;
}

/* Device models read and write one port a call. */
#ifdef PERF
enum { PORTS_PER_CALL = 1 };
#else
enum { PORTS_PER_CALL = 16 };
#endif

/* each_port is for a call of the evtchn device with n ports at buf; see took_port. */
FUNC int each_port(u64 buf, u32 n, u32 probe, u32 held)
{
	u32 i, port;

	LOOP
	for (i = 0; i < PORTS_PER_CALL; i++) {
		if (i >= n)
			return 0;
		if (read_user(&port, sizeof(port), buf + 4 * i)) {
			count_lost(probe, REASON_FAULT, 1);
			return 0;
		}
		if (probe == PROBE_EVTCHN_READ)
			took_port(port, held);
		else
			unmasked_port(port);
	}
	if (n > PORTS_PER_CALL)
		count_lost(probe, REASON_TRUNCATED, n - PORTS_PER_CALL);
	return 0;
}

#endif
