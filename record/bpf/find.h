/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where the synchronous slot of a port is: the one whose vp_eport is the port's remote
 * end, in a page that the process which reads the port has mapped.
 */
#ifndef IOTRACE_FIND_H
#define IOTRACE_FIND_H

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
	u32 v;
	u8 *page = only_value(&pages);
	u64 found = 0, differ, wanted = hidden(remote); /* a word: else each comparison has one made of it */

	if (!page || !remote || read_user(page, PAGE_SIZE, sync))
		return -1;
	LOOP
	for (v = 0; v < SLOTS; v++) {
		differ = *(u32 *)(page + v * SLOT_SIZE + SLOT_EPORT) ^ wanted;
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

/* candidate tries entry i of the process's mappings for the port's slot. */
FUNC int candidate(u32 port, u32 i)
{
	u32 tgid = tgid_now(), unsure;
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	struct port *p = port_of(port);
	struct server *s;
	int v;

	if (!t || !p || i >= SERVERS)
		return 0;
	s = server_at(t, i);
	if (!s->sync || (s->dom != DOM_INVALID && s->dom != p->dom))
		return 0;
	unsure = s->sure ? 0 : ONE_UNSURE;
	v = find_vcpu(s->sync, p->remote);
	if (v >= 0 && (!unsure || plausible(s->sync + v * SLOT_SIZE)))
		unsure += ONE_MATCH + (i << VCPU_BITS) + v;
	return unsure;
}

#ifdef PERF

/* In a table, because the verifier would follow each sum that it knows by itself. */
struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} sums SEC(".maps");

INLINE u32 candidates(u32 port)
{
	u32 *sum = only_value(&sums), i;

	if (!sum)
		return 0;
	*sum = 0;
	LOOP
	for (i = 0; i < TRIED; i++)
		*sum += candidate(port, i);
	return *sum;
}

#else

/* candidates adds up what all entries say. */
INLINE u32 candidates(u32 port)
{
	u32 sum = 0, i;

	LOOP
	for (i = 0; i < TRIED; i++)
		sum += candidate(port, i);
	return sum;
}

#endif

/*
 * resolve finds the port's slot among the mappings of the current process. A
 * mapping that was found, not seen being made, has no domain yet: then two
 * that match are none, because either could be another domain's.
 */
FUNC int resolve(u32 port)
{
	u32 tgid = tgid_now(), sum, i, vcpu;
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	struct port *p = port_of(port);
	struct server *s;

	/* One that was there before may never make a call that names it. */
	know_process(tgid);
	if (!t || !p || p->generation == t->generation + 1)
		return 0;
	p->slot = 0;
	sum = candidates(port);
	if ((sum / ONE_MATCH & 0xff) != 1) {
		if (sum < ONE_UNSURE || p->tries++ >= TRIES)
			p->generation = t->generation + 1;
		return 0;
	}
	i = (sum & PLACE) >> VCPU_BITS;
	vcpu = sum & (SLOTS - 1);
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

#endif
