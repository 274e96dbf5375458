/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * How a record gets to the reader, or into the loss counters. With a ring buffer
 * each goes by itself. Without one (PERF) a program collects its records in its
 * CPU's batch, and sends that when it ends; the numbers of what did not arrive
 * tell the reader what the kernel had no room for.
 */
#ifndef IOTRACE_OUTPUT_H
#define IOTRACE_OUTPUT_H

#include "state.h"

/* What was lost, by probe and reason; at index 0, where neither is, all of it. */
struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, PROBES * REASONS);
	__type(key, u32);
	__type(value, u64);
} lost SEC(".maps");

/*
 * What of it were records of one domain, or of none (DOM_INVALID), for those that found
 * room in the table.
 */
struct loss {
	u16 dom;
	u16 cpu;
	u16 probe;
	u16 reason;
};

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 4096);
	__type(key, struct loss);
	__type(value, u64);
} lost_of SEC(".maps");

/* The sum last: who sees it grow finds the rest. */
INLINE void count_lost(u32 probe, u32 reason, u64 n)
{
	u32 key = probe * REASONS + reason, all = 0;
	u64 *v = bpf_map_lookup_elem(&lost, &key);
	u64 *sum = bpf_map_lookup_elem(&lost, &all);

	if (v)
		__sync_fetch_and_add(v, n);
	if (sum)
		__sync_fetch_and_add(sum, n);
}

/*
 * count_record counts a record that could not be made: for its domain first, so that
 * what the domains have is never less than the sums tell.
 */
FUNC int count_record(u32 dom, u32 probe, u32 reason)
{
	struct loss key = {.dom = dom, .cpu = bpf_get_smp_processor_id(), .probe = probe, .reason = reason};
	u64 none = 0, *n;

	bpf_map_update_elem(&lost_of, &key, &none, UPDATE_NOEXIST);
	n = bpf_map_lookup_elem(&lost_of, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
	count_lost(probe, reason, 1);
	return 0;
}

/*
 * What a record tells of besides its own: the probe of another event, which has a number
 * and is lost like a record, or nothing.
 */
enum { NOTHING = 0 };

INLINE u32 events_in(u32 with)
{
	return with ? 2 : 1;
}

INLINE void count_both(u32 dom, u32 probe, u32 with, u32 reason)
{
	count_record(dom, probe, reason);
	if (with)
		count_record(dom, with, reason);
}

INLINE void stamp(struct rec_head *h, u8 kind, u64 seq, u32 probe, u32 dom)
{
	u64 id = bpf_get_current_pid_tgid();

	h->time = bpf_ktime_get_ns();
	h->seq = seq;
	h->tgid = id >> 32;
	h->tid = id;
	h->cpu = bpf_get_smp_processor_id();
	h->kind = kind;
	h->flags = 0;
	h->dom = dom;
	h->probe = probe;
	h->wake = 0;
}

#ifdef PERF

struct {
	__uint(type, MAP_PERF_EVENT_ARRAY);
	__type(key, u32);
	__type(value, u32);
} events SEC(".maps");

/*
 * A CPU's batch: records back to back. The last one begins below BATCH; SMALL of
 * that is kept for records that cannot wait, which all but pages are.
 */
enum { BATCH = 16384, SMALL = 4096 };

struct batch {
	u8 bytes[2 * BATCH];
};

_Static_assert(BATCH + sizeof(struct rec_page) < sizeof(struct batch), "batch");

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct batch);
} batches SEC(".maps");

/* The bytes of the batch that are used. */
struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} batched SEC(".maps");

/* place returns room for a record, or NULL if the batch has more than most bytes. */
INLINE void *place(u64 size, u64 most)
{
	struct batch *b = only_value(&batches);
	u64 *used = only_value(&batched);
	u64 at;

	if (!b || !used || *used >= most)
		return 0;
	at = hidden(*used) & (BATCH - 1);
	*used = at + size;
	return &b->bytes[at];
}

/*
 * Records that were to be made: by[0] all, the others each probe's. The programs of one
 * CPU exclude each other, and all is in one value, so that the reader gets it at one look.
 */
struct made {
	u64 by[16];
};

_Static_assert(PROBES <= 16, "made");

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct made);
} sequence SEC(".maps");

/* The time comes first: a record with a number that the reader has seen is not of later. */
INLINE void *reserve_below(u64 most, u64 size, u8 kind, u32 probe, u32 with, u32 dom)
{
	struct made *m = only_value(&sequence);
	struct rec_head *h = m ? place(size, most) : 0;

	if (!h)
		return 0;
	stamp(h, kind, 0, probe, dom);
	h->seq = m->by[0];
	m->by[0] += events_in(with);
	m->by[probe & 15]++;
	if (with)
		m->by[with & 15]++;
	return h;
}

INLINE void *reserve_both(u64 size, u8 kind, u32 probe, u32 with, u32 dom)
{
	void *rec = reserve_below(BATCH, size, kind, probe, with, dom);

	if (!rec)
		count_both(dom, probe, with, REASON_TRUNCATED);
	return rec;
}

/* A look that finds no room waits for the next one. */
INLINE void *reserve_ring(u64 size, u8 kind, u32 dom)
{
	return reserve_below(BATCH - SMALL, size, kind, PROBE_RING, NOTHING, dom);
}

INLINE void submit(void *rec)
{
}

INLINE void submit_now(void *rec)
{
}

/* send gives what a program has recorded to the reader. */
FUNC int send(void *ctx)
{
	struct batch *b = only_value(&batches);
	u64 *used = only_value(&batched);

	if (!b || !used || !*used)
		return 0;
	bpf_perf_event_output(ctx, &events, CURRENT_CPU, b, hidden(*used) & (sizeof(*b) - 1));
	*used = 0;
	return 0;
}

#else

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, 1 << 23);
} events SEC(".maps");

enum { MMAPABLE = 1 << 10, DOMAINS = 1 << 15 };

/* Bytes of a domain that were recorded, and those that the reader has taken. */
struct share {
	u64 made, taken;
};

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, DOMAINS);
	__uint(map_flags, MMAPABLE);
	__type(key, u32);
	__type(value, struct share);
} shares SEC(".maps");

/* Records that were to be made. */
struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} sequence SEC(".maps");

/*
 * With fentry a timer or a tick can interrupt any other program, so the counter is
 * taken atomically. kprobe and perf_event programs of one CPU exclude each
 * other, and their kernels need not have atomics that return a value.
 */
INLINE u64 next_seq(u32 n)
{
	u64 *v = only_value(&sequence);

	if (!v)
		return 0;
#ifdef FENTRY
	return __sync_fetch_and_add(v, n);
#else
	*v += n;
	return *v - n;
#endif
}

/* Why a record finds no room, or whether the reader is to be woken for it. */
struct outcome {
	u32 why;
	u32 wake;
};

/*
 * reserve_bytes gives size bytes to the domain if it may have so many more. No
 * domain holds more of the buffer than it leaves free: one alone gets half, and n
 * that want all leave a share of 1/(n+1) to the others.
 *
 * The reader also looks by itself now and then; waking it each time is dear.
 */
INLINE void *reserve_bytes(u64 size, u32 dom, struct outcome *o)
{
	u32 key = dom & (DOMAINS - 1);
	struct share *s = bpf_map_lookup_elem(&shares, &key);
	u64 unread = bpf_ringbuf_query(&events, RB_AVAIL_DATA);
	const struct settings *c = chosen();
	void *rec;

	o->why = REASON_SHARE;
	if (!s || !c || s->made - s->taken + size + unread > c->buffer_bytes)
		return 0;
	o->why = REASON_NO_SPACE;
	o->wake = unread >= c->wake_bytes;
	rec = bpf_ringbuf_reserve(&events, size, 0);
	if (rec)
		__sync_fetch_and_add(&s->made, size);
	return rec;
}

/* reserve_both returns a stamped record, or NULL: then there is no room, which it counts. */
INLINE void *reserve_both(u64 size, u8 kind, u32 probe, u32 with, u32 dom)
{
	u64 seq = next_seq(events_in(with));
	struct outcome o = {};
	struct rec_head *h = reserve_bytes(size, dom, &o);

	if (!h) {
		count_both(dom, probe, with, o.why);
		return 0;
	}
	stamp(h, kind, seq, probe, dom);
	h->wake = o.wake;
	return h;
}

/*
 * A look that finds no room is no loss yet: the state stays and the next look
 * sees the same entries, unless the device model and Xen go once around. So no
 * sequence number is taken before there is room.
 */
INLINE void *reserve_ring(u64 size, u8 kind, u32 dom)
{
	struct outcome o = {};
	struct rec_head *h = reserve_bytes(size, dom, &o);

	if (!h)
		return 0;
	stamp(h, kind, next_seq(1), PROBE_RING, dom);
	h->wake = o.wake;
	return h;
}

INLINE void submit(void *rec)
{
	struct rec_head *h = rec;

	bpf_ringbuf_submit(rec, h->wake ? RB_FORCE_WAKEUP : RB_NO_WAKEUP);
}

INLINE void submit_now(void *rec)
{
	bpf_ringbuf_submit(rec, RB_FORCE_WAKEUP);
}

INLINE void send(void *ctx)
{
}

#endif

/* reserve does so for a record that tells of nothing else, and is wanted or NULL. */
INLINE void *reserve(u64 size, u8 kind, u32 probe, u32 dom)
{
	return wanted_kind(kind) ? reserve_both(size, kind, probe, NOTHING, dom) : 0;
}

#endif
