/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where this kernel keeps its counters: host addresses of every counter of every CPU, looked up
 * once per adopted kernel, so that a sample is a row of plain loads. Per-CPU areas never move; what
 * does, the events of a sched_ext instance, is looked up again when another instance is loaded.
 *
 * Good while the guest runs: each load is one aligned word, and a CPU whose words changed between
 * two readings is read again, or else marked as torn. Lifetime: the kernel's. Threads: one.
 */
#ifndef COORD_COUNTERS_LAYOUT_H
#define COORD_COUNTERS_LAYOUT_H

#include "coord/kernel.h"
#include "coord/samples.h"

struct counters_layout;

/* ERR_NOT_FOUND, ERR_ABSENT: not a kernel whose run queues can be found. */
struct err *counters_layout_create(struct kernel *k, struct counters_layout **ret)
	__attribute__((warn_unused_result));
void counters_layout_destroy(struct counters_layout *l); /* NULL is fine */

unsigned int counters_layout_cpus(const struct counters_layout *l);
/* Event counters of sched_ext that the kernel has, found in its types. */
unsigned int counters_layout_events(const struct counters_layout *l);
const char *counters_layout_event(const struct counters_layout *l, unsigned int i);
/* The counters that only move under schedstats, and whether the guest has those switched on. */
bool counters_layout_schedstats(const struct counters_layout *l);

/* Fill everything but the time into `s`, which was made for this layout's CPUs and events. */
void counters_layout_read(struct counters_layout *l, struct sample *s);

#endif
