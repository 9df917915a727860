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

#include <stdint.h>

struct work {
	struct wire_worker *slot;
	struct wire_worker *first; /* slot of the spawn's first worker: what all share */
	struct wire_worker *peer;  /* WORK_PAIRS: the other one */
	const struct wire_spawn *spawn;
	uint32_t number;           /* in this spawn, from 0 */
	int read_fd, write_fd;     /* pipe: from and to the peer */
	int file;                  /* io: its file, -1 before */
	uint64_t random;           /* state of work_random() */
	uint64_t last;             /* ns, end of the last iteration */
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
void work_count_latency(struct work *w, uint64_t ns);
uint64_t work_random(struct work *w); /* xorshift: the same numbers in each run */

/* While *word == value; and wake one waiter. Across processes. */
void work_futex_wait(uint32_t *word, uint32_t value);
void work_futex_wake(uint32_t *word);

/* The types, one file each. */
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

#endif
