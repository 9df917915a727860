/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a task's cpuset lets it run, read from the cpuset itself and not from the task: what the task's
 * own mask says is what a scheduler was told, this is what was asked for. Inside a window.
 */
#ifndef COORD_CPUSET_H
#define COORD_CPUSET_H

#include "coord/object.h"
#include "guest/wire.h"

/* CPUs beyond its bits do not count. */
struct cpu_mask {
	uint64_t bits[WIRE_SEEN_CPUS / 64];
};

/* Where this kernel keeps it; looked up once. */
struct cpuset_layout {
	struct field cgroups, subsys, css, effective;
	int64_t index; /* of the cpuset controller in css_set.subsys[] */
	bool usable;
};
void cpuset_layout_init(struct cpuset_layout *l, struct kernel *k);

/* `task` is the address of its task_struct. False: it cannot be told. */
bool cpuset_of(const struct cpuset_layout *l, struct kernel *k, uint64_t task, struct cpu_mask *ret);

#endif
