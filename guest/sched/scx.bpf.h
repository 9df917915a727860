/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few declarations of the kernel that the schedulers here need, instead of a generated vmlinux.h.
 * preserve_access_index lets the loader find each field's place in the kernel that runs (CO-RE), so
 * a struct lists only what is used. Kinds must match: an enum stays an enum.
 */
#ifndef GUEST_SCHED_SCX_BPF_H
#define GUEST_SCHED_SCX_BPF_H

typedef _Bool bool;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

/* What libbpf's headers expect from vmlinux.h. */
typedef unsigned char __u8;
typedef unsigned short __u16, __be16;
typedef unsigned int __u32, __be32, __wsum;
typedef unsigned long long __u64;
typedef short __s16;
typedef int __s32;
typedef long long __s64;

#include "guest/wire_sched.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SCX_DSQ_GLOBAL ((1ULL << 63) | 1)
#define SCX_DSQ_LOCAL ((1ULL << 63) | 2)
#define SCX_DSQ_LOCAL_ON (3ULL << 62) /* | CPU */
#define SCX_SLICE_DFL (20 * 1000 * 1000ULL) /* ns */
#define SCX_TASK_QUEUED 1 /* sched_ext_entity.flags: runnable */
#define SCX_ENQ_WAKEUP 1
#define SCX_KICK_PREEMPT 2
#define PF_KTHREAD 0x00200000
#define MAX_CPUS 1024

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sched_ext_entity {
	u32 flags;
	u32 weight; /* 100 for nice 0 */
	u64 slice;  /* ns left of its turn */
	u64 dsq_vtime;
};

struct sched_entity {
	u64 sum_exec_runtime; /* ns, under every class */
};

struct cpumask {
	unsigned long bits[1];
};

struct task_struct {
	u32 flags;
	s32 pid;
	s32 nr_cpus_allowed;
	const struct cpumask *cpus_ptr;
	struct sched_entity se;
	struct sched_ext_entity scx;
};

enum scx_exit_kind {
	SCX_EXIT_NONE = 0, /* so that the type is there: values are not looked at here */
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	s64 exit_code;
	const char *reason;
	char *msg;
};

struct scx_init_task_args;

struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*enable)(struct task_struct *p);
	s32 (*init_task)(struct task_struct *p, struct scx_init_task_args *args);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	u32 dispatch_max_batch;
	u64 flags;
	u32 timeout_ms;
	char name[128];
};

#pragma clang attribute pop

/* Calls into the kernel. The names are those of 6.13 and later. */
s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags, bool *is_idle) __ksym;
void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;
s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym;
u32 scx_bpf_nr_cpu_ids(void) __ksym;
struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;
bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) __ksym;
#ifdef OWN_DSQ
#include "guest/sched/own_dsq.bpf.h"
#else
s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym;
void scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime,
			      u64 enq_flags) __ksym;
bool scx_bpf_dsq_move_to_local(u64 dsq_id) __ksym;
void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
#endif

/* One operation of a scheduler, with its arguments as the kernel declares them. */
#define SCHED_OP(name, args...) SEC("struct_ops/" #name) BPF_PROG(name, ##args)
/* One that may sleep. libbpf before 1.2 does not know "struct_ops.s", so load.c goes by this name. */
#define SCHED_OP_SLEEPABLE(name, args...) SEC("struct_ops/sleepable/" #name) BPF_PROG(name, ##args)

/*
 * What most schedulers do with a task that wakes up: to a CPU that idles, if there is one, and there
 * into the local queue at once. *ret says whether it was; else it will be enqueued.
 */
static __always_inline s32 to_idle_cpu(struct task_struct *p, s32 prev_cpu, u64 wake_flags, u64 slice,
				       bool *ret)
{
	s32 cpu;

	*ret = 0;
	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, ret);
	if (*ret)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice, 0);
	return cpu;
}

/*
 * Why the scheduler ended, for load.c, which ends with it. SCHED_EXIT(name) makes the operation.
 */
#define BPF_MAP_TYPE_RINGBUF 27 /* linux/bpf.h */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} exits SEC(".maps");

static __always_inline void report_exit(const struct scx_exit_info *info)
{
	struct sched_exit *e = bpf_ringbuf_reserve(&exits, sizeof(*e), 0);

	if (!e)
		return;
	e->kind = info->kind;
	bpf_probe_read_kernel_str(e->reason, sizeof(e->reason), info->reason);
	bpf_probe_read_kernel_str(e->message, sizeof(e->message), info->msg);
	bpf_ringbuf_submit(e, 0);
}

#define SCHED_EXIT(name)                                                                           \
	void SCHED_OP(name, struct scx_exit_info *info)                                            \
	{                                                                                          \
		report_exit(info);                                                                 \
	}

/* Of the task that dispatch() is called with: its turn is over, but it would go on. May be NULL. */
static __always_inline bool wants_cpu(const struct task_struct *prev)
{
	return prev && prev->scx.flags & SCX_TASK_QUEUED;
}

static __always_inline bool runs_anywhere(const struct task_struct *p)
{
	return (u32)p->nr_cpus_allowed >= scx_bpf_nr_cpu_ids();
}

#endif
