// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vtime: one queue for the whole machine, ordered by virtual time.
 *
 * Each task carries a clock of its own, p->scx.dsq_vtime, that runs while the task runs: at the speed
 * of real time for weight 100, half as fast for weight 200, twice as fast for weight 50. The task
 * whose clock is furthest behind runs next. Whoever has had less than its share is behind, so that is
 * all it takes to be fair by weight. (The weight is that of the task's nice value. A cgroup's
 * cpu.weight is not looked at.)
 *
 * How a task travels:
 *
 *   wakes up -> select_cpu: an idle CPU? straight to its local queue, no waiting
 *            -> enqueue:    else into the one shared queue, sorted by vtime
 *   a CPU has nothing to do -> dispatch: it takes the first of the shared queue
 *   gets the CPU -> running;  loses it -> stopping: its clock advances by what it used
 *
 * When a turn ends, the next task is chosen before the last one is back in the queue, so two tasks
 * alone on a CPU alternate whatever their clocks say. A turn's length follows the weight for that reason.
 *
 * A task that slept long must not come back with a clock from yesterday and keep all others off the
 * CPU until it has caught up: on its way into the queue its clock is moved up to at most one slice
 * behind the machine's. Only ever up: a clock that is ahead stays ahead, also when you set it so from
 * the debugger, and the task waits until the others have got there.
 */
#include "guest/sched/scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define SHARED_DSQ 0

/* The machine's clock: the greatest vtime at which a task has begun to run. Races of two CPUs here
 * only make it a little old, for a moment. */
u64 vtime_now;

/* What the task on each CPU had run in all when it got the CPU, ns. */
u64 runtime_before[MAX_CPUS];

/* How often a task went to an idle CPU, and how often through the shared queue. */
u64 nr_direct, nr_shared;

/* Virtual times wrap around, so compare by the sign of their difference. */
static bool before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* 20 ms for weight 100, never outside 1..100 ms. */
static u64 turn_of(struct task_struct *p)
{
	u64 turn = SCX_SLICE_DFL * p->scx.weight / 100;

	return turn < 1000000 ? 1000000 : turn > 100000000 ? 100000000 : turn;
}

s32 SCHED_OP(vtime_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool direct;
	s32 cpu = to_idle_cpu(p, prev_cpu, wake_flags, turn_of(p), &direct);

	if (direct)
		__sync_fetch_and_add(&nr_direct, 1);
	return cpu;
}

void SCHED_OP(vtime_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 vtime = p->scx.dsq_vtime;
	u64 oldest = vtime_now - SCX_SLICE_DFL;

	if (before(vtime, oldest))
		vtime = oldest;
	__sync_fetch_and_add(&nr_shared, 1);
	scx_bpf_dsq_insert_vtime(p, SHARED_DSQ, turn_of(p), vtime, enq_flags);
}

void SCHED_OP(vtime_dispatch, s32 cpu, struct task_struct *prev)
{
	scx_bpf_dsq_move_to_local(SHARED_DSQ);
}

void SCHED_OP(vtime_running, struct task_struct *p)
{
	u32 cpu = scx_bpf_task_cpu(p);

	if (cpu < MAX_CPUS)
		runtime_before[cpu] = p->se.sum_exec_runtime;
	if (before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

void SCHED_OP(vtime_stopping, struct task_struct *p, bool runnable)
{
	u32 cpu = scx_bpf_task_cpu(p);
	u64 used = cpu < MAX_CPUS ? p->se.sum_exec_runtime - runtime_before[cpu] : 0;

	p->scx.dsq_vtime += used * 100 / p->scx.weight;
}

/* A task that comes to us (all of them when we are attached, later each new one) starts at `now`. */
void SCHED_OP(vtime_enable, struct task_struct *p)
{
	p->scx.dsq_vtime = vtime_now;
}

s32 SCHED_OP_SLEEPABLE(vtime_init)
{
	return scx_bpf_create_dsq(SHARED_DSQ, -1);
}

SCHED_EXIT(vtime_exit)

SEC(".struct_ops")
struct sched_ext_ops vtime_ops = {
	.select_cpu = (void *)vtime_select_cpu,
	.enqueue = (void *)vtime_enqueue,
	.dispatch = (void *)vtime_dispatch,
	.running = (void *)vtime_running,
	.stopping = (void *)vtime_stopping,
	.enable = (void *)vtime_enable,
	.init = (void *)vtime_init,
	.exit = (void *)vtime_exit,
	.name = "vtime",
};
