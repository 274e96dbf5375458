/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Looks at the buffered rings of the current process. A look that finds the
 * pointers moved is recorded raw; which entries are new, and how many are
 * gone, is worked out in record/ring.go, the only authority. The estimate here
 * only chooses the size of the record.
 */
#ifndef IOTRACE_RING_H
#define IOTRACE_RING_H

#include "state.h"

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

INLINE u32 estimate(const struct server *s, const struct pointers *now)
{
	u32 consumed, unread = now->wp - now->rp;
	s32 n;

	if (!s->seen)
		return unread;
	consumed = (now->rp % RING_SLOTS + RING_SLOTS - s->rp % RING_SLOTS) % RING_SLOTS;
	n = consumed + unread - (s->wp - s->rp);
	return n < 0 ? n + RING_SLOTS : n;
}

INLINE void fill_ring_head(struct rec_ring_head *r, const struct server *s, u32 entry, u64 before, const struct pointers *now)
{
	struct pointers after = *now;

	if (read_pointers(&after, s->buf))
		r->head.flags |= FLAG_FAULT;
	r->born = s->born;
	r->before = before;
	r->rp = now->rp;
	r->wp = now->wp;
	r->rp2 = after.rp;
	r->wp2 = after.wp;
	r->dom = s->dom;
	r->server = s->id;
	r->entry = entry;
	r->head.time = bpf_ktime_get_ns();
}

/*
 * A look that finds no room is no loss yet: the state stays and the next look
 * sees the same entries, unless the device model and Xen go once around. So no
 * sequence number is taken before there is room.
 */
INLINE void *reserve_ring(u64 size, u8 kind)
{
	struct rec_head *h = bpf_ringbuf_reserve(&events, size, 0);

	if (h)
		stamp(h, kind, next_seq());
	return h;
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

INLINE int record_few(struct server *s, u32 entry, u64 before, const struct pointers *now)
{
	struct rec_ring *r = reserve_ring(sizeof(*r), REC_RING);
	u32 fault;

	if (!r)
		return -1;
	__builtin_memset(r->slots, 0, sizeof(r->slots));
	if (read_last(r->slots, s->buf, now->wp))
		r->ring.head.flags |= FLAG_FAULT;
	r->ring.carried = FEW;
	fill_ring_head(&r->ring, s, entry, before, now);
	fault = r->ring.head.flags & FLAG_FAULT;
	submit(r);
	return fault ? -1 : 0;
}

INLINE int record_page(struct server *s, u32 entry, u64 before, const struct pointers *now)
{
	struct rec_page *r = reserve_ring(sizeof(*r), REC_PAGE);
	u32 fault;

	if (!r)
		return -1;
	r->ring.carried = 0;
	if (read_user(r->page, sizeof(r->page), s->buf))
		r->ring.head.flags |= FLAG_FAULT;
	fill_ring_head(&r->ring, s, entry, before, now);
	fault = r->ring.head.flags & FLAG_FAULT;
	submit(r);
	return fault ? -1 : 0;
}

INLINE void look_alone(struct server *s, u32 entry)
{
	u64 before = bpf_ktime_get_ns();
	struct pointers now;
	u32 n;

	/* A fault here loses nothing: the next look catches up. */
	if (read_pointers(&now, s->buf))
		return;
	if (s->seen && now.rp == s->rp && now.wp == s->wp)
		return;
	n = estimate(s, &now);
	if (n <= FEW ? record_few(s, entry, before, &now) : record_page(s, entry, before, &now))
		return;
	s->rp = now.rp;
	s->wp = now.wp;
	s->seen = 1;
}

FUNC int look(u32 entry)
{
	u32 tgid = tgid_now();
	struct table *t = bpf_map_lookup_elem(&servers, &tgid);
	struct server *s;

	if (!t || entry >= SERVERS)
		return 0;
	s = server_at(t, entry);
	if (!s->buf || !s->sure)
		return 0;
	/*
	 * A second look at the same time would only see the same. Where two get
	 * in nevertheless (kprobe), record/ring.go ignores the later by its times.
	 */
#ifdef FENTRY
	if (__sync_lock_test_and_set(&s->busy, 1))
		return 0;
	look_alone(s, entry);
	__sync_lock_test_and_set(&s->busy, 0);
#else
	if (s->busy)
		return 0;
	s->busy = 1;
	look_alone(s, entry);
	s->busy = 0;
#endif
	return 1;
}

/* drain looks at every ring of the current process. */
INLINE void drain(void)
{
	u32 tgid = tgid_now();
	u32 i;

	if (!bpf_map_lookup_elem(&servers, &tgid))
		return;
	ROLLED
	for (i = 0; i < SERVERS; i++)
		look(i);
}

#endif
