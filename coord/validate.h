/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The validation chain of `task` targets (SPEC section 3): eight layers, in order, the first that
 * fails ends it, before anything is touched. L1-L3 and L8 hold for reads too; L4-L6 guard writes;
 * L7 is only told. Not responsible for finding the task nor for what may be written in it
 * (coord/refuse.h).
 */
#ifndef COORD_VALIDATE_H
#define COORD_VALIDATE_H

#include "base/err.h"
#include "coord/kernel.h"
#include "coord/object.h"

#include <stdbool.h>
#include <stdint.h>

struct validate_layout {
	struct field pid, start_time, state, on_rq, scx_dsq, runnable_node, sched_class, policy,
		start_boottime;
	uint64_t ext_class; /* address of ext_sched_class; 0: no sched_ext */
};
void validate_layout_init(struct kernel *k, struct validate_layout *ret);

struct validate_request {
	uint64_t task; /* address of the task_struct that was found */
	int pid;
	uint64_t start_ns;  /* 0: not given */
	unsigned int flags; /* enum cold_flags: COLD_WRITE and the forced layers */
};

struct validate_result {
	bool queued;   /* on_rq, a dispatch queue or the runnable list */
	bool forced;   /* a layer failed and was forced */
	char note[64]; /* what L7 has to say about a write, or "" */
};

/* ERR_REFUSED "L4: on_rq is 1: ..."; ERR_ABSENT for L5 and L6 of a write on a kernel without
 * sched_ext. */
struct err *validate_task(struct kernel *k, const struct validate_layout *l,
			  const struct validate_request *request, struct validate_result *ret)
	__attribute__((warn_unused_result));

#endif
