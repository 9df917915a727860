/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `ktdbg --batch`: recordings replayed as tests, TAP version 14 on standard output. Each recording runs
 * in a process and a guest of its own; a crash, a hang or a dead guest is that recording's failure
 * and nobody else's.
 *
 * Under the virtual clock, with the kernel build, guest image, topology and QEMU version that the
 * recording names, output is compared byte for byte. Otherwise only `expect`, `wait` and output lines
 * with a matcher decide, and a TAP comment says what differs.
 */
#ifndef COMMANDS_BATCH_H
#define COMMANDS_BATCH_H

#include "base/err.h"
#include "commands/session.h"

#include <stdbool.h>
#include <stdint.h>

struct batch_options {
	const char *const *paths;      /* recordings, or folders that are searched for them */
	unsigned int path_count;
	const struct options *session; /* the command line's own options; a header's lines win */
	unsigned int jobs;             /* at once; 0: half of the host's CPUs, at least 1 */
	unsigned int repeat;           /* runs of each, which must all agree; 0 counts as 1 */
	/* --shard I/N: 1..N; index 0: of the environment (commands/shard.h); count 0: all, or that of a
	 * job array. */
	unsigned int shard_index, shard_count;
	unsigned int explore;          /* each under this many interleavings; 0: as recorded */
	uint64_t timeout_ns;           /* host time for one run; 0: 10 minutes */
	/* All recordings against each of these, whatever kernel they name; count 0: each against its own. */
	const char *const *kernels;
	unsigned int kernel_count;
	const char *filter;            /* glob on the path or its last part, NULL: all */
	const char *junit;             /* file, or NULL */
	const char *artifacts;         /* folder, or NULL */
	bool list, bless, digest, verbose;
};
void batch_options_init(struct batch_options *o);

/* Take one long option of SPEC section 7 by its name without dashes ("jobs", "4"); *taken is false when
 * it is none of them. `value` NULL where the option has none; strings are borrowed. ERR_USAGE. */
struct err *batch_option(struct batch_options *o, const char *name, const char *value, bool *taken)
	__attribute__((warn_unused_result));
/* Whether that option of batch takes a value; false also for options that are not batch's. */
bool batch_option_has_value(const char *name);

/* Run them. TAP goes to standard output, malformed recordings ("FILE:LINE: WHY") to standard error.
 * *ret_status is the exit status of SPEC section 8; the error is for what kept it from starting. */
struct err *batch_run(const struct batch_options *o, int *ret_status) __attribute__((warn_unused_result));

#endif
