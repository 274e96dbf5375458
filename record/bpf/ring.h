/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Looks at the buffered rings that the current process has mapped. A look that
 * finds the pointers moved counts what Xen has filled since the last one, and is
 * recorded raw: record/ring.go says which entries are new, and how many are gone.
 * The count is kept here, where no look is missing, so that looks for which there
 * was no room are accounted for as well.
 */
#ifndef IOTRACE_RING_H
#define IOTRACE_RING_H

#include "choice.h"

struct pointers {
	u32 rp, wp;
};

enum { FEW = 8 };

INLINE long read_pointers(struct pointers *p, u64 buf)
{
	long err = read_user(p, sizeof(*p), buf);

	/* More unread than slots: a renormalisation between the two reads. */
	if (!err && p->wp - p->rp > RING_SLOTS)
		err = read_user(p, sizeof(*p), buf);
	if (!err && p->wp - p->rp > RING_SLOTS)
		err = -1;
	return err;
}

/* filled is produced of record/ring.go. */
INLINE u32 filled(const struct ring *g, const struct pointers *now)
{
	const u64 many = (u64)RING_SLOTS << 23;
	u32 consumed, unread = now->wp - now->rp;
	s32 n;

	if (!g->seen)
		return unread;
	consumed = ((s32)(now->rp - g->rp) + many) % RING_SLOTS;
	n = consumed + unread - (g->wp - g->rp);
	return n < 0 ? n + RING_SLOTS : n;
}

/* carried is how many slots below wp a copy of that many has of what Xen has filled. */
INLINE u32 carried(const struct ring *g, u32 slots)
{
	u64 there = g->total - g->gone;

	return there < slots ? there : slots;
}

INLINE void fill_ring_head(struct rec_ring_head *r, const struct ring *g, u32 dom, u32 server, u32 entry, u32 slots)
{
	r->born = g->born;
	r->total = g->total;
	r->rp = r->rp2 = g->rp;
	r->wp = r->wp2 = g->wp;
	r->dom = dom;
	r->server = server;
	r->entry = entry;
	r->carried = carried(g, slots);
}

/* copied tells what became of the ring during a copy, since so many calls. */
INLINE void copied(struct rec_ring_head *r, const struct ring *g, u64 buf, u32 calls)
{
	struct pointers after = {g->rp, g->wp};

	if (read_pointers(&after, buf) || g->calls != calls)
		r->head.flags |= FLAG_FAULT;
	r->rp2 = after.rp;
	r->wp2 = after.wp;
}

/* The last slots below wp, mostly in one stretch. */
INLINE long read_last(u64 slots[FEW], u64 buf, u32 wp)
{
	u32 first = (wp % RING_SLOTS + RING_SLOTS - FEW) % RING_SLOTS, i;
	long err = 0;

	if (first + FEW <= RING_SLOTS)
		return read_user(slots, 8 * FEW, buf + 8 + 8 * first);
	for (i = 0; i < FEW; i++)
		err |= read_user(&slots[i], 8, buf + 8 + 8 * ((first + i) % RING_SLOTS));
	return err;
}

/* record_few and record_page are false if the entries are still to be recorded. */
INLINE int record_few(const struct ring *g, const struct server *s, u32 entry, u32 calls)
{
	struct rec_ring *r = reserve_ring(sizeof(*r), REC_RING, s->dom);
	u32 fault;

	if (!r)
		return 0;
	__builtin_memset(r->slots, 0, sizeof(r->slots));
	fill_ring_head(&r->ring, g, s->dom, s->id, entry, FEW);
	if (read_last(r->slots, s->buf, g->wp))
		r->ring.head.flags |= FLAG_FAULT;
	copied(&r->ring, g, s->buf, calls);
	fault = r->ring.head.flags & FLAG_FAULT;
	submit(r);
	return !fault;
}

INLINE int record_page(const struct ring *g, const struct server *s, u32 entry, u32 calls)
{
	struct rec_page *r = reserve_ring(sizeof(*r), REC_PAGE, s->dom);
	u32 fault;

	if (!r)
		return 0;
	fill_ring_head(&r->ring, g, s->dom, s->id, entry, RING_SLOTS);
	if (read_user(r->page, sizeof(r->page), s->buf))
		r->ring.head.flags |= FLAG_FAULT;
	copied(&r->ring, g, s->buf, calls);
	fault = r->ring.head.flags & FLAG_FAULT;
	submit(r);
	return !fault;
}

/* keep_end keeps the account of a ring of whose end no record tells. */
INLINE void keep_end(u64 name, const struct ring *g)
{
	struct ended_ring e = {.name = name, .total = g->total};
	u64 born = g->born;

	if (g->total != g->told && bpf_map_update_elem(&ended_rings, &born, &e, UPDATE_ANY))
		count_lost(PROBE_RING, REASON_MAP_FULL, g->total - g->told);
}

/*
 * end_ring ends the account of a ring whose entries nobody can read any more: what
 * no record tells of is lost.
 */
FUNC int end_ring(u64 name, u32 dom, u32 server, u32 entry)
{
	struct ring *g = bpf_map_lookup_elem(&rings, &name);
	struct rec_ring *r;

	if (!g)
		return 0;
	r = reserve_ring(sizeof(*r), REC_RING, dom);
	if (r) {
		__builtin_memset(r->slots, 0, sizeof(r->slots));
		fill_ring_head(&r->ring, g, dom, server, entry, 0);
		r->ring.head.flags |= FLAG_ENDED;
		submit(r);
	} else {
		keep_end(name, g);
	}
	bpf_map_delete_elem(&rings, &name);
	return 1;
}

/* end_server ends the ring of a server that is no more. */
INLINE void end_server(u32 dom, u32 id)
{
	end_ring(name_of_server(dom, id), dom, id, 0);
}

INLINE int unchanged(const struct ring *g, const struct pointers *now)
{
	return g->seen && now->rp == g->rp && now->wp == g->wp && g->total == g->told;
}

INLINE void look_alone(struct ring *g, const struct server *s, u32 entry, const struct pointers *now, u32 calls)
{
	g->total += filled(g, now);
	g->rp = now->rp;
	g->wp = now->wp;
	g->seen = 1;
	if (g->total - g->told <= FEW ? record_few(g, s, entry, calls) : record_page(g, s, entry, calls))
		g->told = g->total;
}

/*
 * A second look at the same time would only see the same. Before Linux 5.12 no
 * atomic operation returns a value, so the lock is a key of a table.
 */
#ifdef FENTRY
INLINE int lock_ring(struct ring *g, u64 name)
{
	return !__sync_lock_test_and_set(&g->busy, 1);
}

INLINE void unlock_ring(struct ring *g, u64 name)
{
	__sync_lock_test_and_set(&g->busy, 0);
}
#else
INLINE int lock_ring(struct ring *g, u64 name)
{
	u32 one = 1;

	return !bpf_map_update_elem(&looking, &name, &one, UPDATE_NOEXIST);
}

INLINE void unlock_ring(struct ring *g, u64 name)
{
	bpf_map_delete_elem(&looking, &name);
}
#endif

FUNC int look(u32 entry)
{
	u32 tgid = tgid_now();
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	struct pointers now;
	struct server *s;
	struct ring *g;
	u32 calls;
	u64 name;

	if (!t || entry >= SERVERS)
		return 0;
	s = server_at(t, entry);
	if (!s->buf || !s->sure)
		return 0;
	if (!wanted_server(s->id)) {
		s->calm = 1;
		return 0;
	}
	name = ring_name(s, tgid, entry);
	g = bpf_map_lookup_elem(&rings, &name);
	/* Of a server that is no more, or whose number another has by now. */
	if (!g || g->born != s->ring)
		return 0;
	calls = g->calls;
	if (g->shut) {
		s->rp = s->wp = 0; /* as it is when it is cleared */
		s->calm = 1;
		return 0;
	}
	/* A fault here loses nothing: the next look catches up. */
	if (read_pointers(&now, s->buf))
		return 0;
	if (unchanged(g, &now)) {
		s->rp = now.rp;
		s->wp = now.wp;
		s->calm = 1;
		return 0;
	}
	if (!lock_ring(g, name))
		return 0;
	if (!read_pointers(&now, s->buf) && g->calls == calls && !unchanged(g, &now))
		look_alone(g, s, entry, &now, calls);
	unlock_ring(g, name);
	return 1;
}

/*
 * moved says whether a look may find more than the last one of this process did: most
 * come while nobody writes to the ring, and need not ask for its account.
 */
INLINE int moved(const struct server *s)
{
	struct pointers now;

	return !s->calm || read_user(&now, sizeof(now), s->buf) || now.rp != s->rp || now.wp != s->wp;
}

/*
 * look_at_all looks at every ring of a process, the current one. (A sum without a branch:
 * the verifier would follow each value that it can tell from another.)
 */
INLINE u32 look_at_all(struct table *t)
{
	u32 busy = 0, i;
	struct server *s;

	LOOP
	for (i = 0; i < TRIED; i++) {
		if (i >= t->used)
			return busy;
		s = server_at(t, i);
		if (!s->buf || !s->sure)
			continue;
		if (moved(s)) {
			s->calm = 0;
			look(i);
		}
		busy |= (s->rp ^ s->wp) | (s->calm ^ 1);
	}
	return busy;
}

#ifdef PERF

/* Programs of 4,096 instructions have no room to keep what a look has found. */
INLINE u32 keep_look(u64 by, struct table *t)
{
	return look_at_all(t);
}

INLINE int looked_since(u64 time, int *busy)
{
	return 0;
}

#else

/* The last look at rings that was made on a CPU. */
struct last_look {
	u64 by;   /* pid_tgid */
	u64 from; /* when it began, with BUSY if it found something */
};

enum { BUSY = 1 };

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct last_look);
} last_looks SEC(".maps");

/*
 * keep_look looks, and keeps for the current thread what it finds, unless a thread that
 * has preempted it keeps a later look.
 */
INLINE u32 keep_look(u64 by, struct table *t)
{
	u64 from = bpf_ktime_get_ns() & ~BUSY;
	u32 busy = look_at_all(t);
	struct last_look *l = only_value(&last_looks);

	if (!l)
		return busy;
	if (busy)
		from |= BUSY;
	l->by = 0;
	barrier();
	l->from = from;
	barrier();
	l->by = by;
	barrier();
	if (l->from != from)
		l->by = 0;
	return busy;
}

/*
 * looked_since says whether the current thread has looked since that time, and what it
 * has found.
 */
INLINE int looked_since(u64 time, int *busy)
{
	struct last_look *l = only_value(&last_looks);

	if (!l || (l->from & ~BUSY) < time || l->by != bpf_get_current_pid_tgid())
		return 0;
	*busy = l->from & BUSY;
	return 1;
}

#endif

/*
 * look_at_rings looks at the rings of the current process. It is 0 if all are as the
 * look before has left them, and empty.
 */
FUNC int look_at_rings(void)
{
	struct table *t;
	u32 tgid;
	u64 id;

	if (!wanted_kind(REC_RING))
		return 0;
	id = bpf_get_current_pid_tgid();
	tgid = id >> 32;
	t = bpf_map_lookup_elem(&servers, &tgid);
	return t ? keep_look(id, t) : 0;
}

#ifdef FENTRY

/* CPUs behind these have the kernel's tick alone. */
enum { CPUS = 1024 };

struct sampler {
	struct bpf_timer timer;
	u32 ready;
	u32 running;
};

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, CPUS);
	__type(key, u32);
	__type(value, struct sampler);
} samplers SEC(".maps");

/*
 * A process that consumes a ring without a call is running when the time is up. Where
 * there was nothing to consume, that begins with what a call's look or a tick's finds:
 * a timer costs more than all probes of a request.
 */
static int look_again(void *map, u32 *cpu, struct sampler *s)
{
	const struct changes *c = changes();

	s->running = c && !c->ended && look_at_rings() && !bpf_timer_start(&s->timer, chosen()->sample_ns, 0);
	return 0;
}

/* look_later has this CPU look again in a while, if it does not already. */
INLINE void look_later(void)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct sampler *s = bpf_map_lookup_elem(&samplers, &cpu);

	if (!s || s->running)
		return;
	if (!s->ready) {
		bpf_timer_init(&s->timer, &samplers, CLOCK_MONOTONIC);
		s->ready = !bpf_timer_set_callback(&s->timer, look_again);
	}
	s->running = !bpf_timer_start(&s->timer, chosen()->sample_ns, 0);
}

#else

/* Without timers package record opens a sampler for each thread. */
INLINE void look_later(void)
{
}

#endif

/*
 * drain does so now and after a while. Tracepoints may have no timers, and need none:
 * they look for the last time.
 */
INLINE int drain(void)
{
	int busy = look_at_rings();

	if (busy)
		look_later();
	return busy;
}

/*
 * drain_since is content with a look since that time, if it is not 0. What a vCPU has put
 * into a ring before its event came is seen by any look behind that.
 */
INLINE int drain_since(u64 time)
{
	int busy;

	if (!time || !looked_since(time, &busy))
		return drain();
	if (busy)
		look_later();
	return busy;
}

#endif
