// SPDX-License-Identifier: GPL-2.0-or-later
#include "coord/places.h"

#include "base/mask.h"
#include "coord/cgroup_find.h"
#include "coord/object.h"
#include "coord/types.h"

#include <stdio.h>
#include <string.h>

/* What x86 keeps of a CPU's place: numbers that are the same for CPUs that share it. */
struct cpu_ids {
	uint64_t core, llc;
	uint64_t node;
	bool online;
};

struct layout {
	uint64_t cpu_info, numa_node; /* per-CPU symbols */
	uint64_t node_states;
	struct field package, core, llc; /* of struct cpuinfo_x86 */
	struct field subsys;             /* of struct cgroup */
	struct field cpus, mems;         /* of struct cpuset */
	uint64_t nodemask_size;
	int64_t cpuset, memory;          /* cpuset_cgrp_id, N_MEMORY */
};

static struct err *find_layout(struct kernel *k, struct layout *l)
{
	const struct types *t = kernel_types(k);
	uint32_t nodemask;

	field_find(t, "cpuinfo_x86", "topo.logical_pkg_id|logical_proc_id", &l->package);
	field_find(t, "cpuinfo_x86", "topo.core_id|cpu_core_id", &l->core);
	field_find(t, "cpuinfo_x86", "topo.llc_id", &l->llc);
	field_find(t, "cgroup", "subsys", &l->subsys);
	field_find(t, "cpuset", "effective_cpus", &l->cpus);
	field_find(t, "cpuset", "effective_mems", &l->mems);
	if (!l->package.present || !l->core.present || !l->llc.present || !l->subsys.present ||
	    !l->cpus.present || !l->mems.present)
		return err_new(ERR_ABSENT, "this kernel does not say where its CPUs are in a way known here");
	ERR_TRY(kernel_symbol(k, "cpu_info", &l->cpu_info));
	ERR_TRY(kernel_symbol(k, "node_states", &l->node_states));
	if (!kernel_find_symbol(k, "numa_node", &l->numa_node))
		l->numa_node = 0; /* one node only */
	ERR_TRY(types_parse(t, "nodemask_t", &nodemask));
	l->nodemask_size = types_size(t, nodemask);
	ERR_TRY(types_enumerator(t, "cpuset_cgrp_id", &l->cpuset));
	return types_enumerator(t, "N_MEMORY", &l->memory);
}

static struct err *read_cpu(struct kernel *k, const struct layout *l, unsigned int cpu,
			    struct cpu_ids *ret)
{
	uint64_t address;
	uint32_t node = 0;
	struct object o;

	ERR_TRY(kernel_percpu(k, l->cpu_info, cpu, &address));
	object_init(&o, k, address);
	ret->core = object_read(&o, &l->package) << 32 | object_read(&o, &l->core);
	ret->llc = object_read(&o, &l->llc);
	if (o.faulted)
		return err_fault(o.fault);
	if (l->numa_node) {
		ERR_TRY(kernel_percpu(k, l->numa_node, cpu, &address));
		ERR_TRY(kernel_read_u32(k, address, &node));
	}
	ret->node = node < WIRE_NODES ? node : 0;
	ret->online = kernel_cpu_online(k, cpu);
	return NULL;
}

/* Numbers from 0 in the order of their first CPU. */
static void number(struct places *p, const struct cpu_ids *ids, unsigned int cpu)
{
	p->core[cpu] = (uint16_t)p->cores;
	p->llc[cpu] = (uint16_t)p->llcs;
	p->node[cpu] = (uint16_t)ids[cpu].node;
	for (unsigned int i = 0; i < cpu; i++) {
		if (!ids[i].online)
			continue;
		if (ids[i].core == ids[cpu].core)
			p->core[cpu] = p->core[i];
		if (ids[i].llc == ids[cpu].llc)
			p->llc[cpu] = p->llc[i];
	}
	p->cores += p->core[cpu] == p->cores;
	p->llcs += p->llc[cpu] == p->llcs;
}

static struct err *read_cpus(struct kernel *k, const struct layout *l, struct places *p)
{
	struct cpu_ids ids[PLACES_CPUS];

	p->cpus = kernel_cpus(k) < PLACES_CPUS ? kernel_cpus(k) : PLACES_CPUS;
	for (unsigned int cpu = 0; cpu < p->cpus; cpu++) {
		ERR_TRY(read_cpu(k, l, cpu, &ids[cpu]));
		if (ids[cpu].online)
			number(p, ids, cpu);
	}
	ERR_TRY(kernel_read_u64(k, l->node_states + (uint64_t)l->memory * l->nodemask_size, &p->memory));
	for (p->nodes = WIRE_NODES; p->nodes > 1 && !(p->memory >> (p->nodes - 1) & 1); p->nodes--)
		;
	for (unsigned int cpu = 0; cpu < p->cpus; cpu++)
		if (p->node[cpu] >= p->nodes)
			p->nodes = p->node[cpu] + 1u;
	return NULL;
}

/* `path` cut off behind its last part that exists, and the cpuset that counts there; the root's always does. */
static struct err *find_cpuset(struct kernel *k, const struct layout *l, char *path, uint64_t *ret)
{
	const struct field slot = {.present = true,
				   .offset = l->subsys.offset + (uint32_t)l->cpuset * 8, .size = 8};

	for (;;) {
		uint64_t cgroup;
		struct object o;
		char *slash;
		bool found;

		ERR_TRY(cgroup_find(k, path, &found, &cgroup));
		if (found) {
			object_init(&o, k, cgroup);
			*ret = object_read(&o, &slot);
			if (*ret)
				return NULL;
		}
		if (!*path)
			return err_new(ERR_ABSENT, "this kernel has no cpusets");
		slash = strrchr(path, '/');
		*(slash ? slash : path) = '\0';
	}
}

/* A css is the first member of what holds it. */
static struct err *read_cpuset(struct kernel *k, const struct layout *l, uint64_t cpuset, struct places *p)
{
	uint64_t cpus = cpuset + l->cpus.offset;

	if (types_kind(kernel_types(k), l->cpus.type) == TYPE_POINTER)
		ERR_TRY(kernel_read_u64(k, cpus, &cpus));
	ERR_TRY(kernel_read(k, cpus, p->usable, MASK_WORDS(p->cpus) * 8));
	for (unsigned int cpu = 0; cpu < PLACES_CPUS; cpu++)
		if (cpu >= p->cpus || !kernel_cpu_online(k, cpu))
			p->usable[cpu / 64] &= ~(1ULL << cpu % 64);
	ERR_TRY(kernel_read_u64(k, cpuset + l->mems.offset, &p->mems));
	p->mems &= p->memory;
	return NULL;
}

static struct err *read_places(struct coord *c, char *path, struct places *p)
{
	struct layout l;
	struct kernel *k;
	uint64_t cpuset;

	ERR_TRY(coord_kernel(c, &k));
	ERR_TRY(find_layout(k, &l));
	ERR_TRY(read_cpus(k, &l, p));
	ERR_TRY(find_cpuset(k, &l, path, &cpuset));
	return read_cpuset(k, &l, cpuset, p);
}

static struct err *read_in_window(struct coord *c, char *path, struct places *ret)
{
	struct places p = {0};
	struct err *err;

	snprintf(p.cgroup, sizeof(p.cgroup), "%s", *path ? path : WIRE_RUNNER);
	ERR_TRY(coord_enter(c));
	err = coord_leave_with(c, read_places(c, path, &p));
	if (!err)
		*ret = p;
	return err;
}

struct err *places_read(struct coord *c, const char *cgroup, struct places *ret)
{
	char path[WIRE_CGROUP_NAME];

	snprintf(path, sizeof(path), "%s", strcmp(cgroup, WIRE_RUNNER) == 0 ? "" : cgroup);
	return read_in_window(c, path, ret);
}

struct err *places_read_above(struct coord *c, const char *cgroup, struct places *ret)
{
	char path[WIRE_CGROUP_NAME];

	snprintf(path, sizeof(path), "%s", cgroup);
	if (strrchr(path, '/'))
		*strrchr(path, '/') = '\0';
	else
		path[0] = '\0';
	return read_in_window(c, path, ret);
}
