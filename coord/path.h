/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Field paths: `scx.dsq_vtime`, `cpus_ptr->bits[0]`, `cfs.curr->vruntime`, walked from a typed
 * object in guest memory to a place. Pointers are followed by `->` and by `.` alike. The structs
 * that were passed on the way are kept, for those who judge what may be written (coord/refuse.h).
 */
#ifndef COORD_PATH_H
#define COORD_PATH_H

#include "base/err.h"
#include "coord/kernel.h"

#include <stdint.h>

#define PATH_STEPS 24

/* One member that the path went through. */
struct path_step {
	uint32_t parent; /* type of the struct or union it is a member of */
	uint64_t parent_address;
	uint32_t type; /* of the member itself */
	char name[64];
};

struct place {
	uint64_t address;    /* of the first byte that holds it */
	uint32_t type;	     /* BTF id; 0: not known */
	uint32_t bit_offset; /* of a bit-field, from `address`, 0..7 */
	uint32_t bit_size;   /* of a bit-field, else 0 */
	struct path_step steps[PATH_STEPS];
	unsigned int step_count;
};

/*
 * Walk `path` from the object of `type` at `address`. An empty path is the object itself; a leading
 * `.` is allowed. ERR_USAGE: no path; ERR_ABSENT: no such member, with near names; ERR_FAULT: a
 * pointer on the way leads nowhere; ERR_NOT_FOUND: an array index past the end. What is in *ret
 * after a failure means nothing.
 */
struct err *path_resolve(struct kernel *k, uint32_t type, uint64_t address, const char *path,
			 struct place *ret) __attribute__((warn_unused_result));

#endif
