/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU budget: which host CPUs QEMU's threads may use. Never one outside ktdbg's own allowed set
 * (sched_getaffinity(2)); every mask is read back after it was set. All threads of the process are
 * confined, the vCPUs' and the main one beside them, so that a thread that appears later inherits
 * its mask from whichever made it.
 *
 * A host may take CPUs away meanwhile (hot-unplug, a cpuset): budget_check() then moves the budget
 * to what is left and says so in `note`; what comes back is used again.
 *
 * Threads: one.
 */
#ifndef VMM_BUDGET_H
#define VMM_BUDGET_H

#include "base/err.h"
#include "base/str.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

struct budget {
	unsigned int cpus; /* asked for; 0: all that are allowed */
	bool pin;	   /* a CPU for each vCPU, where there are enough */
	cpu_set_t mask;	   /* in force */
	bool pinned;	   /* whether `pin` could be done */
	char note[160];	   /* how `mask` differs from what was asked for; "" when it does not */
};

/* The vCPUs' threads of one QEMU. */
struct budget_threads {
	pid_t pid;
	const int *vcpus; /* thread ids in CPU order */
	unsigned int count;
};

/* Whether so many CPUs are allowed here. ERR_USAGE names both numbers. */
struct err *budget_allowed(unsigned int cpus) __attribute__((warn_unused_result));
/* Choose the CPUs for b->cpus and b->pin and put every thread on them. When one cannot be moved,
 * those before it have been. */
struct err *budget_apply(struct budget *b, const struct budget_threads *threads)
	__attribute__((warn_unused_result));
/* Apply it anew if the allowed CPUs have changed, or a thread is not where it should be.
 * `ret_changed` may be NULL. */
struct err *budget_check(struct budget *b, const struct budget_threads *threads, bool *ret_changed)
	__attribute__((warn_unused_result));

/* "0-3,8" appended. */
void budget_add_mask(struct str *s, const cpu_set_t *mask);

/* Where a thread may run, and the host CPU that it ran on last; -1 when it is gone. */
struct budget_place {
	cpu_set_t mask;
	int last;
};
void budget_place(const struct budget_threads *threads, unsigned int vcpu,
		  struct budget_place *ret);

#endif
