// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * llc: a queue for each last-level cache.
 *
 * Between one queue for the machine, which moves tasks away from their data, and one for each CPU,
 * which has to balance, lies this: CPUs that share a cache share a queue. Moving a task among them is
 * cheap, so they need no balancing; the queues of two caches are balanced only when one of them is
 * empty, by a CPU that takes a task from the other:
 *
 *   wakes up -> select_cpu: an idle CPU? straight to its local queue
 *            -> enqueue:    else into the queue of the cache that it ran on last
 *   a CPU has nothing to do -> dispatch: the queue of its cache, else that of another
 *
 * A machine with one cache has one queue, and this is then fifo with a dispatch() of its own.
 */
#include "guest/sched/scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* Set by load.c: the CPUs' caches are numbered from 0. */
const volatile u32 nr_llcs = 1;
const volatile u32 llc_of[MAX_CPUS];

/* How often a CPU took a task of its own cache, and how often of another. */
u64 nr_near, nr_far;

static u32 llc_of_cpu(s32 cpu)
{
	return llc_of[(u32)cpu % MAX_CPUS];
}

s32 SCHED_OP(llc_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool direct;

	return to_idle_cpu(p, prev_cpu, wake_flags, SCX_SLICE_DFL, &direct);
}

void SCHED_OP(llc_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, llc_of_cpu(scx_bpf_task_cpu(p)), SCX_SLICE_DFL, enq_flags);
}

void SCHED_OP(llc_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 llc = llc_of_cpu(cpu);

	if (scx_bpf_dsq_move_to_local(llc)) {
		__sync_fetch_and_add(&nr_near, 1);
		return;
	}
	for (u32 i = 1; i < nr_llcs; i++) {
		llc = llc + 1 < nr_llcs ? llc + 1 : 0;
		if (scx_bpf_dsq_move_to_local(llc)) {
			__sync_fetch_and_add(&nr_far, 1);
			return;
		}
	}
}

s32 SCHED_OP_SLEEPABLE(llc_init)
{
	s32 error = 0;

	for (u32 llc = 0; llc < nr_llcs && !error; llc++)
		error = scx_bpf_create_dsq(llc, -1);
	return error;
}

SCHED_EXIT(llc_exit)

SEC(".struct_ops")
struct sched_ext_ops llc_ops = {
	.select_cpu = (void *)llc_select_cpu,
	.enqueue = (void *)llc_enqueue,
	.dispatch = (void *)llc_dispatch,
	.init = (void *)llc_init,
	.exit = (void *)llc_exit,
	.name = "llc",
};
