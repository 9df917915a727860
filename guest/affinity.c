// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

_Static_assert(sizeof(cpu_set_t) == WIRE_CPUS / 8, "cpu_set_t has the wire's bits");

/* The n-th CPU of `from`, which has more than n. */
static int nth_cpu(const cpu_set_t *from, uint32_t n)
{
	int cpu = -1;

	do {
		while (!CPU_ISSET(++cpu, from))
			;
	} while (n--);
	return cpu;
}

static void choose_one(const cpu_set_t *from, uint32_t n, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	CPU_SET(nth_cpu(from, n % (uint32_t)CPU_COUNT(from)), ret);
}

static void choose_group(const struct wire_place *p, const cpu_set_t *from, uint32_t group, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, from) && p->group[cpu] == group)
			CPU_SET(cpu, ret);
}

/* splitmix64: the next of a row of numbers that `*state` stands for. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* Depends on nothing but the seed and the worker's number, so that a replay chooses the same. */
static void choose_random(const struct wire_place *p, const cpu_set_t *pool, uint32_t number,
			  cpu_set_t *ret)
{
	uint64_t state = p->seed + number * 0xd1342543de82ef95ULL;
	cpu_set_t left = *pool;

	CPU_ZERO(ret);
	for (uint32_t i = 0; i < p->count && CPU_COUNT(&left); i++) {
		int cpu = nth_cpu(&left, (uint32_t)(next_random(&state) % (uint64_t)CPU_COUNT(&left)));

		CPU_CLR(cpu, &left);
		CPU_SET(cpu, ret);
	}
}

int place_worker(struct agent *a, const struct wire_worker *w, const struct wire_place *p)
{
	cpu_set_t all, set;

	memcpy(&all, p->cpus, sizeof(all));
	set = all;
	if (!CPU_COUNT(&all) || p->kind > WIRE_PLACE_RANDOM || (p->kind == WIRE_PLACE_GROUP && !p->count))
		return agent_fail(a, EINVAL, "malformed affinity");
	if (p->kind == WIRE_PLACE_EACH)
		choose_one(&all, w->index, &set);
	else if (p->kind == WIRE_PLACE_GROUP)
		choose_group(p, &all, w->index % p->count, &set);
	else if (p->kind == WIRE_PLACE_RANDOM)
		choose_random(p, &all, w->index, &set);
	if (sched_setaffinity(w->pid, sizeof(set), &set))
		return agent_fail(a, errno, "affinity of worker %u: %s", w->index,
				  errno == EINVAL ? "none of these CPUs is online and allowed by its cgroup"
						  : strerror(errno));
	return 0;
}

int op_affinity(struct agent *a, const void *payload)
{
	const struct wire_affinity *r = payload;
	char path[CGROUP_PATH];
	unsigned int n = 0;
	int errnum;

	if (!WIRE_TEXT_OK(r->cgroup))
		return agent_fail(a, EINVAL, "malformed request");
	errnum = cgroup_find(a, r->cgroup, path);
	for (unsigned int i = 0; i < a->header->worker_high && !errnum; i++) {
		if (!worker_alive(&a->workers[i]) || strcmp(a->workers[i].cgroup, r->cgroup) != 0)
			continue;
		errnum = place_worker(a, &a->workers[i], &r->place);
		n++;
	}
	if (!errnum && !n)
		return agent_fail(a, ESRCH, "cgroup %s has no workers", r->cgroup);
	agent_value(a, n);
	return errnum;
}
