// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * queues: eight dispatch queues, four in order of arrival and four by virtual time, so that there is
 * something to look at in all of them. A task's pid says which is its own; a CPU empties them in turn. Only
 * tasks that ask for SCHED_EXT are taken, so that the fair class goes on beside it.
 */
#include "guest/sched/scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define QUEUES 8
#define FIRST_DSQ 0x100
#define SWITCH_PARTIAL (1 << 3) /* SCX_OPS_SWITCH_PARTIAL */

u64 vtime_now;
u32 next_queue;

void SCHED_OP(queues_enqueue, struct task_struct *p, u64 enq_flags)
{
	u32 queue = (u32)p->pid % QUEUES;
	u64 dsq_id = FIRST_DSQ + queue;

	if (queue < QUEUES / 2)
		scx_bpf_dsq_insert(p, dsq_id, SCX_SLICE_DFL, enq_flags);
	else
		scx_bpf_dsq_insert_vtime(p, dsq_id, SCX_SLICE_DFL, p->scx.dsq_vtime, enq_flags);
}

void SCHED_OP(queues_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 first = __sync_fetch_and_add(&next_queue, 1);

	for (u32 i = 0; i < QUEUES; i++)
		if (scx_bpf_dsq_move_to_local(FIRST_DSQ + (first + i) % QUEUES))
			return;
}

void SCHED_OP(queues_running, struct task_struct *p)
{
	if ((s64)(vtime_now - p->scx.dsq_vtime) < 0)
		vtime_now = p->scx.dsq_vtime;
}

void SCHED_OP(queues_stopping, struct task_struct *p, bool runnable)
{
	p->scx.dsq_vtime += (SCX_SLICE_DFL - p->scx.slice) * 100 / p->scx.weight;
}

void SCHED_OP(queues_enable, struct task_struct *p)
{
	p->scx.dsq_vtime = vtime_now;
}

s32 SCHED_OP_SLEEPABLE(queues_init)
{
	s32 status = 0;

	for (u32 i = 0; i < QUEUES && !status; i++)
		status = scx_bpf_create_dsq(FIRST_DSQ + i, -1);
	return status;
}

SEC(".struct_ops")
struct sched_ext_ops queues_ops = {
	.enqueue = (void *)queues_enqueue,
	.dispatch = (void *)queues_dispatch,
	.running = (void *)queues_running,
	.stopping = (void *)queues_stopping,
	.enable = (void *)queues_enable,
	.init = (void *)queues_init,
	.flags = SWITCH_PARTIAL,
	.name = "queues",
};
