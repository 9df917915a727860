// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * faults: a fifo that goes wrong when `fault` is set from outside. Kernel threads are served properly. Needs
 * no dispatch queue of its own, so that it runs on every kernel.
 */
#include "guest/sched/scx.bpf.h"

char _license[] SEC("license") = "GPL";

enum fault {
	HOARD = 1, /* enqueued tasks are put into a map, and forgotten */
	CROWD,	   /* all run on CPU 0 */
	ENDLESS,   /* turns without an end */
	STUCK,	   /* dispatch() of an idle CPU does not come back */
	AGAIN,	   /* dispatch() gives a task that is not there: it is called again, and again */
	NOWHERE,   /* select_cpu() chooses a CPU that does not exist */
};
volatile u32 fault;

#define BPF_MAP_TYPE_QUEUE 22 /* linux/bpf.h */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1000);
	__type(value, s32);
} hoard SEC(".maps");

#define ROUNDS (1 << 23) /* the most that bpf_loop() does */

static bool is_user(const struct task_struct *p)
{
	return !(p->flags & PF_KTHREAD);
}

s32 SCHED_OP(faults_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool direct;

	if (!is_user(p) || !fault)
		return to_idle_cpu(p, prev_cpu, wake_flags, SCX_SLICE_DFL, &direct);
	return fault == NOWHERE ? MAX_CPUS : prev_cpu;
}

void SCHED_OP(faults_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 queue = fault == CROWD ? SCX_DSQ_LOCAL_ON | 0 : SCX_DSQ_GLOBAL;
	s32 pid = p->pid;

	if (!is_user(p))
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
	else if (fault == HOARD || fault == STUCK || fault == AGAIN)
		bpf_map_push_elem(&hoard, &pid, 0);
	else
		scx_bpf_dsq_insert(p, queue, fault == ENDLESS ? ~0ull : SCX_SLICE_DFL, enq_flags);
}

static long loop_inside(u32 i, void *context)
{
	return fault != STUCK;
}

static long loop_outside(u32 i, void *context)
{
	bpf_loop(ROUNDS, loop_inside, 0, 0);
	return fault != STUCK;
}

void SCHED_OP(faults_dispatch, s32 cpu, struct task_struct *prev)
{
	struct task_struct *p;

	if (fault == STUCK && !wants_cpu(prev))
		bpf_loop(ROUNDS, loop_outside, 0, 0);
	if (fault != AGAIN)
		return;
	p = bpf_task_from_pid(2); /* kthreadd, which sleeps */
	if (!p)
		return;
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, 0);
	bpf_task_release(p);
}

SCHED_EXIT(faults_exit)

SEC(".struct_ops")
struct sched_ext_ops faults_ops = {
	.select_cpu = (void *)faults_select_cpu,
	.enqueue = (void *)faults_enqueue,
	.dispatch = (void *)faults_dispatch,
	.exit = (void *)faults_exit,
	.name = "faults",
};
