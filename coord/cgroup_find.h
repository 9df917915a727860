/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cgroup (of version 2) by its path, in the kernel's own lists. They are guest memory, which may hold
 * anything: every step is checked and bounded.
 */
#ifndef COORD_CGROUP_FIND_H
#define COORD_CGROUP_FIND_H

#include "base/err.h"
#include "coord/kernel.h"

#include <stdbool.h>
#include <stdint.h>

/* Address of the struct cgroup at `path` below the root; "", "/" and "@runner" are the root. One that was
 * removed is not found. Inside a window. ERR_ABSENT: cgroups of this kernel are laid out otherwise. */
struct err *cgroup_find(struct kernel *k, const char *path, bool *found, uint64_t *ret)
	__attribute__((warn_unused_result));

#endif
