// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * central: one CPU decides what all others run.
 *
 * All tasks that may run anywhere wait in one list, and only the central CPU, number 0, takes them out.
 * A CPU that could run another task asks; the central one, whenever it has to choose for itself, first
 * serves those that asked, each by putting a task straight into its local queue, which also wakes it.
 * So every decision is made in one place, one after the other, without locks among the deciders: that
 * suits machines whose other CPUs should not be disturbed by scheduling at all.
 *
 *   wakes up -> select_cpu: the central CPU, where it will be looked at
 *            -> enqueue:    into the list; the central CPU is kicked out of what it does
 *   CPU n's task ends its turn -> dispatch: it asks, and kicks the central CPU if it would idle
 *   the central CPU's dispatch: serves all who ask, then itself
 *
 * Tasks that are bound to some CPUs are none of its business and go to the local queue of theirs. The
 * list holds numbers of processes: a task that has gone in the meantime is passed over, and the kernel
 * ignores the dispatch of one that is no longer queued.
 */
#include "guest/sched/scx.bpf.h"

char _license[] SEC("license") = "GPL";

#define CENTRAL 0
#define MAX_SERVED 64 /* CPUs in one go */
#define MAX_GONE 256  /* processes in a row that have ended */
#define BPF_MAP_TYPE_QUEUE 22 /* linux/bpf.h */
/* The central CPU's own tasks have short turns: it looks at every tick also where it is not kicked. */
#define CENTRAL_SLICE (1000 * 1000ULL)

const volatile u32 nr_cpus = 1; /* set by load.c */

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8192);
	__type(value, s32);
} waiting SEC(".maps");

/* 1: this CPU waits to be served. */
u32 asks[MAX_CPUS];

/* Tasks that were handed to other CPUs, and that the central one took itself. */
u64 nr_handed, nr_kept;

s32 SCHED_OP(central_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return runs_anywhere(p) ? CENTRAL : prev_cpu;
}

void SCHED_OP(central_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 pid = p->pid;

	if (!runs_anywhere(p) || bpf_map_push_elem(&waiting, &pid, 0))
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SCX_SLICE_DFL, enq_flags);
	else if (enq_flags & SCX_ENQ_WAKEUP)
		scx_bpf_kick_cpu(CENTRAL, SCX_KICK_PREEMPT);
}

/* Give `cpu` the first of the list. False when the list is empty. */
__attribute__((noinline)) bool central_serve(u32 cpu)
{
	u64 slice = cpu == CENTRAL ? CENTRAL_SLICE : SCX_SLICE_DFL;
	struct task_struct *p = 0;
	bool fits;
	s32 pid;

	for (u32 i = 0; i < MAX_GONE && !p; i++) {
		if (bpf_map_pop_elem(&waiting, &pid))
			return 0;
		p = bpf_task_from_pid(pid);
	}
	if (!p)
		return 0;
	/* Bound to other CPUs since: whichever of them comes first takes it. */
	fits = bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
	scx_bpf_dsq_insert(p, fits ? SCX_DSQ_LOCAL_ON | cpu : SCX_DSQ_GLOBAL, slice, 0);
	bpf_task_release(p);
	return 1;
}

void SCHED_OP(central_dispatch, s32 cpu, struct task_struct *prev)
{
	if (cpu != CENTRAL) {
		asks[(u32)cpu % MAX_CPUS] = 1;
		if (!wants_cpu(prev))
			scx_bpf_kick_cpu(CENTRAL, SCX_KICK_PREEMPT);
		return;
	}
	for (u32 i = 1; i < nr_cpus && i < MAX_SERVED; i++) {
		if (!asks[i])
			continue;
		asks[i] = 0;
		if (!central_serve(i)) {
			asks[i] = 1;
			return;
		}
		__sync_fetch_and_add(&nr_handed, 1);
	}
	if (central_serve(CENTRAL))
		__sync_fetch_and_add(&nr_kept, 1);
}

SCHED_EXIT(central_exit)

SEC(".struct_ops")
struct sched_ext_ops central_ops = {
	.select_cpu = (void *)central_select_cpu,
	.enqueue = (void *)central_enqueue,
	.dispatch = (void *)central_dispatch,
	.dispatch_max_batch = MAX_SERVED,
	.exit = (void *)central_exit,
	.name = "central",
};
