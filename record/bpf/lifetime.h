/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Ends of mappings, programs and processes: what was learned of them must go. */
#ifndef IOTRACE_LIFETIME_H
#define IOTRACE_LIFETIME_H

#include "returns.h"

/* forget_process clears all that the current process has mapped. */
INLINE void forget_process(void)
{
	u32 tgid = tgid_now();

	forget(0, EVERYWHERE);
	bpf_map_delete_elem(&servers, &tgid);
	mappings_change();
}

/* Pages of privcmd are unmapped: by whom they were mapped, or by its end or exec. */
INLINE void on_unmap(const struct vma_head *vma)
{
	struct vma_head v;

	if (bpf_probe_read_kernel(&v, sizeof(v), vma))
		count_lost(PROBE_PROCESS, REASON_FAULT, 1);
	else
		forget(v.first, v.end - v.first);
}

/*
 * A thread ends, and cannot consume any more; its memory is still there for a look.
 * last says that its process ends.
 */
INLINE void on_thread_end(int last)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 tgid = id >> 32;
	struct rec_head *r;

	bpf_map_delete_elem(&calls, &id);
	bpf_map_delete_elem(&reads, &id);
	take_mark();
	if (!known_process())
		return;
	look_at_rings();
	if (!last)
		return;
	forget_process();
	bpf_map_delete_elem(&processes, &tgid);
	r = reserve(sizeof(*r), REC_EXIT, PROBE_PROCESS, DOM_INVALID);
	if (r)
		submit(r);
}

/* The memory of the current process is about to go, because of an exec. */
INLINE void on_memory_left(void)
{
	look_at_rings();
	forget_process();
}

/*
 * Another program has taken the process over: the old one's memory is gone, its
 * descriptors may not be.
 */
INLINE void on_exec(void)
{
	struct rec_process *r;

	if (!known_process())
		return;
	forget_process();
	r = reserve(sizeof(*r), REC_EXEC, PROBE_PROCESS, DOM_INVALID);
	if (!r)
		return;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	submit(r);
}

#endif
