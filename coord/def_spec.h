/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAME KNOB.. WORK..: a cgroup and what is to run in it, in any order of words, as `def` lines of steps and
 * `cgroup add` have it. Checked in full before anything is made: the work against what the knobs leave.
 */
#ifndef COORD_DEF_SPEC_H
#define COORD_DEF_SPEC_H

#include "coord/cgroup_spec.h"
#include "coord/work_spec.h"

#include <stdbool.h>

struct def_spec {
	struct cgroup_spec cgroup;
	struct work_spec work;
	bool has_work;
};

/* `above` are the limits of the cgroup that it is to be in: agent_limits_above(). Errors as those of
 * cgroup_spec_parse() and work_spec_parse(). */
struct err *def_spec_parse(const char *name, unsigned int count, char *const *words,
			   const struct spec_limits *above, struct def_spec *ret)
	__attribute__((warn_unused_result));

#endif
