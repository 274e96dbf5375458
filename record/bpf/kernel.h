/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the programs need of the kernel's BPF interface: integer types, the
 * numbers of the helpers they call, map types. Stable numbers all, so that no
 * kernel header and no libbpf is needed to build.
 */
#ifndef IOTRACE_KERNEL_H
#define IOTRACE_KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

/* struct pt_regs of x86-64 as far as the calling convention needs it. */
struct registers {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
};

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#ifdef PERF
/* Before Linux 5.6 no function is checked by itself, and before 5.3 no loop passes. */
#define FUNC static __attribute__((noinline))
#define LOOP _Pragma("clang loop unroll(full)")
#else
/* A function of its own for the verifier, which then checks it once. */
#define FUNC __attribute__((noinline))
#define LOOP _Pragma("clang loop unroll(disable)")
#endif

#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name

enum { MAP_HASH = 1, MAP_ARRAY = 2, MAP_PERF_EVENT_ARRAY = 4, MAP_PERCPU_ARRAY = 6, MAP_RINGBUF = 27 };
enum { CLOCK_MONOTONIC = 1 };
enum { UPDATE_ANY = 0, UPDATE_NOEXIST = 1 };
enum { RB_NO_WAKEUP = 1, RB_FORCE_WAKEUP = 2, RB_AVAIL_DATA = 0 };

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static u64 (*bpf_ktime_get_ns)(void) = (void *)5;
static u32 (*bpf_get_smp_processor_id)(void) = (void *)8;
static u64 (*bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*bpf_get_current_comm)(void *buf, u32 size) = (void *)16;
#ifdef PERF
/* One helper for both kinds of addresses, which x86-64 tells apart. */
static long (*bpf_probe_read)(void *dst, u32 size, const void *src) = (void *)4;
static long (*bpf_perf_event_output)(void *ctx, void *map, u64 flags, void *data, u64 size) = (void *)25;
#define bpf_probe_read_user bpf_probe_read
#define bpf_probe_read_kernel bpf_probe_read
enum { CURRENT_CPU = 0xffffffff };
#else
static long (*bpf_probe_read_user)(void *dst, u32 size, const void *src) = (void *)112;
static long (*bpf_probe_read_kernel)(void *dst, u32 size, const void *src) = (void *)113;
static void *(*bpf_ringbuf_reserve)(void *ringbuf, u64 size, u64 flags) = (void *)131;
static void (*bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132;
static u64 (*bpf_ringbuf_query)(void *ringbuf, u64 flags) = (void *)134;
#endif
#ifdef FENTRY
struct bpf_timer {
	u64 : 64;
	u64 : 64;
} __attribute__((aligned(8)));

static long (*bpf_timer_init)(struct bpf_timer *timer, void *map, u64 clock) = (void *)169;
static long (*bpf_timer_set_callback)(struct bpf_timer *timer, void *callback) = (void *)170;
static long (*bpf_timer_start)(struct bpf_timer *timer, u64 ns, u64 flags) = (void *)171;
#endif

INLINE long read_user(void *dst, u32 size, u64 src)
{
	return bpf_probe_read_user(dst, size, (const void *)src);
}

/* hidden keeps the compiler from knowing v: it drops a bound that the verifier wants to see. */
INLINE u64 hidden(u64 v)
{
	asm volatile("" : "+r"(v));
	return v;
}

/* barrier has the compiler read memory anew behind it, and write before it what comes before. */
INLINE void barrier(void)
{
	asm volatile("" : : : "memory");
}

#endif
