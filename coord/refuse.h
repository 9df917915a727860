/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a cold write must not touch unless it is forced: members whose value the scheduler keeps in
 * step with something else (run-queue counts, load averages, list links, locks, the sort key of a
 * queued entity), and kernel text. Judged by the types and names that a field path passed on its
 * way.
 */
#ifndef COORD_REFUSE_H
#define COORD_REFUSE_H

#include "base/err.h"
#include "coord/kernel.h"
#include "coord/path.h"

#define REFUSAL_TEXT 200

/* Why `place` should not be written ("sched_avg.util_avg is a load average that ..."), or "" when
 * it may be. Reads guest memory to see whether an entity is queued. */
struct err *refuse_reason(struct kernel *k, const struct place *place, char ret[REFUSAL_TEXT])
	__attribute__((warn_unused_result));

#endif
