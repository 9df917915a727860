// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fifo: the least that a scheduler can be. One queue for the whole machine, first come, first served,
 * 20 ms each.
 *
 * The queue is sched_ext's own, SCX_DSQ_GLOBAL: a CPU whose local queue is empty takes the first task
 * of it that may run there, so there is no dispatch() to write. What this costs is fairness: nobody
 * looks at weights, and of two tasks the one that gives its turn back early gets less.
 */
#include "guest/sched/scx.bpf.h"

char _license[] SEC("license") = "GPL";

/* How often a task went to an idle CPU, and how often through the global queue. */
u64 nr_direct, nr_queued;

s32 SCHED_OP(fifo_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool direct;
	s32 cpu = to_idle_cpu(p, prev_cpu, wake_flags, SCX_SLICE_DFL, &direct);

	if (direct)
		__sync_fetch_and_add(&nr_direct, 1);
	return cpu;
}

void SCHED_OP(fifo_enqueue, struct task_struct *p, u64 enq_flags)
{
	__sync_fetch_and_add(&nr_queued, 1);
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
}

SCHED_EXIT(fifo_exit)

SEC(".struct_ops")
struct sched_ext_ops fifo_ops = {
	.select_cpu = (void *)fifo_select_cpu,
	.enqueue = (void *)fifo_enqueue,
	.exit = (void *)fifo_exit,
	.name = "fifo",
};
