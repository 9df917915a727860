/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one picture of the scheduler costs on a guest of 8 CPUs with a crowd of sleeping tasks, and
 * what drgn needs for a walk over the same tasks on a dump of the same instant.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "bench/drgn.h"

struct crowd {
	unsigned int tasks; /* found, the kernel's own among them */
	uint64_t model_ns;  /* the model alone: CPUs, tasks, sched_ext; median */
	uint64_t whole_ns;  /* with queues, groups, and each task's detail, CPUs and cgroup; median */
	struct drgn drgn;
};

/* Boots a guest with `memory` bytes; `program` is bench/inside/crowd.c as built for the guest, `folder` a
 * place for some time. */
struct err *crowd_measure(const char *program, const char *folder, unsigned int tasks, uint64_t memory,
			  struct crowd *ret) __attribute__((warn_unused_result));

#endif
