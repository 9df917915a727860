/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The picture that a dump is made from: a session over a still of the guest (vmm/still.h), of one instant and of all
 * that commands look at in it. The guest is held only while what changes is collected; commands then answer from the
 * picture, as they do from a dump that was opened.
 */
#ifndef COMMANDS_DUMP_PICTURE_H
#define COMMANDS_DUMP_PICTURE_H

#include "base/err.h"
#include "commands/session.h"

struct picture {
	struct session *session; /* the still's */
	uint64_t freeze;	 /* host ns for which the guest was held */
};

/* Of `of`, which has a kernel. `meanwhile` is called while the guest is held. */
struct err *picture_take(struct session *of, struct err *(*meanwhile)(void *context), void *context,
			 struct picture *ret) __attribute__((warn_unused_result));
void picture_deinit(struct picture *p); /* a zeroed one is fine */

#endif
