/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The probes. Compiled three times: with FENTRY defined for kernels whose modules
 * have BTF (from 5.11 on, if built so), without it for kprobes (from 5.8 on),
 * with PERF for kprobes of kernels that have neither ring buffers nor loops
 * (from 4.18 on). Here a flavour only says how a probe finds its arguments.
 */
#include "answer.h"
#include "lifetime.h"
#ifdef FENTRY
#include "spare.h"
#endif

char _license[] SEC("license") = "Dual BSD/GPL";

/*
 * A look at the rings comes before what is recorded of a request or a call: what
 * a vCPU put into a ring then stands before the request for which it is blocked,
 * and before the call that changes where its next one goes. Before an answer the
 * look sees the ring that the device model has emptied and the vCPU may fill again.
 * An unmask stands between these two and needs none. A device model that makes calls
 * waits for events as well, and that has later looks made.
 */
INLINE void on_privcmd_ioctl(u32 cmd, u64 arg)
{
	if (ignored()) {
		pass_over(cmd);
		return;
	}
	look_at_rings();
	enter_privcmd(cmd, arg);
}

INLINE void on_evtchn_ioctl(u32 cmd, u64 arg)
{
	if (ignored()) {
		pass_over(cmd);
		return;
	}
	if (cmd == EVTCHN_NOTIFY) {
		enter_notify(arg);
		return;
	}
	look_at_rings();
	enter_evtchn_ioctl(cmd, arg);
}

/* is_idle says that nothing is recorded of a call that passes so many bytes of ports, or fails. */
INLINE int is_idle(s64 bytes)
{
	return bytes < (s64)sizeof(u32) || ignored();
}

/* At this return the device model has the event and Xen waits for the answer. */
INLINE void on_evtchn_read(u64 buf, s64 ret)
{
	if (is_idle(ret))
		leave_mark(IDLE);
	else
		each_port(buf, (u64)ret / 4, PROBE_EVTCHN_READ);
}

INLINE void on_evtchn_write(u64 buf, u64 count)
{
	if (is_idle(count))
		leave_mark(IDLE);
	else
		each_port(buf, count / 4, PROBE_EVTCHN_WRITE);
}

INLINE void on_interrupt(u64 data)
{
	const struct settings *c = chosen();
	u32 port;

	if (!c || bpf_probe_read_kernel(&port, sizeof(port), (void *)(data + c->port_at))) {
		count_lost(PROBE_INTERRUPT, REASON_FAULT, 1);
		return;
	}
	arrived_at(port);
}

/*
 * A device model that a timer wakes consumes its ring without an event. Waiting ends
 * with this function in every poll and select, and its entry is cheaper to see than
 * their return. Where the kernel has no such function, the sampler alone sees it.
 */
INLINE void on_poll_return(void)
{
	if (!ignored())
		drain();
}

/*
 * A sampler may not be there yet: one of a thread is the recorder's to open, one of a
 * CPU begins with a look there. The kernel's own tick comes without, though more rarely.
 */
INLINE void on_tick(void)
{
	drain();
}

#ifdef FENTRY

SEC("fentry/privcmd_ioctl")
int privcmd_enter(u64 *ctx)
{
	on_privcmd_ioctl(ctx[1], ctx[2]);
	send(ctx);
	return 0;
}

SEC("fexit/privcmd_ioctl")
int privcmd_return(u64 *ctx)
{
	if (!ignored() || in_call())
		returned(ctx[3], PROBE_PRIVCMD);
	send(ctx);
	return 0;
}

SEC("fentry/evtchn_ioctl")
int evtchn_ioctl_enter(u64 *ctx)
{
	on_evtchn_ioctl(ctx[1], ctx[2]);
	send(ctx);
	return 0;
}

SEC("fexit/evtchn_ioctl")
int evtchn_ioctl_return(u64 *ctx)
{
	if ((u32)ctx[1] == EVTCHN_NOTIFY ? notified() : !ignored() || in_call())
		returned(ctx[3], PROBE_EVTCHN_IOCTL);
	send(ctx);
	return 0;
}

SEC("fexit/evtchn_read")
int evtchn_read_return(u64 *ctx)
{
	on_evtchn_read(ctx[1], ctx[4]);
	send(ctx);
	return 0;
}

SEC("fentry/evtchn_write")
int evtchn_write_enter(u64 *ctx)
{
	on_evtchn_write(ctx[1], ctx[2]);
	send(ctx);
	return 0;
}

SEC("fentry/evtchn_interrupt")
int evtchn_interrupt_enter(u64 *ctx)
{
	on_interrupt(ctx[1]);
	send(ctx);
	return 0;
}

SEC("fentry/privcmd_close")
int privcmd_close_enter(u64 *ctx)
{
	on_unmap((const struct vma_head *)ctx[0]);
	send(ctx);
	return 0;
}

SEC("fentry/taskstats_exit")
int thread_end(u64 *ctx)
{
	on_thread_end(ctx[1]);
	send(ctx);
	return 0;
}

SEC("fentry/exec_mm_release")
int memory_left(u64 *ctx)
{
	on_memory_left();
	send(ctx);
	return 0;
}

SEC("fentry/poll_freewait")
int poll_return(u64 *ctx)
{
	on_poll_return();
	send(ctx);
	return 0;
}

SEC("fentry/update_process_times")
int tick(u64 *ctx)
{
	on_tick();
	send(ctx);
	return 0;
}

/* The spares of those that calls pass through, and of the end of a process; see spare.h. */
SEC("fentry/privcmd_ioctl")
int privcmd_enter_spare(u64 *ctx)
{
	if (!spares_on || has_begun())
		return 0;
	on_privcmd_ioctl(ctx[1], ctx[2]);
	count_spared(PROBE_PRIVCMD);
	return 0;
}

SEC("fexit/privcmd_ioctl")
int privcmd_return_spare(u64 *ctx)
{
	if (!spares_on || !in_call())
		return 0;
	returned(ctx[3], PROBE_PRIVCMD);
	count_spared(PROBE_PRIVCMD);
	return 0;
}

SEC("fentry/evtchn_ioctl")
int evtchn_ioctl_enter_spare(u64 *ctx)
{
	if (!spares_on || ((u32)ctx[1] == EVTCHN_NOTIFY && is_answered(ctx[2])) || has_begun())
		return 0;
	on_evtchn_ioctl(ctx[1], ctx[2]);
	count_spared(PROBE_EVTCHN_IOCTL);
	return 0;
}

SEC("fexit/evtchn_ioctl")
int evtchn_ioctl_return_spare(u64 *ctx)
{
	if (spares_on && ((u32)ctx[1] == EVTCHN_NOTIFY ? notified() : in_call()))
		returned(ctx[3], PROBE_EVTCHN_IOCTL);
	return 0;
}

SEC("fexit/evtchn_read")
int evtchn_read_return_spare(u64 *ctx)
{
	if (!spares_on)
		return 0;
	if (is_idle(ctx[4]))
		count_idle(PROBE_EVTCHN_READ);
	else
		spare_ports(ctx[1], ctx[4] / 4, PROBE_EVTCHN_READ);
	return 0;
}

SEC("fentry/evtchn_write")
int evtchn_write_enter_spare(u64 *ctx)
{
	if (!spares_on)
		return 0;
	if (is_idle(ctx[2]))
		count_idle(PROBE_EVTCHN_WRITE);
	else
		spare_ports(ctx[1], ctx[2] / 4, PROBE_EVTCHN_WRITE);
	return 0;
}

SEC("fentry/taskstats_exit")
int thread_end_spare(u64 *ctx)
{
	if (spares_on && ctx[1])
		on_thread_end(1); /* of which the second is of no known process */
	return 0;
}

#else

SEC("kprobe/privcmd_ioctl")
int privcmd_enter(struct registers *r)
{
	on_privcmd_ioctl(r->si, r->dx);
	send(r);
	return 0;
}

SEC("kretprobe/privcmd_ioctl")
int privcmd_return(struct registers *r)
{
	if (!ignored())
		returned(r->ax, PROBE_PRIVCMD);
	send(r);
	return 0;
}

SEC("kprobe/evtchn_ioctl")
int evtchn_ioctl_enter(struct registers *r)
{
	on_evtchn_ioctl(r->si, r->dx);
	send(r);
	return 0;
}

SEC("kretprobe/evtchn_ioctl")
int evtchn_ioctl_return(struct registers *r)
{
	if (!ignored())
		returned(r->ax, PROBE_EVTCHN_IOCTL);
	send(r);
	return 0;
}

SEC("kprobe/evtchn_read")
int evtchn_read_enter(struct registers *r)
{
	u64 id = bpf_get_current_pid_tgid(), buf = r->si;

	if (!ignored() && bpf_map_update_elem(&reads, &id, &buf, UPDATE_ANY))
		count_lost(PROBE_EVTCHN_READ, REASON_MAP_FULL, 1);
	send(r);
	return 0;
}

SEC("kretprobe/evtchn_read")
int evtchn_read_return(struct registers *r)
{
	u64 id = bpf_get_current_pid_tgid();
	u64 *buf = bpf_map_lookup_elem(&reads, &id);

	if (!buf) {
		if (!ignored() && (s64)r->ax > 0)
			count_lost(PROBE_EVTCHN_READ, REASON_NO_ENTRY, 1);
		return 0;
	}
	on_evtchn_read(*buf, r->ax);
	bpf_map_delete_elem(&reads, &id);
	send(r);
	return 0;
}

SEC("kprobe/evtchn_write")
int evtchn_write_enter(struct registers *r)
{
	on_evtchn_write(r->si, r->dx);
	send(r);
	return 0;
}

SEC("kprobe/evtchn_interrupt")
int evtchn_interrupt_enter(struct registers *r)
{
	on_interrupt(r->si);
	send(r);
	return 0;
}

SEC("kprobe/privcmd_close")
int privcmd_close_enter(struct registers *r)
{
	on_unmap((const struct vma_head *)r->di);
	send(r);
	return 0;
}

SEC("kprobe/taskstats_exit")
int thread_end(struct registers *r)
{
	on_thread_end(r->si);
	send(r);
	return 0;
}

SEC("kprobe/exec_mm_release")
int memory_left(struct registers *r)
{
	on_memory_left();
	send(r);
	return 0;
}

SEC("kprobe/poll_freewait")
int poll_return(struct registers *r)
{
	on_poll_return();
	send(r);
	return 0;
}

SEC("kprobe/update_process_times")
int tick(struct registers *r)
{
	on_tick();
	send(r);
	return 0;
}

/* Every tick of a device model's own CPU time: see record/sampler_linux_amd64.go. */
SEC("perf_event")
int sample(void *ctx)
{
	drain();
	send(ctx);
	return 0;
}

#endif

#ifdef FENTRY

/* Interrupts are off in these, so that none is skipped: they need no spares. */
SEC("fentry/ioeventfd_interrupt")
int ioeventfd_enter(u64 *ctx)
{
	on_ioeventfd(ctx[1]);
	return 0;
}

SEC("fexit/ioeventfd_interrupt")
int ioeventfd_return(u64 *ctx)
{
	on_ioeventfd_return(ctx[2]);
	return 0;
}

/* The verifier knows what the first argument points at, and suffers no arithmetic of ours on it. */
SEC("fentry/irqfd_wakeup")
int irqfd_enter(u64 *ctx)
{
	u64 wait;

	if (!bpf_probe_read_kernel(&wait, sizeof(wait), ctx))
		on_irqfd(wait, ctx[3]);
	return 0;
}

SEC("fexit/irqfd_wakeup")
int irqfd_return(u64 *ctx)
{
	on_irqfd_return();
	return 0;
}

#elif !defined(PERF)

SEC("kprobe/ioeventfd_interrupt")
int ioeventfd_enter(struct registers *r)
{
	on_ioeventfd(r->si);
	return 0;
}

SEC("kretprobe/ioeventfd_interrupt")
int ioeventfd_return(struct registers *r)
{
	on_ioeventfd_return(r->ax);
	return 0;
}

SEC("kprobe/irqfd_wakeup")
int irqfd_enter(struct registers *r)
{
	on_irqfd(r->di, r->cx);
	return 0;
}

SEC("kretprobe/irqfd_wakeup")
int irqfd_return(struct registers *r)
{
	on_irqfd_return();
	return 0;
}

#endif

/*
 * Where the kernel has no taskstats_exit, the end of a process is that of its first
 * thread, whose memory may be gone by then.
 */
SEC("tracepoint/sched/sched_process_exit")
int process_exit(void *ctx)
{
	u64 id = bpf_get_current_pid_tgid();

	on_thread_end((u32)id == id >> 32);
	send(ctx);
	return 0;
}

/* Nothing can stop an exec any more. Other threads may still run for a moment. */
SEC("tracepoint/sched/sched_prepare_exec")
int exec_begins(void *ctx)
{
	look_at_rings();
	send(ctx);
	return 0;
}

#ifdef FENTRY
/* A plain tracepoint's program is skipped while any task of this CPU is in bpf(2). */
SEC("tp_btf/sched_process_exec")
#else
SEC("tracepoint/sched/sched_process_exec")
#endif
int process_exec(void *ctx)
{
	on_exec();
	send(ctx);
	return 0;
}
