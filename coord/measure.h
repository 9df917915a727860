/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What workers did between two instants, by cgroup: from their statistics in the mailbox, and where they
 * were allowed to run from the kernel's memory. Nothing of it needs the guest's help.
 *
 * A worker that was there before counts with what it did since. One that ended in between counts with all
 * that it did, while its statistics are still there. All calls inside a window.
 */
#ifndef COORD_MEASURE_H
#define COORD_MEASURE_H

#include "coord/agent.h"
#include "coord/model.h"

struct measured {
	char cgroup[WIRE_CGROUP_NAME];
	enum wire_scope scope;      /* of its workers: the one that lives longest */
	unsigned int count, ended;  /* that live, that ended meanwhile */
	unsigned int starved;       /* living ones that did not end one iteration */
	bool outside_known;
	unsigned int outside;       /* seen on a CPU that their cpuset never allowed meanwhile */
	uint64_t iterations, migrations, wakeups, cpu_time;
	/* Longest time without the end of an iteration, also one that goes on; ns. */
	uint64_t max_gap, max_latency;
	uint64_t least_share, most_share; /* of a CPU, by a living worker, in thousandths */
};
/* The difference between the most and the least CPU that one of them had, in per cent. */
uint64_t measured_spread(const struct measured *m);
/* Iterations in a second of `ns`. */
uint64_t measured_rate(uint64_t iterations, uint64_t ns);

struct measure;

/* From now on. */
struct err *measure_create(struct coord *c, struct measure **ret) __attribute__((warn_unused_result));
void measure_destroy(struct measure *m); /* NULL is fine */
/* Where workers may run was just changed: both the old and the new place are allowed. */
struct err *measure_note(struct measure *m) __attribute__((warn_unused_result));
/* Up to now, in order of name; caller frees. */
struct err *measure_take(struct measure *m, struct measured **ret, unsigned int *ret_count)
	__attribute__((warn_unused_result));

/* How many workers of a cgroup were seen where their cpuset as it is now does not let them run, since the
 * last mark. Not present: this kernel does not say where they may. */
struct err *measure_outside(struct coord *c, const char *cgroup, struct maybe *ret)
	__attribute__((warn_unused_result));

/* The sum of all iterations that are in the mailbox now. */
struct err *measure_iterations(struct coord *c, uint64_t *ret) __attribute__((warn_unused_result));

#endif
