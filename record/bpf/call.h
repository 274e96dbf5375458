/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What all calls have: that they are kept until their return, and how they are read. */
#ifndef IOTRACE_CALL_H
#define IOTRACE_CALL_H

#include "mark.h"
#include "slot.h"

/* count_notify adds to the notifies that are in the table of calls. */
INLINE void count_notify(s32 n)
{
	struct changes *c = changes();

	if (c)
		__sync_fetch_and_add(&c->notifies, n);
}

/* keep_call is false if there is no room for the call. */
INLINE int keep_call(const struct call *c)
{
	u64 id = bpf_get_current_pid_tgid();

	if (bpf_map_update_elem(&calls, &id, c, UPDATE_ANY))
		return 0;
	if (c->cmd == EVTCHN_NOTIFY)
		count_notify(1);
	return 1;
}

INLINE void save_call(const struct call *c)
{
	if (keep_call(c))
		return;
	count_lost(PROBE_PRIVCMD, REASON_MAP_FULL, 1);
	leave_mark(NO_ROOM);
}

/* ignore_call makes the return known, so that it is not taken for a hole. */
INLINE void ignore_call(void)
{
	struct call c = {};

	save_call(&c);
}

/* pass_over is for a call of a process that is left out, which spares must not take for missed. */
INLINE void pass_over(u32 cmd)
{
	struct call c = {.cmd = cmd};

	if (spares_on && !keep_call(&c))
		leave_mark(NO_ROOM);
}

/* read_most reads up to 32 bytes; fewer if the memory ends before. */
INLINE u32 read_most(u8 *dst, u64 src)
{
	__builtin_memset(dst, 0, 32);
	if (!src)
		return 0;
	if (!read_user(dst, 32, src))
		return 32;
	if (!read_user(dst, 16, src))
		return 16;
	if (!read_user(dst, 8, src))
		return 8;
	if (!read_user(dst, 2, src))
		return 2;
	return 0;
}

INLINE u32 read_op(u8 *dst, u64 src, u64 size)
{
	u64 n = hidden(size) & 31; /* a word: kernels forget the bound of less than that */

	__builtin_memset(dst, 0, 32);
	if (size >= 32)
		return read_user(dst, 32, src) ? 0 : 32;
	return read_user(dst, n, src) ? 0 : n;
}

#endif
