/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host did with each vCPU, in Xen's four states: RUNNING (its thread ran), RUNNABLE (it
 * was ready and did not run: stolen time), BLOCKED (it waited: the guest idled), OFFLINE (the
 * machine stood). From the thread's schedstat, in nanoseconds since guest time 0; each only ever
 * grows, and together they are the wall time: exactly while the machine is held, less what the host
 * has not yet booked for a thread that is on a CPU or waits for one while it runs.
 *
 * Only the real clock has them: under the virtual one a single thread runs all vCPUs.
 *
 * Threads: one.
 */
#ifndef VMM_RUNSTATE_H
#define VMM_RUNSTATE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum runstate {
	RUNSTATE_RUNNING,
	RUNSTATE_RUNNABLE,
	RUNSTATE_BLOCKED,
	RUNSTATE_OFFLINE,
	RUNSTATE_COUNT,
};
const char *runstate_name(enum runstate state); /* "running", ... */

struct vcpu_runstate {
	enum runstate state;
	uint64_t entry_time; /* of `state`, on the scale of the times below; as exact as it was
				looked at */
	uint64_t time[RUNSTATE_COUNT];
};

/* A thread's schedstat: ns that it ran, ns that it was ready and did not. ERR_OS: it is gone. */
struct schedstat {
	uint64_t run, delay;
	bool waits; /* neither on a CPU nor ready for one */
};
struct err *schedstat_read(pid_t pid, int tid, struct schedstat *ret)
	__attribute__((warn_unused_result));

struct runstates {
	struct vcpu_runstate *vcpus; /* NULL: none are kept */
	struct schedstat *origin;    /* of each thread at the beginning */
	struct vcpu_runstate *carry; /* what each had before it */
	unsigned int count;
	uint64_t start;	 /* host_now() at the beginning, */
	uint64_t base;	 /* and the guest time then */
	uint64_t stolen; /* ns that all of them missed besides, as part of their guest time */
};

/* Held: begin with the threads as they are now, at guest time `base`. `carry` (NULL: nothing) has what
 * each vCPU had in another process; it was runnable since. */
struct err *runstates_begin(struct runstates *r, pid_t pid, const int *tids, unsigned int count,
			    uint64_t base, const struct vcpu_runstate *carry)
	__attribute__((warn_unused_result));
void runstates_deinit(struct runstates *r); /* a zeroed one is fine */
/* Look at every thread. `time`: the guest's; `held`: whether the machine stands. */
void runstates_sample(struct runstates *r, pid_t pid, const int *tids, uint64_t time, bool held);

#endif
