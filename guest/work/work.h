/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: one thread or process that repeats one iteration of a type of work for ever and keeps
 * its statistics in its slot of the mailbox, so that reading them costs the guest nothing.
 *
 * Runs without the agent's help once it has begun. Nothing here allocates or takes a lock.
 */
#ifndef GUEST_WORK_WORK_H
#define GUEST_WORK_WORK_H

#include "guest/wire.h"
#include "guest/wire_work.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct work {
	struct wire_worker *slot;
	struct wire_phase *phases; /* of a sequence */
	struct wire_phase *phase;  /* the one that runs, or NULL */
	struct wire_worker *first; /* slot of the spawn's first worker: what all share */
	struct wire_worker *group; /* slot of the first of its group of `wire_work_type.group` */
	struct wire_worker *peer;  /* a group of two: the other one */
	struct wire_worker *all;   /* the mailbox's slots, and which of them are the spawn's */
	const uint32_t *slots;
	const struct wire_spawn *spawn;
	uint32_t number;           /* in this spawn, from 0 */
	int read_fd, write_fd;     /* from and to the peer, or both ends of the spawn's pipe */
	int file;                  /* io: its file, -1 before */
	uint32_t seen;             /* work_await_round() */
	uint64_t round;            /* iterations done */
	uint64_t due;              /* of the type's own: a time, a node */
	unsigned char *memory;     /* work_memory() */
	cpu_set_t cpus;            /* work_read_cpus() */
	uint64_t random;           /* state of work_random() */
	uint64_t last;             /* ns, end of the last iteration */
	uint64_t phase_last;       /* ns, that of the last one of this phase */
	uint64_t phase_cpu;        /* on which it ended */
	uint64_t cpu_read;         /* ns, when cpu_time was last brought up to date */
	uint64_t cpu_start;        /* ns of CPU time before the first iteration */
};

/* One iteration. `params` are in the order of wire_work_types. */
typedef void (*work_fn)(struct work *w, const uint64_t *params);
work_fn work_function(uint32_t id); /* NULL: unknown */

/* Iterations for ever, on the calling thread. */
void work_loop(struct work *w) __attribute__((noreturn));

uint64_t work_now(void);      /* CLOCK_MONOTONIC, ns */
uint64_t work_cpu_time(void); /* of this thread, ns */
void work_spin(uint64_t steps);
/* Burn `ns` of this thread's CPU time. */
void work_burn(uint64_t ns);
/* Sleep, and count how late it woke up. */
void work_sleep(struct work *w, uint64_t ns);
/* Sleep; not counted. */
void work_pause(uint64_t ns);
void work_count_latency(struct work *w, uint64_t ns);
/* Of one that was woken at `stamp`; 0: by nobody. */
void work_count_since(struct work *w, uint64_t stamp);
uint64_t work_random(struct work *w); /* xorshift: the same numbers in each run */
void work_seed(struct work *w);           /* other numbers for each worker, the same in each run */

/* The `i`-th worker of the spawn, counted round. */
struct wire_worker *work_slot(const struct work *w, uint32_t i);
/* `bytes` of its own, the same on each call. NULL: none, after a pause. */
unsigned char *work_memory(struct work *w, uint64_t bytes);       /* all there from the start */
unsigned char *work_fresh_memory(struct work *w, uint64_t bytes); /* each page comes when it is touched */

/* While *word == value; and wake one waiter. Across processes. */
void work_futex_wait(uint32_t *word, uint32_t value);
void work_futex_wake(uint32_t *word);
void work_futex_wake_all(uint32_t *word);
/* Until the first worker begins another round (its words[0]); counts the latency from its stamp. */
void work_await_round(struct work *w);

/* lock.c: a mutex in `word`. When it had to wait, counts the time since *stamp (NULL: it does not). */
void work_lock(struct work *w, uint32_t *word, const uint64_t *stamp);
void work_unlock(uint32_t *word);

/* place.c. What the kernel refuses (a cpuset, no privilege) stays as it was. */
void work_read_cpus(struct work *w); /* w->cpus: those that this thread may use now */
int work_nth_cpu(const struct work *w, uint64_t n); /* of w->cpus, counted round; -1: none */
void work_bind(pid_t tid, int cpu);                 /* 0: this thread */
/* This thread, to those of w->cpus that NUMA node `node` has, if any. */
void work_bind_node(struct work *w, unsigned int node);
/* Pair i on the two hardware threads of the i-th core that has two. */
void work_bind_sibling(struct work *w);
void work_set_policy(int policy, int priority);

/* cgroup.c: where the worker in slot `slot` makes the cgroup of a WORK_CGROUP type. */
#define WORK_CGROUP_PATH 96
void work_cgroup_path(uint32_t slot, char ret[WORK_CGROUP_PATH]);

/* The types; a file each, or one for a few that are nearly the same. */
void work_step_spin(struct work *w, const uint64_t *params);
void work_step_yield(struct work *w, const uint64_t *params);
void work_step_mixed(struct work *w, const uint64_t *params);
void work_step_alu(struct work *w, const uint64_t *params);
void work_step_bursty(struct work *w, const uint64_t *params);
void work_step_pipe(struct work *w, const uint64_t *params);
void work_step_futex(struct work *w, const uint64_t *params);
void work_step_sleep(struct work *w, const uint64_t *params);
void work_step_fork_exit(struct work *w, const uint64_t *params);
void work_step_mutex(struct work *w, const uint64_t *params);
void work_step_sequence(struct work *w, const uint64_t *params);
void work_step_io(struct work *w, const uint64_t *params);
void work_step_smt_spin(struct work *w, const uint64_t *params);
void work_step_ipc_variance(struct work *w, const uint64_t *params);
void work_step_io_sync(struct work *w, const uint64_t *params);
void work_step_io_rand(struct work *w, const uint64_t *params);
void work_step_io_convoy(struct work *w, const uint64_t *params);
void work_step_idle_churn(struct work *w, const uint64_t *params);
void work_step_timer_latency(struct work *w, const uint64_t *params);
void work_step_cache_pressure(struct work *w, const uint64_t *params);
void work_step_cache_yield(struct work *w, const uint64_t *params);
void work_step_cache_pipe(struct work *w, const uint64_t *params);
void work_step_futex_fanout(struct work *w, const uint64_t *params);
void work_step_fanout_compute(struct work *w, const uint64_t *params);
void work_step_thundering_herd(struct work *w, const uint64_t *params);
void work_step_wake_chain(struct work *w, const uint64_t *params);
void work_step_asymmetric_waker(struct work *w, const uint64_t *params);
void work_step_epoll_storm(struct work *w, const uint64_t *params);
void work_step_signal_storm(struct work *w, const uint64_t *params);
void work_step_producer_consumer(struct work *w, const uint64_t *params);
void work_step_nice_sweep(struct work *w, const uint64_t *params);
void work_step_affinity_churn(struct work *w, const uint64_t *params);
void work_step_cross_affinity_churn(struct work *w, const uint64_t *params);
void work_step_policy_churn(struct work *w, const uint64_t *params);
void work_step_page_fault(struct work *w, const uint64_t *params);
void work_step_numa_sweep(struct work *w, const uint64_t *params);
void work_step_numa_migration(struct work *w, const uint64_t *params);
void work_step_priority_inversion(struct work *w, const uint64_t *params);
void work_step_rt_starvation(struct work *w, const uint64_t *params);
void work_step_preempt_storm(struct work *w, const uint64_t *params);
void work_step_schbench(struct work *w, const uint64_t *params);
void work_step_cgroup_churn(struct work *w, const uint64_t *params);
void work_step_cgroup_attach_storm(struct work *w, const uint64_t *params);

#endif
