/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which part of a suite this process runs: `--shard I/N`, or the index that a job array gives each of
 * its members in the environment. Pure: reads the environment through a function that it is given.
 *
 * Facts: sbatch(1) "Job arrays" (SLURM_ARRAY_TASK_ID, _COUNT, _MIN, _STEP), Kubernetes "Indexed Job"
 * (JOB_COMPLETION_INDEX, from 0), parallel(1) "Environment variables" (PARALLEL_SEQ, from 1).
 */
#ifndef COMMANDS_SHARD_H
#define COMMANDS_SHARD_H

#include "base/err.h"

#define SHARD_MAX 100000

struct shard {
	unsigned int index, count; /* 1..count; count 0: not divided */
	const char *source;        /* the variable that the index came from; NULL: the option */
};

/* "I/N", or "N" alone, which leaves the index to the environment. *ret_index is 0 then. ERR_USAGE. */
struct err *shard_parse(const char *text, unsigned int *ret_index, unsigned int *ret_count)
	__attribute__((warn_unused_result));

/*
 * What index and count of the option (0: not given) and the environment come to. An index of the
 * option wins. A count alone takes the index of GNU parallel, a Slurm array or a Kubernetes job, in this
 * order, from the inside out; ERR_USAGE when there is none or it is beyond the count. Without any option
 * only a Slurm array divides, because only that tells its size.
 */
struct err *shard_choose(unsigned int index, unsigned int count,
			 const char *(*variable)(const char *name), struct shard *ret)
	__attribute__((warn_unused_result));

#endif
