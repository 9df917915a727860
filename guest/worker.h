/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the agent that spawns (spawn.c) and the process that becomes workers (worker.c): each worker
 * prepares itself while it still has the agent's own priority, so that no scheduler can keep it from
 * getting ready; reports; and waits at the gate. The agent then gives it the policy that was asked
 * for, and opens the gate for all at once. A failure of one is a failure of all.
 */
#ifndef GUEST_WORKER_H
#define GUEST_WORKER_H

#include "guest/agent.h"

struct spawn {
	struct agent *agent;
	const struct wire_spawn *request;
	uint32_t slots[WIRE_WORKERS]; /* of worker i; the first `request->workers` count */
	int cgroup;                   /* its directory, -1: the agent's own */
	int gate[2];                  /* opens when its write end is closed */
	int report[2];                /* struct worker_report */
	int pair[4];                  /* WORK_PAIRS: two pipes, ends 0,1 and 2,3. WORK_COMMON: one. Else -1 */
};

struct worker_report {
	uint32_t number;
	int32_t errnum; /* 0: ready */
	char step[24];  /* what failed */
};

/* Whether worker `number` begins a new set of pipes: the even ones of pairs, the first of all. */
bool spawn_needs_pipes(const struct spawn *s, uint32_t number);
/* The pipes that this type of work has; -1 elsewhere. 0, or -1 with errno. */
int spawn_open_pipes(const struct spawn *s, int ret[4]);

/* In the new process: become worker `number`, or all of them as threads. */
void worker_process(struct spawn *s, uint32_t number) __attribute__((noreturn));

#endif
