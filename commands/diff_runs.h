/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One recording under two interleavings, and where the two histories part: the first look at which a CPU
 * runs another task, and the difference of their transcripts.
 */
#ifndef COMMANDS_DIFF_RUNS_H
#define COMMANDS_DIFF_RUNS_H

#include "commands/recording.h"
#include "commands/session.h"

struct out;

/* ERR_USAGE when the recording wants the real clock. */
struct err *diff_runs(const struct recording *r, const struct options *options,
		      const struct quantum quanta[2], struct out *out) __attribute__((warn_unused_result));

#endif
