/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of `cgroup add NAME [KNOB=V...]` and `cgroup set`: parsed and checked on the host and
 * turned into what is written into the files of cgroup v2.
 *
 * KNOB = cpuset=CPUS mems=LIST weight=1..10000 cpu.max=QUOTA/PERIOD|P%|max (P% of one CPU)
 *        memory.max|memory.high|memory.low|swap.max=SIZE|max io.weight=1..10000 pids.max=N|max
 * CPUS = LIST | exact:LIST | llc:I | numa:N | range:A-B (fractions, as in range:0-0.5)
 *        | disjoint:I/N (the I-th, from 0, of N equal parts) | overlap:I/N:F (and F of its length more)
 *        of the CPUs that the cgroup above may use
 */
#ifndef COORD_CGROUP_SPEC_H
#define COORD_CGROUP_SPEC_H

#include "base/err.h"
#include "coord/work_spec.h"
#include "guest/wire.h"

struct cgroup_spec {
	struct wire_cgroup wire;
};

/* A cgroup's name: letters, digits, `_ . -` and `/` between parts; no part starts with a dot. ERR_USAGE. */
struct err *cgroup_name_check(const char *name) __attribute__((warn_unused_result));

/* `words` are those after the name. ERR_USAGE lists the knobs or offers near ones. */
struct err *cgroup_spec_parse(const char *name, unsigned int count, char *const *words,
			      const struct spec_limits *limits, struct cgroup_spec *ret)
	__attribute__((warn_unused_result));

const char *cgroup_knob_name(unsigned int i); /* for completion; NULL past the end */

#endif
