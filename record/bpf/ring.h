/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Looks at the buffered rings of the current process. A look that finds the
 * pointers moved counts what Xen has filled since the last one, and is recorded
 * raw: record/ring.go says which entries are new, and how many are gone. The
 * count is kept here, where no look is missing, so that looks for which there was
 * no room are accounted for as well.
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
INLINE u32 filled(const struct server *s, const struct pointers *now)
{
	u32 consumed, unread = now->wp - now->rp;
	s32 n;

	if (!s->seen)
		return unread;
	consumed = (now->rp % RING_SLOTS + RING_SLOTS - s->rp % RING_SLOTS) % RING_SLOTS;
	n = consumed + unread - (s->wp - s->rp);
	return n < 0 ? n + RING_SLOTS : n;
}

INLINE void fill_ring_head(struct rec_ring_head *r, const struct server *s, u32 entry, u32 carried)
{
	r->born = s->born;
	r->total = s->total;
	r->rp = r->rp2 = s->rp;
	r->wp = r->wp2 = s->wp;
	r->dom = s->dom;
	r->server = s->id;
	r->entry = entry;
	r->carried = carried;
}

/* copied tells what became of the ring during a copy. */
INLINE void copied(struct rec_ring_head *r, const struct server *s)
{
	struct pointers after = {s->rp, s->wp};

	if (read_pointers(&after, s->buf))
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
INLINE int record_few(const struct server *s, u32 entry)
{
	struct rec_ring *r = reserve_ring(sizeof(*r), REC_RING, s->dom);
	u32 fault;

	if (!r)
		return 0;
	__builtin_memset(r->slots, 0, sizeof(r->slots));
	fill_ring_head(&r->ring, s, entry, FEW);
	if (read_last(r->slots, s->buf, s->wp))
		r->ring.head.flags |= FLAG_FAULT;
	copied(&r->ring, s);
	fault = r->ring.head.flags & FLAG_FAULT;
	submit(r);
	return !fault;
}

INLINE int record_page(const struct server *s, u32 entry)
{
	struct rec_page *r = reserve_ring(sizeof(*r), REC_PAGE, s->dom);
	u32 fault;

	if (!r)
		return 0;
	fill_ring_head(&r->ring, s, entry, RING_SLOTS);
	if (read_user(r->page, sizeof(r->page), s->buf))
		r->ring.head.flags |= FLAG_FAULT;
	copied(&r->ring, s);
	fault = r->ring.head.flags & FLAG_FAULT;
	submit(r);
	return !fault;
}

/*
 * close_ring ends the account of a ring whose entries nobody can read any more:
 * what no record tells of is lost.
 */
FUNC int close_ring(u32 entry)
{
	u32 tgid = tgid_now();
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	struct server *s;
	struct rec_ring *r;

	if (!t || entry >= SERVERS)
		return 0;
	s = server_at(t, entry);
	if (!s->buf || s->total == s->told)
		return 0;
	r = reserve_ring(sizeof(*r), REC_RING, s->dom);
	if (!r) {
		count_lost(PROBE_RING, REASON_NO_SPACE, s->total - s->told);
		return 0;
	}
	__builtin_memset(r->slots, 0, sizeof(r->slots));
	fill_ring_head(&r->ring, s, entry, 0);
	submit(r);
	return 1;
}

INLINE void close_rings(void)
{
	u32 i;

	LOOP
	for (i = 0; i < TRIED; i++)
		close_ring(i);
}

INLINE int unchanged(const struct server *s, const struct pointers *now)
{
	return s->seen && now->rp == s->rp && now->wp == s->wp && s->total == s->told;
}

INLINE void look_alone(struct server *s, u32 entry, const struct pointers *now)
{
	s->total += filled(s, now);
	s->rp = now->rp;
	s->wp = now->wp;
	s->seen = 1;
	if (s->total - s->told <= FEW ? record_few(s, entry) : record_page(s, entry))
		s->told = s->total;
}

/*
 * A second look at the same time would only see the same. Before Linux 5.12 no
 * atomic operation returns a value, so the lock is a key of a table.
 */
#ifdef FENTRY
INLINE int lock_ring(struct server *s, u64 name)
{
	return !__sync_lock_test_and_set(&s->busy, 1);
}

INLINE void unlock_ring(struct server *s, u64 name)
{
	__sync_lock_test_and_set(&s->busy, 0);
}
#else
INLINE int lock_ring(struct server *s, u64 name)
{
	u32 one = 1;

	return !bpf_map_update_elem(&looking, &name, &one, UPDATE_NOEXIST);
}

INLINE void unlock_ring(struct server *s, u64 name)
{
	bpf_map_delete_elem(&looking, &name);
}
#endif

FUNC int look(u32 entry)
{
	u32 tgid = tgid_now();
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	u64 name = (u64)tgid << 32 | entry;
	struct pointers now;
	struct server *s;

	if (!t || entry >= SERVERS)
		return 0;
	s = server_at(t, entry);
	if (!s->buf || !s->sure || !wanted_kind(REC_RING) || !wanted_server(s->id))
		return 0;
	/* A fault here loses nothing: the next look catches up. */
	if (read_pointers(&now, s->buf) || unchanged(s, &now) || !lock_ring(s, name))
		return 0;
	if (!read_pointers(&now, s->buf) && !unchanged(s, &now))
		look_alone(s, entry, &now);
	unlock_ring(s, name);
	return 1;
}

/* drain looks at every ring of the current process. */
INLINE void drain(void)
{
	u32 tgid = tgid_now();
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	u32 i;

	if (!t)
		return;
	LOOP
	for (i = 0; i < TRIED; i++) {
		if (i >= t->used)
			return;
		look(i);
	}
}

#endif
