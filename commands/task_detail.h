/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The columns of `tasks` that cost more than a look at the model: read when one of them is named, or
 * all of a task are shown. Not responsible for the table. Plain data of one window; threads: one.
 */
#ifndef COMMANDS_TASK_DETAIL_H
#define COMMANDS_TASK_DETAIL_H

#include "base/out.h"
#include "commands/show.h"
#include "coord/model.h"

/* clang-format off */
#define TASK_DETAIL_COLUMNS(X)                                                                     \
	X("cgroup", 0) X("cpus_allowed", 0) X("migration_disabled", OUT_RIGHT)                     \
	X("boosted", OUT_RIGHT) X("pi_blocked_on", 0) X("wake_cpu", OUT_RIGHT)                     \
	X("nvcsw", OUT_RIGHT) X("nivcsw", OUT_RIGHT) X("migrations", OUT_RIGHT)                    \
	X("timeslices", OUT_RIGHT) X("waiting", OUT_RIGHT) X("sp", 0)                              \
	X("throttled", OUT_RIGHT) X("deadline", OUT_RIGHT) X("vlag", OUT_RIGHT)                    \
	X("fair_slice", OUT_RIGHT) X("load_weight", OUT_RIGHT) X("dl_deadline", OUT_RIGHT)         \
	X("dl_budget", OUT_RIGHT) X("dsq_name", 0) X("weight", OUT_RIGHT) X("scx_flags", 0)        \
	X("ops_state", 0) X("ops_qseq", OUT_RIGHT) X("sticky_cpu", OUT_RIGHT)                      \
	X("holding_cpu", OUT_RIGHT) X("selected_cpu", OUT_RIGHT) X("ddsp_dsq", 0)                  \
	X("ddsp_enq_flags", 0) X("dsq_flags", 0) X("dsq_seq", OUT_RIGHT) X("disallow", OUT_RIGHT)  \
	X("kf_mask", 0) X("tid", OUT_RIGHT) X("runnable_at", OUT_RIGHT) X("runnable_age", OUT_RIGHT)
/* clang-format on */
#define TASK_DETAIL_ONE(name, flags) +1
#define TASK_DETAIL_COUNT (0 TASK_DETAIL_COLUMNS(TASK_DETAIL_ONE))

/* All zeroes to begin with. */
struct task_detail {
	struct kernel *kernel;
	const struct model *model;
	bool wanted; /* else every cell is absent */
	uint64_t cgroup; /* whose path is kept: neighbours in the list share it */
	struct str path, cpus, dsq, flags, ddsp, enq_flags;
};
void task_detail_deinit(struct task_detail *d);
/* Whether `clauses` (or a JSON reader, who gets all columns) ask for any of these columns. */
bool task_detail_wanted(const char *clauses, const struct out *out);
/* TASK_DETAIL_COUNT values; their strings stay until the next call. */
void task_detail_fill(struct task_detail *d, unsigned int task, struct out_value *values);

#endif
