/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of `spawn NAME|@runner WORK...`: parsed and checked in full on the host, before anything
 * is created in the guest. The result is the request that the agent gets (guest/wire.h).
 *
 * WORK = workers=N|P%  work=TYPE[(ARG=V,...)]|sequence(TYPE:DURATION,...)
 *        policy=normal|batch|idle|ext|fifo[:PRIO]|rr[:PRIO]|deadline:RUNTIME[/DEADLINE]/PERIOD
 *        nice=N  affinity=INTENT  comm=NAME  uid=N  gid=N  clone=fork|thread  numa=N
 *        mempolicy=default|local|bind:LIST|preferred:LIST|preferred-many:LIST|interleave:LIST
 *                  |weighted-interleave:LIST
 *        mpolflags=static|relative|numa-balancing, with commas between; or a number
 * INTENT = LIST (0-3,7) | exact:LIST | all | inherit | single[:CPU] | each[:LIST] (worker i on CPU i)
 *        | random(POOL,N[,seed=S]) (N CPUs of POOL, others for each worker, the same in each run)
 *        | llc-aligned (worker i on LLC i) | smt-pair (workers 2i and 2i + 1 on the threads of core i)
 *
 * Messages name what was given, what would be right, and near names.
 */
#ifndef COORD_WORK_SPEC_H
#define COORD_WORK_SPEC_H

#include "base/err.h"
#include "base/str.h"
#include "guest/wire.h"

struct places; /* coord/places.h */

struct spec_limits {
	unsigned int cpus;  /* of the guest */
	unsigned int nodes;
	/* Of the cgroup in question. NULL: every CPU may be used, and what needs more is ERR_ABSENT. */
	const struct places *places;
};

struct work_spec {
	struct wire_spawn wire;
};

/* `words` are those after the cgroup's name; `count` may be 0 (one spinning worker). ERR_USAGE. */
struct err *work_spec_parse(const char *cgroup, unsigned int count, char *const *words,
			    const struct spec_limits *limits, struct work_spec *ret)
	__attribute__((warn_unused_result));

/* INTENT alone, as `affinity NAME INTENT` has it. */
struct err *affinity_parse(const char *intent, const struct spec_limits *limits,
			   struct wire_affinity *ret) __attribute__((warn_unused_result));

/* One line a type with its parameters, for help; names for completion (NULL past the end). */
void work_spec_help(struct str *s);
const char *work_type_name(unsigned int i);
const char *work_knob_name(unsigned int i);
const char *work_intent_name(unsigned int i);
/* "spin" for an id of the wire, "?" for an unknown one. */
const char *work_name_of(uint32_t id);

#endif
