/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The tables of the programs, and how a record gets into the ring buffer or
 * into the loss counters.
 */
#ifndef IOTRACE_STATE_H
#define IOTRACE_STATE_H

#include "abi.h"
#include "records.h"

/* Set by package record before the programs are loaded. */
const volatile u32 own_tgid = 0;    /* the recorder, which must not see itself */
const volatile u32 by_domain = 0;   /* only domains in the table are wanted */
const volatile u32 wake_bytes = 65536; /* unread bytes at which the reader is woken */

enum { SERVERS = 16 };

/* One ioreq server as one process has it mapped. */
struct server {
	u64 sync; /* user address of the slots, 0 if not mapped */
	u64 buf;  /* user address of the buffered ring, 0 if not mapped */
	u64 born; /* tells this mapping from a later one in the same place */
	u32 rp, wp;
	u32 busy; /* somebody is looking at the ring */
	u16 dom;  /* DOM_INVALID until a slot's port tells it */
	u16 id;   /* NO_SERVER if the capture began after the mapping */
	u8 seen;  /* rp, wp are those of an earlier look */
	u8 sure;  /* it is known to be a server's page */
	u8 pad[6];
};

struct table {
	struct server s[SERVERS];
	u32 generation; /* of the set of mappings */
	u32 pad;
};

struct port {
	u64 slot; /* user address, 0 while not resolved */
	u64 born;
	u32 remote;
	u32 tgid;
	u32 generation; /* of the table that was searched in vain, +1 */
	u16 dom;
	u16 server;
	u16 vcpu;
	u16 entry;
	u16 tries; /* searches in vain among pages that may be anything */
	u8 taken;  /* since the last unmask: READ_SEEN or SLOT_SEEN */
	u8 pad;
};

enum call_what { CALL_IGNORED, CALL_IOCTL, CALL_DMOP, CALL_HYPER, CALL_MULTI, CALL_MMAP, CALL_BIND, CALL_UNBIND };

/* A call between entry and return. */
struct call {
	u64 enter;
	u64 ptr; /* structure to read again at return; for CALL_MMAP the mapping's address */
	u64 aux; /* CALL_MULTI: the element */
	u32 what;
	u32 cmd;
	u32 a; /* CALL_MMAP id, CALL_BIND remote port, CALL_UNBIND local port, else bytes at ptr */
	u32 b; /* CALL_MMAP idx */
	u32 c; /* CALL_MMAP num */
	u32 dom;
};

_Static_assert(sizeof(struct server) == 48, "server");
_Static_assert(sizeof(struct table) == SERVERS * 48 + 8, "table");
_Static_assert(sizeof(struct port) == 40, "port");

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, 1 << 25);
} events SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 1024);
	__type(key, u32); /* tgid */
	__type(value, struct table);
} servers SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 16384);
	__type(key, u32); /* dom0's local port, of which there is one whoever holds it */
	__type(value, struct port);
} ports SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 8192);
	__type(key, u64); /* pid_tgid */
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 8192);
	__type(key, u64); /* pid_tgid */
	__type(value, u64); /* the buffer of a read() in progress */
} reads SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 8192);
	__type(key, u32); /* tgid */
	__type(value, u32);
} processes SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 4096);
	__type(key, u32); /* domain */
	__type(value, u32);
} domains SEC(".maps");

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, PROBES * REASONS);
	__type(key, u32);
	__type(value, u64);
} lost SEC(".maps");

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} sequence SEC(".maps");

/* A table too large for the stack, to make new ones from. */
struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct table);
} no_servers SEC(".maps");

/* The verifier wants to see the bound; the compiler would drop it as known. */
INLINE struct server *server_at(struct table *t, u32 i)
{
	u64 bounded = i;

	asm volatile("" : "+r"(bounded));
	return &t->s[bounded & (SERVERS - 1)];
}

INLINE void count_lost(u32 probe, u32 reason, u64 n)
{
	u32 key = probe * REASONS + reason;
	u64 *v = bpf_map_lookup_elem(&lost, &key);

	if (v)
		__sync_fetch_and_add(v, n);
}

/*
 * With fentry the sampler can interrupt any other program, so the counter is
 * taken atomically. kprobe and perf_event programs of one CPU exclude each
 * other, and their kernels need not have atomics that return a value.
 */
INLINE u64 next_seq(void)
{
	u32 key = 0;
	u64 *v = bpf_map_lookup_elem(&sequence, &key);

	if (!v)
		return 0;
#ifdef FENTRY
	return __sync_fetch_and_add(v, 1);
#else
	return (*v)++;
#endif
}

INLINE void stamp(struct rec_head *h, u8 kind, u64 seq)
{
	u64 id = bpf_get_current_pid_tgid();

	h->time = bpf_ktime_get_ns();
	h->seq = seq;
	h->tgid = id >> 32;
	h->tid = id;
	h->cpu = bpf_get_smp_processor_id();
	h->kind = kind;
	h->flags = 0;
	h->pad = 0;
}

/* reserve returns a stamped record; if there is no room, it counts the loss. */
INLINE void *reserve(u64 size, u8 kind, u32 probe)
{
	u64 seq = next_seq();
	struct rec_head *h = bpf_ringbuf_reserve(&events, size, 0);

	if (!h) {
		count_lost(probe, REASON_NO_SPACE, 1);
		return 0;
	}
	stamp(h, kind, seq);
	return h;
}

/* The reader also looks by itself now and then; waking it each time is dear. */
INLINE void submit(void *rec)
{
	u64 unread = bpf_ringbuf_query(&events, RB_AVAIL_DATA);

	bpf_ringbuf_submit(rec, unread >= wake_bytes ? RB_FORCE_WAKEUP : RB_NO_WAKEUP);
}

INLINE u32 tgid_now(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

INLINE int is_self(void)
{
	return tgid_now() == own_tgid;
}

INLINE int wanted(u32 dom)
{
	return !by_domain || bpf_map_lookup_elem(&domains, &dom);
}

#endif
