// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * percpu: a queue for each CPU, and work stealing.
 *
 * A task waits in the queue of the CPU it ran on last, whose caches still know it. No two CPUs touch
 * the same queue while all of them are busy, which is why schedulers of large machines begin like
 * this. The price is balance: a CPU could sit idle beside a long queue. So a CPU that finds its own
 * queue empty looks into those of the others, its neighbours first, and takes what may run here:
 *
 *   wakes up -> select_cpu: an idle CPU? straight to its local queue
 *            -> enqueue:    else into the queue of its CPU
 *   a CPU has nothing to do -> dispatch: its own queue, else the first one with a task to steal
 *
 * Nobody need kick an idle CPU: a wake-up chooses one if there is one, and a CPU falls asleep only
 * after it has seen all queues empty.
 */
#include "guest/sched/scx.bpf.h"

char _license[] SEC("license") = "GPL";

const volatile u32 nr_cpus = 1; /* set by load.c */

/* How often a CPU took a task from its own queue, and how often from another's. */
u64 nr_own, nr_stolen;

s32 SCHED_OP(percpu_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool direct;

	return to_idle_cpu(p, prev_cpu, wake_flags, SCX_SLICE_DFL, &direct);
}

void SCHED_OP(percpu_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dsq_insert(p, (u32)scx_bpf_task_cpu(p), SCX_SLICE_DFL, enq_flags);
}

void SCHED_OP(percpu_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 victim = (u32)cpu;

	if (scx_bpf_dsq_move_to_local(victim)) {
		__sync_fetch_and_add(&nr_own, 1);
		return;
	}
	for (u32 i = 1; i < nr_cpus; i++) {
		victim = victim + 1 < nr_cpus ? victim + 1 : 0;
		if (scx_bpf_dsq_move_to_local(victim)) {
			__sync_fetch_and_add(&nr_stolen, 1);
			return;
		}
	}
}

s32 SCHED_OP_SLEEPABLE(percpu_init)
{
	s32 error = 0;

	for (u32 cpu = 0; cpu < nr_cpus && !error; cpu++)
		error = scx_bpf_create_dsq(cpu, -1);
	return error;
}

SCHED_EXIT(percpu_exit)

SEC(".struct_ops")
struct sched_ext_ops percpu_ops = {
	.select_cpu = (void *)percpu_select_cpu,
	.enqueue = (void *)percpu_enqueue,
	.dispatch = (void *)percpu_dispatch,
	.init = (void *)percpu_init,
	.exit = (void *)percpu_exit,
	.name = "percpu",
};
