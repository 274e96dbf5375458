/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Marks: what a program leaves for its spares, see spare.h, where they would find nothing
 * else of it. Without spares there are none.
 */
#ifndef IOTRACE_MARK_H
#define IOTRACE_MARK_H

#include "state.h"

/* There was nothing to record of the call, or no room to keep it until its return. */
enum { IDLE = 1, NO_ROOM };

#ifdef FENTRY

/* Spares do nothing until all programs are attached, nor once one is not any more. */
volatile u32 spares_on SEC(".data.spares") = 0;

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 8192);
	__type(key, u64); /* pid_tgid */
	__type(value, u32);
} marks SEC(".maps");

INLINE void leave_mark(u32 why)
{
	u64 id = bpf_get_current_pid_tgid();

	if (spares_on)
		bpf_map_update_elem(&marks, &id, &why, UPDATE_ANY);
}

/* take_mark says whether there was one. */
INLINE int take_mark(void)
{
	u64 id = bpf_get_current_pid_tgid();

	return !bpf_map_delete_elem(&marks, &id);
}

INLINE int has_mark(u32 why)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 *mark = bpf_map_lookup_elem(&marks, &id);

	return mark && *mark == why;
}

#else

enum { spares_on = 0 };

INLINE void leave_mark(u32 why)
{
}

INLINE int take_mark(void)
{
	return 0;
}

#endif

#endif
