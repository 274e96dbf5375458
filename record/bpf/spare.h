/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Spares. A kernel that preempts its own code skips a program while another task stands in
 * the middle of it on that CPU. Where package record finds such a kernel, a spare runs
 * behind each program that the calls of device models pass through. It goes by what that
 * leaves behind, and does its work if there is nothing. To be skipped as well takes a
 * third task, in the middle of the spare.
 */
#ifndef IOTRACE_SPARE_H
#define IOTRACE_SPARE_H

#include "returns.h"

/* How many skipped programs had their work done by a spare, by probe. */
struct {
	__uint(type, MAP_ARRAY);
	__uint(max_entries, PROBES);
	__type(key, u32);
	__type(value, u64);
} spared SEC(".maps");

INLINE void count_spared(u32 probe)
{
	u64 *n = bpf_map_lookup_elem(&spared, &probe);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* count_idle is for a call with nothing to record, of which the program leaves a mark. */
INLINE void count_idle(u32 probe)
{
	if (!take_mark())
		count_spared(probe);
}

/* in_call says that the table has a call of the current thread. */
INLINE int in_call(void)
{
	u64 id = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&calls, &id) != 0;
}

/* has_begun says that the program at the entry of its call has run. */
INLINE int has_begun(void)
{
	return in_call() || has_mark(NO_ROOM);
}

/* is_answered says that the answer which a notify gives has been told. */
INLINE int is_answered(u64 arg)
{
	struct port *p;
	u32 port;

	if (read_user(&port, sizeof(port), arg))
		return 1; /* and so it was for the program */
	p = port_of(port);
	return p && p->answered;
}

/* spare_ports is each_port for those of whose event, or unmask, the program has noted nothing. */
INLINE void spare_ports(u64 buf, u32 n, u32 probe)
{
	u32 i, port, skipped = 0;
	struct port *p;

	LOOP
	for (i = 0; i < PORTS_PER_CALL; i++) {
		if (i >= n)
			break;
		if (read_user(&port, sizeof(port), buf + 4 * i)) {
			if (skipped)
				count_lost(probe, REASON_FAULT, 1);
			n = i;
			break;
		}
		p = bpf_map_lookup_elem(&ports, &port);
		if (!p || !p->taken != (probe == PROBE_EVTCHN_READ))
			continue;
		skipped = 1;
		if (probe == PROBE_EVTCHN_READ)
			took_port(port);
		else
			unmasked_port(port);
	}
	if (!skipped)
		return;
	count_spared(probe);
	if (n > PORTS_PER_CALL)
		count_lost(probe, REASON_TRUNCATED, n - PORTS_PER_CALL);
}

#endif
