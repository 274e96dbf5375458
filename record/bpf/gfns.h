/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A device model that does not map a server's pages as a resource asks Xen for their
 * gfns and maps these, as it maps any frame of the guest. So the gfns that Xen has told
 * are kept, and each mapping of frames is searched for them when it returns: before the
 * device model can have used it.
 */
#ifndef IOTRACE_GFNS_H
#define IOTRACE_GFNS_H

#include "mappings.h"

/* Gfns of a server's pages, 0 if there is none. */
struct server_gfns {
	u64 sync, buf;
	u32 id;
	u32 pad;
};

struct domain_gfns {
	struct server_gfns of[DOMAIN_SERVERS];
};

/* Of domains whose servers' gfns were asked for, which hardly any device model does. */
struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 1024);
	__type(key, u32); /* domain */
	__type(value, struct domain_gfns);
} gfns SEC(".maps");

/*
 * FRAMES is how many frames of a mapping are searched. Device models map a server's
 * pages by themselves, and of the guest's memory a MiB at a time; who saves a domain maps
 * 1,024 frames.
 */
#ifdef PERF
enum { FRAMES = 2 };
#else
enum { FRAMES = 1024 };
#endif

/*
 * gfns_at returns the place of a server's gfns. Before Xen 4.11 ids go on counting, and
 * an old one's place can be taken: its pages were mapped just after they were asked for.
 */
INLINE struct server_gfns *gfns_at(struct domain_gfns *g, u32 id)
{
	return &g->of[hidden(id) & (DOMAIN_SERVERS - 1)];
}

FUNC int learn_gfns(u32 dom, u32 id, u64 sync, u64 buf)
{
	struct domain_gfns none = {}, *g;
	struct server_gfns *s;

	bpf_map_update_elem(&gfns, &dom, &none, UPDATE_NOEXIST);
	g = bpf_map_lookup_elem(&gfns, &dom);
	if (!g) {
		count_lost(PROBE_IOREQ, REASON_MAP_FULL, 1);
		return 0;
	}
	s = gfns_at(g, id);
	s->id = id;
	s->sync = sync;
	s->buf = buf;
	return 1;
}

/* forget_gfns is for a server that was created or destroyed. */
INLINE void forget_gfns(u32 dom, u32 id)
{
	struct domain_gfns *g = bpf_map_lookup_elem(&gfns, &dom);
	struct server_gfns *s;

	if (!g)
		return;
	s = gfns_at(g, id);
	if (s->id == id)
		s->sync = s->buf = 0;
}

/*
 * shut_ring is for a dm_op that is about to be made: the ring that it may clear is left
 * alone until it returns. Whose that is is returned, or NO_SERVER.
 */
FUNC int shut_ring(u32 dom, u64 op)
{
	struct ring *r;
	u32 head[3];
	u64 name;

	if (read_user(head, sizeof(head), op))
		return NO_SERVER;
	if (head[0] != DMOP_SET_IOREQ_SERVER_STATE && head[0] != DMOP_DESTROY_IOREQ_SERVER)
		return NO_SERVER;
	name = name_of_server(dom, (u16)head[2]);
	r = bpf_map_lookup_elem(&rings, &name);
	if (!r || r->place == RING_APART)
		return NO_SERVER;
	r->calls++;
	r->shut = 1;
	return (u16)head[2];
}

/*
 * settle_ring is for its return. A server that is enabled already, or disabled, stays as
 * it is; one that was destroyed has no ring any more.
 */
INLINE void settle_ring(const struct call *c, s64 ret, const u8 *data)
{
	const struct dm_op_server_state *op = (const void *)data;
	u64 name = name_of_server(c->dom, c->b);
	struct ring *r = bpf_map_lookup_elem(&rings, &name);

	if (!r)
		return;
	if (!ret && op->enabled && r->place == RING_OFF) {
		r->rp = r->wp = 0;
		r->gone = r->total;
		r->seen = 1;
	}
	if (!ret)
		r->place = op->enabled ? RING_ON : RING_OFF;
	r->shut = r->place == RING_OFF;
}

/* What page_at returns: NO_PAGE, or the server's id and, below it, whether it is the ring. */
enum { NO_PAGE = -1, RING_PAGE = 1, ID_SHIFT = 1 };

/* page_at says which page of a server is in a frame. */
FUNC int page_at(u32 dom, u64 gfn)
{
	struct domain_gfns *g = bpf_map_lookup_elem(&gfns, &dom);
	u32 i;

	if (!g || !gfn)
		return NO_PAGE;
	LOOP
	for (i = 0; i < DOMAIN_SERVERS; i++) {
		struct server_gfns *s = gfns_at(g, i);

		if (s->sync == gfn)
			return s->id << ID_SHIFT;
		if (s->buf == gfn)
			return s->id << ID_SHIFT | RING_PAGE;
	}
	return NO_PAGE;
}

/*
 * learn_frame enters the frame that is mapped at addr if it is a server's page. gfn and
 * err are where the caller's lists have it; without the second there is none. It says
 * whether it has entered a ring.
 */
FUNC int learn_frame(u32 dom, u64 gfn, u64 err, u64 addr)
{
	u64 frame = 0;
	s32 failed = 0;
	int page, ring;

	if (read_user(&frame, sizeof(frame), gfn)) {
		count_lost(PROBE_PRIVCMD, REASON_FAULT, 1);
		return 0;
	}
	page = page_at(dom, frame);
	if (page == NO_PAGE || (err && (read_user(&failed, sizeof(failed), err) || failed)))
		return 0;
	ring = page & RING_PAGE;
	return enter_pages(dom, page >> ID_SHIFT, ring ? 0 : addr, ring ? addr : 0, RING_OFF) && ring;
}

/*
 * learn_frames enters the servers' pages among the frames that a call with that argument
 * has mapped. It says whether a ring is one of them.
 */
FUNC int learn_frames(u32 dom, u32 cmd, u64 arg)
{
	struct privcmd_mmapbatch m = {};
	u32 i, rings = 0;

	if (!bpf_map_lookup_elem(&gfns, &dom))
		return 0;
	if (read_user(&m, MMAPBATCH_SIZE, arg) ||
	    (cmd == PRIVCMD_MMAPBATCH_V2 && read_user(&m.errs, sizeof(m.errs), arg + MMAPBATCH_SIZE))) {
		count_lost(PROBE_PRIVCMD, REASON_FAULT, 1);
		return 0;
	}
	LOOP
	for (i = 0; i < FRAMES; i++) {
		if (i >= m.head.num)
			return rings;
		rings |= learn_frame(dom, m.gfns + 8 * i, m.errs ? m.errs + 4 * i : 0, m.addr + (u64)PAGE_SIZE * i);
	}
	if (m.head.num > FRAMES)
		count_lost(PROBE_PRIVCMD, REASON_TRUNCATED, m.head.num - FRAMES);
	return rings;
}

#endif
