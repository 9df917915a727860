/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be said of a scheduler by its name alone, before there is a guest: whether it is a bundled one
 * (guest/wire_sched.h) and whether its arguments will do. A name without `/` that is none of those may
 * still be a program that was packed into the image; only the guest knows.
 */
#ifndef COORD_SCHED_SPEC_H
#define COORD_SCHED_SPEC_H

#include "base/err.h"
#include "base/str.h"
#include "guest/wire_sched.h"

#include <stdbool.h>

/* NULL: not a bundled one. */
const struct wire_sched *sched_find(const char *name);
/* ERR_USAGE names the modes. */
struct err *sched_check_arguments(const struct wire_sched *sched, unsigned int count,
				  char *const *arguments) __attribute__((warn_unused_result));
/* The same for a name that must be bundled: ERR_USAGE names those that there are. */
struct err *sched_check_bundled(const char *name, unsigned int count, char *const *arguments)
	__attribute__((warn_unused_result));

#endif
