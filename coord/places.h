/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the guest's CPUs stand, and which of them (and which nodes' memory) a cgroup may use: read from
 * the kernel's memory, so that what an operator asks for is judged before anything is made. LLCs and
 * cores are numbered from 0 in the order of their first CPU, nodes as the kernel numbers them.
 *
 * Plain data; good until the guest changes its cpusets.
 */
#ifndef COORD_PLACES_H
#define COORD_PLACES_H

#include "base/err.h"
#include "coord/coord.h"
#include "coord/work_spec.h"
#include "guest/wire.h"

#include <stdint.h>

#define PLACES_CPUS WIRE_CPUS

struct places {
	unsigned int cpus, cores, llcs, nodes; /* how many numbers there are */
	uint16_t core[PLACES_CPUS], llc[PLACES_CPUS], node[PLACES_CPUS];
	uint64_t memory;                   /* nodes that have any */
	uint64_t usable[PLACES_CPUS / 64]; /* CPUs that are online and in the cgroup's cpuset */
	uint64_t mems;                     /* nodes of the cgroup's cpuset */
	char cgroup[WIRE_CGROUP_NAME];     /* whose */
};

/* For what is to run in `cgroup`. One that does not exist yet has what the one above it has.
 * ERR_ABSENT: this kernel does not say. Opens a window of its own. */
struct err *places_read(struct coord *c, const char *cgroup, struct places *ret)
	__attribute__((warn_unused_result));
/* The same for one that is to be made or set: what the one above it may use. */
struct err *places_read_above(struct coord *c, const char *cgroup, struct places *ret)
	__attribute__((warn_unused_result));

#endif
