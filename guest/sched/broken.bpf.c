// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * broken: a scheduler with a bug, to see what bugs look like. `mode` says which; guest/wire_sched.h has
 * their names. Kernel threads are served properly in all of them, so that the machine can be looked
 * at; those who suffer are user tasks.
 *
 * Without its bug this is fifo with a dispatch() of its own: SHARED is the one queue. Some modes have
 * more: APART, that not everybody looks at, and one for each CPU, that only this CPU looks at.
 */
#include "guest/sched/scx.bpf.h"

char _license[] SEC("license") = "GPL";

enum queue { SHARED, APART, FIRST_CPU };
#define ROUNDS (1 << 23) /* the most that bpf_loop() does */

/* Set by load.c. */
const volatile u32 mode;
const volatile u32 nr_cpus = 1;

s32 victim;                /* starve: its pid */
volatile u32 looping = 1;  /* loop: set it to 0 from the debugger, and dispatch() goes on */
u32 asleep[MAX_CPUS];      /* race: 1 when a CPU has looked into its queue for the last time */

static bool is_user(const struct task_struct *p)
{
	return !(p->flags & PF_KTHREAD);
}

/* Whether this task is one to whom the mode's bug happens. */
static bool suffers(const struct task_struct *p)
{
	switch (is_user(p) ? mode : 0) {
	case BROKEN_STRAND:
	case BROKEN_WRONG_CPU:
		return 1;
	case BROKEN_NO_KICK:
	case BROKEN_RACE:
		return runs_anywhere(p);
	case BROKEN_AFFINITY:
		return !runs_anywhere(p);
	case BROKEN_STARVE:
		__sync_val_compare_and_swap(&victim, 0, p->pid);
		return victim == p->pid;
	default:
		return 0;
	}
}

s32 SCHED_OP(broken_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	bool direct;

	return suffers(p) ? prev_cpu : to_idle_cpu(p, prev_cpu, wake_flags, SCX_SLICE_DFL, &direct);
}

/* Where the task goes. False: nowhere. */
static bool choose_queue(struct task_struct *p, u64 enq_flags, u64 *ret)
{
	u32 next = (u32)scx_bpf_task_cpu(p) + 1;

	next = next < nr_cpus ? next : 0;
	*ret = SHARED;
	if (mode == BROKEN_KEEP_LAST && is_user(p) && !(enq_flags & SCX_ENQ_WAKEUP))
		*ret = SCX_DSQ_LOCAL; /* it keeps its CPU, also after a task of a higher class */
	if (!suffers(p))
		return 1;
	if (mode == BROKEN_STRAND || mode == BROKEN_STARVE)
		*ret = APART;
	else if (mode == BROKEN_WRONG_CPU)
		*ret = SCX_DSQ_LOCAL_ON | nr_cpus;
	else if (mode == BROKEN_RACE && asleep[next % MAX_CPUS])
		*ret = SCX_DSQ_LOCAL_ON | next; /* wakes it up */
	else
		*ret = FIRST_CPU + next;
	return mode != BROKEN_AFFINITY;
}

void SCHED_OP(broken_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 queue;

	if (choose_queue(p, enq_flags, &queue))
		scx_bpf_dsq_insert(p, queue, SCX_SLICE_DFL, enq_flags);
}

static long loop_inside(u32 i, void *context)
{
	return !looping;
}

static long loop_outside(u32 i, void *context)
{
	bpf_loop(ROUNDS, loop_inside, 0, 0);
	return !looping;
}

void SCHED_OP(broken_dispatch, s32 cpu, struct task_struct *prev)
{
	u32 *sleeps = &asleep[(u32)cpu % MAX_CPUS];

	if (mode == BROKEN_LOOP && prev && is_user(prev))
		bpf_loop(ROUNDS, loop_outside, 0, 0);
	if (mode == BROKEN_KEEP_LAST && wants_cpu(prev))
		return;
	*sleeps = 0;
	if (scx_bpf_dsq_move_to_local(SHARED))
		return;
	if (mode == BROKEN_STARVE && !wants_cpu(prev))
		scx_bpf_dsq_move_to_local(APART);
	if (mode != BROKEN_NO_KICK && mode != BROKEN_RACE)
		return;
	if (!scx_bpf_dsq_move_to_local(FIRST_CPU + (u32)cpu))
		*sleeps = 1; /* race: too late, something may have come since */
}

s32 SCHED_OP(broken_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	return mode == BROKEN_INIT_TASK && is_user(p) ? -12 : 0; /* ENOMEM */
}

s32 SCHED_OP_SLEEPABLE(broken_init)
{
	s32 error = 0;

	for (u32 queue = SHARED; queue < FIRST_CPU + nr_cpus && !error; queue++)
		error = scx_bpf_create_dsq(queue, -1);
	return error;
}

SCHED_EXIT(broken_exit)

SEC(".struct_ops")
struct sched_ext_ops broken_ops = {
	.select_cpu = (void *)broken_select_cpu,
	.enqueue = (void *)broken_enqueue,
	.dispatch = (void *)broken_dispatch,
	.init_task = (void *)broken_init_task,
	.init = (void *)broken_init,
	.exit = (void *)broken_exit,
	.name = "broken",
};
