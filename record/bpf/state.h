/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The tables of the programs: what they are told and what they learn. */
#ifndef IOTRACE_STATE_H
#define IOTRACE_STATE_H

#include "abi.h"
#include "records.h"

enum { RANGES = 4, KINDS = 32 };

/* Requests of one type (0 port, 1 memory) whose address is in [first, last]. */
struct range {
	u64 first, last;
	u32 type;
	u32 pad;
};

/* What package record tells the programs before they are loaded. */
struct settings {
	u32 own_tgid;   /* the recorder, which must not see itself */
	u32 by_domain;  /* only domains in the table are wanted */
	u32 wake_bytes; /* unread bytes at which the reader is woken */
	u32 port_at;    /* offset of port in struct user_evtchn */
	u64 buffer_bytes;
	u64 sample_ns;  /* between two looks at the rings of a process that runs; 0 for none */
	u64 kinds;      /* bit k: records of kind k are wanted */
	u32 by_pid;     /* only processes in the table are wanted */
	u32 by_server;  /* bit i: requests to server i are wanted; if 0, to all */
	u32 nr_ranges;  /* requests in these are wanted; if 0, all */
	u32 pad;
	struct range ranges[RANGES];
	u32 every[KINDS]; /* one record of a kind in so many is wanted, if not 0 */
};

/*
 * TRIED is how many of a process's servers are looked at: without loops each
 * takes room in the program.
 */
#ifdef PERF
enum { SERVERS = 16, TRIED = 8 };
#else
enum { SERVERS = 16, TRIED = SERVERS };
#endif

/* One ioreq server as one process has it mapped. */
struct server {
	u64 sync; /* user address of the slots, 0 if not mapped */
	u64 buf;  /* user address of the buffered ring, 0 if not mapped */
	u64 born; /* tells this mapping from a later one in the same place */
	u64 ring; /* when its ring was born */
	u16 dom;  /* DOM_INVALID until a slot's port tells it */
	u16 id;   /* NO_SERVER if the capture began after the mapping */
	u8 sure;  /* it is known to be a server's page */
	u8 calm;  /* all of the ring was told when its pointers were rp and wp */
	u8 pad[2];
	u32 rp, wp;
};

/*
 * The account of a buffered ring. It is the server's, whoever has the ring mapped:
 * what one process has left in it another finds there.
 */
struct ring {
	u64 born;  /* tells this ring from a later one of the same name */
	u64 total; /* slots that Xen has filled, up to wp, since the first look */
	u64 told;  /* total of the last look that was recorded */
	u64 gone;  /* of total, what was in the page before Xen cleared it last */
	u32 rp, wp;
	u32 busy; /* somebody is looking at the ring */
	u8 seen;  /* rp, wp are those of an earlier look */
	u8 place; /* RING_APART, RING_OFF or RING_ON */
	u8 shut;  /* it is RING_OFF, or a call that may clear the page is being made */
	u8 calls; /* how many of these were made */
};

/*
 * The page of a ring is Xen's own, or it is at a gfn. There the guest has it while the
 * server is disabled, and Xen clears it as the server is enabled, and as it is disabled
 * (hvm_remove_ioreq_gfn and hvm_add_ioreq_gfn, 4.14): what was unread is gone with that.
 * So what stands in such a page are entries only while the server is enabled.
 */
enum { RING_APART, RING_OFF, RING_ON };

/* A ring that is no more, of whose end there was no room to tell. */
struct ended_ring {
	u64 name;
	u64 total;
};

struct table {
	struct server s[SERVERS];
	u32 generation; /* of the set of mappings: when it changed, so that no two are equal */
	u32 used;       /* entries behind these were never used */
};

struct port {
	u64 slot; /* user address, 0 while not resolved */
	u64 born;
	u64 arrived;     /* when an interrupt came of which no record tells yet, 0 if there is none */
	u64 unmasked;    /* when it was unmasked, likewise */
	u64 unmasked_by; /* pid_tgid */
	u32 arrived_on;  /* CPU */
	u32 remote; /* 0 if nothing is known of the port, which no port's other end is */
	u32 tgid;
	u32 generation; /* of the table that was searched in vain, +1 */
	u16 dom; /* these four as in rec_slot */
	u16 server;
	u16 vcpu;
	u16 entry;
	u32 checked; /* changes.mappings when the slot was last found to be mapped, +1 */
	u16 tries; /* searches in vain among pages that may be anything */
	u8 taken;  /* since the last unmask: READ_SEEN or SLOT_SEEN */
	u8 left;   /* out, since the last read: by CHOICE or by SAMPLING */
	u8 idle;   /* the rings of its device model held nothing when it was read */
	u8 asked;  /* what a look at its slot has found since the last answer */
	u8 answered; /* since the last read */
	u8 read;     /* ever */
	u8 pad[4];
};

/* Nothing; there was no request yet; there was one, which is wanted if it was not left out. */
enum { UNSEEN, EARLY, SEEN };

enum call_what { CALL_IGNORED, CALL_IOCTL, CALL_DMOP, CALL_HYPER, CALL_MULTI, CALL_MMAP, CALL_BATCH, CALL_BIND, CALL_UNBIND };

/* A call between entry and return. */
struct call {
	u64 enter;
	u64 ptr; /* structure to read again at return; for CALL_MMAP the mapping's address */
	u64 aux; /* CALL_MULTI: the element */
	u32 what;
	u32 cmd;
	u32 a; /* CALL_MMAP id, CALL_BIND remote port, CALL_UNBIND local port, else bytes at ptr */
	u32 b; /* CALL_MMAP idx; CALL_DMOP: whose ring it may clear, or NO_SERVER */
	u32 c; /* CALL_MMAP num; CALL_HYPER: it destroys dom */
	u32 dom;
};

_Static_assert(sizeof(struct server) == 48, "server");
_Static_assert(sizeof(struct table) == SERVERS * 48 + 8, "table");
_Static_assert(sizeof(struct ring) == 48, "ring");
_Static_assert(sizeof(struct port) == 80, "port");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 1024);
	__type(key, u32); /* tgid */
	__type(value, struct table);
} servers SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 2048);
	__type(key, u64); /* see ring_name */
	__type(value, struct ring);
} rings SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 1024);
	__type(key, u64); /* ring.born */
	__type(value, struct ended_ring);
} ended_rings SEC(".maps");

/* As many as a domain can have (EVTCHN_FIFO_NR_CHANNELS). */
struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 131072);
	__type(key, u32); /* dom0's local port, of which there is one whoever holds it */
	__type(value, struct port);
} ports SEC(".maps");

/* What most programs need not look up because it has not changed. */
struct changes {
	u32 mappings; /* how often a mapping came or went */
	u32 notifies; /* calls of that kind which are in the table of calls */
	u32 ended;    /* the capture is */
};

struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct changes);
} changed SEC(".maps");

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

#ifndef FENTRY
struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 1024);
	__type(key, u64); /* the name of a ring that somebody is looking at */
	__type(value, u32);
} looking SEC(".maps");
#endif

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 4096);
	__type(key, u32); /* tgid */
	__type(value, u32);
} pids SEC(".maps");

/* A table too large for the stack, to make new ones from. */
struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct table);
} no_servers SEC(".maps");

INLINE struct server *server_at(struct table *t, u32 i)
{
	return &t->s[hidden(i) & (SERVERS - 1)];
}

/* What ring_name marks a server's ring with. */
enum { NAMED = 1u << 31 };

INLINE u64 name_of_server(u32 dom, u32 id)
{
	return (u64)NAMED << 32 | (u64)dom << 16 | id;
}

/*
 * ring_name names the ring of a mapping by its server. While that is not known, the
 * ring is this mapping's alone. record/counters_linux_amd64.go takes names apart.
 */
INLINE u64 ring_name(const struct server *s, u32 tgid, u32 entry)
{
	if (s->id != NO_SERVER)
		return name_of_server(s->dom, s->id);
	return (u64)tgid << 32 | entry;
}

/* port_of returns what is known of one of dom0's ports, or NULL. */
INLINE struct port *port_of(u32 port)
{
	struct port *p = bpf_map_lookup_elem(&ports, &port);

	return p && p->remote ? p : 0;
}

/* only_value returns the value of a map that has one, by CPU or not. */
INLINE void *only_value(void *map)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(map, &zero);
}

INLINE struct changes *changes(void)
{
	return only_value(&changed);
}

INLINE void mappings_change(void)
{
	struct changes *c = changes();

	if (c)
		__sync_fetch_and_add(&c->mappings, 1);
}

INLINE u32 tgid_now(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/*
 * Where the kernel knows them as constants (Linux 5.2) it drops what they switch off,
 * and they need no lookup.
 */
#ifdef PERF
struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct settings);
} config SEC(".maps");

INLINE const struct settings *chosen(void)
{
	return only_value(&config);
}

/* Asking for each choice by itself takes fewer instructions than doing so only if need be. */
INLINE int selective(void)
{
	return 1;
}
#else
const volatile struct settings config SEC(".rodata.config") = {};

INLINE const struct settings *chosen(void)
{
	/* Else the compiler takes the zeros of the object for what they are. */
	return (const struct settings *)hidden((u64)&config);
}

/* selective says that there are requests which are not wanted. */
INLINE int selective(void)
{
	const struct settings *c = chosen();

	return c->by_server || c->nr_ranges || c->every[REC_SLOT_IN] > 1;
}
#endif

/* left_out says that a process is not to be looked at. */
INLINE int left_out(u32 tgid)
{
	const struct settings *c = chosen();

	return !c || tgid == c->own_tgid || (c->by_pid && !bpf_map_lookup_elem(&pids, &tgid));
}

/* ignored says so of the current process. */
INLINE int ignored(void)
{
	return left_out(tgid_now());
}

/* known_process says that the current process has made a call or was found with pages. */
INLINE int known_process(void)
{
	u32 tgid = tgid_now();

	return bpf_map_lookup_elem(&processes, &tgid) || bpf_map_lookup_elem(&servers, &tgid);
}

INLINE int wanted(u32 dom)
{
	const struct settings *c = chosen();

	return !c || !c->by_domain || bpf_map_lookup_elem(&domains, &dom);
}

INLINE int wanted_kind(u32 kind)
{
	const struct settings *c = chosen();

	return c && (c->kinds >> (kind & 63) & 1);
}

#endif
