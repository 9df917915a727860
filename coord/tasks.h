/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One task by its pid in the initial pid namespace, threads too, by the table that the kernel
 * itself looks in: init_pid_ns.idr. Nothing is cached; inside a window.
 */
#ifndef COORD_TASKS_H
#define COORD_TASKS_H

#include "base/err.h"
#include "coord/kernel.h"
#include "coord/object.h"

#include <stdint.h>

/* Where this kernel keeps what the lookup needs. Found once per adopted kernel. */
struct task_finder {
	uint64_t init_pid_ns;
	struct field idr_head, idr_base, node_shift, node_slots, pid_tasks, pid_links, task_pid;
};
struct err *task_finder_init(struct kernel *k, struct task_finder *ret)
	__attribute__((warn_unused_result));

/* Address of the task_struct. ERR_NOT_FOUND: no task has this pid; ERR_BAD_DATA, ERR_FAULT: the
 * table leads nowhere. */
struct err *task_find(struct kernel *k, const struct task_finder *f, int pid, uint64_t *ret)
	__attribute__((warn_unused_result));

#endif
