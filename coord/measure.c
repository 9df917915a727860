/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/measure.h"

#include "coord/cpuset.h"
#include "coord/model.h"

#include <stdlib.h>
#include <string.h>

struct allowed {
	int pid;
	struct cpu_mask mask; /* union over the time */
};

struct measure {
	struct coord *coord;
	uint64_t begin; /* guest ns since ready */
	uint64_t now;	/* of the workers' clock, when it is taken */
	struct agent_worker *before;
	unsigned int before_count;
	struct cpuset_layout cpusets;
	struct allowed *allowed;
	unsigned int allowed_count;
};

uint64_t measured_spread(const struct measured *m)
{
	return (m->most_share - m->least_share) / 10;
}

static uint64_t scaled(uint64_t value, uint64_t by, uint64_t of)
{
	return of ? (uint64_t)((unsigned __int128)value * by / of) : 0;
}

uint64_t measured_rate(uint64_t iterations, uint64_t ns)
{
	return scaled(iterations, 1000000000, ns);
}

/* ---- where workers may run ---- */

static struct err *allow(struct measure *m, int pid, const struct cpu_mask *mask)
{
	struct allowed *a = NULL;

	for (unsigned int i = 0; i < m->allowed_count && !a; i++)
		if (m->allowed[i].pid == pid)
			a = &m->allowed[i];
	if (!a) {
		struct allowed *grown =
			reallocarray(m->allowed, m->allowed_count + 1, sizeof(*grown));

		if (!grown)
			return err_nomem();
		m->allowed = grown;
		a = &grown[m->allowed_count++];
		*a = (struct allowed){.pid = pid};
	}
	for (unsigned int i = 0; i < WIRE_SEEN_CPUS / 64; i++)
		a->mask.bits[i] |= mask->bits[i];
	return NULL;
}

static struct err *note_workers(struct measure *m, const struct agent_worker *workers,
				unsigned int count)
{
	const struct model *model;
	struct kernel *k;

	ERR_TRY(coord_model(m->coord, &model));
	ERR_TRY(coord_kernel(m->coord, &k));
	for (unsigned int i = 0; i < count; i++) {
		int task = workers[i].alive ? model_find_task(model, workers[i].pid) : -1;
		struct cpu_mask mask;

		if (task >= 0 && cpuset_of(&m->cpusets, k, model->tasks[task].address, &mask))
			ERR_TRY(allow(m, workers[i].pid, &mask));
	}
	return NULL;
}

struct err *measure_note(struct measure *m)
{
	struct agent_worker *workers;
	unsigned int count;
	struct err *err;

	if (!m->cpusets.usable)
		return NULL;
	ERR_TRY(agent_workers(coord_agent(m->coord), NULL, &workers, &count));
	err = note_workers(m, workers, count);
	free(workers);
	return err;
}

/* ---- the beginning ---- */

/* Without the kernel there is still all that the workers say of themselves. */
static void find_cpusets(struct measure *m)
{
	struct kernel *k;
	struct err *err = coord_kernel(m->coord, &k);

	if (!err)
		cpuset_layout_init(&m->cpusets, k);
	err_free(err);
}

struct err *measure_create(struct coord *c, struct measure **ret)
{
	struct measure *m = calloc(1, sizeof(*m));
	struct err *err;

	if (!m)
		return err_nomem();
	m->coord = c;
	m->begin = coord_time(c);
	find_cpusets(m);
	err = agent_mark(coord_agent(c));
	if (!err)
		err = agent_workers(coord_agent(c), NULL, &m->before, &m->before_count);
	if (!err)
		err = measure_note(m);
	if (err) {
		measure_destroy(m);
		return err;
	}
	*ret = m;
	return NULL;
}

void measure_destroy(struct measure *m)
{
	if (!m)
		return;
	free(m->before);
	free(m->allowed);
	free(m);
}

/* ---- the end ---- */

/* The worker as it was at the beginning; all zeros when it was not there. */
static struct agent_worker baseline(const struct measure *m, const struct agent_worker *w)
{
	for (unsigned int i = 0; i < m->before_count; i++)
		if (m->before[i].pid == w->pid && m->before[i].start_time == w->start_time)
			return m->before[i];
	return (struct agent_worker){.alive = true};
}

/* `known` false: nobody could tell where it was allowed. */
static bool was_outside(const struct measure *m, const struct agent_worker *w, bool *known)
{
	for (unsigned int i = 0; i < m->allowed_count; i++) {
		if (m->allowed[i].pid != w->pid)
			continue;
		*known = true;
		for (unsigned int j = 0; j < WIRE_SEEN_CPUS / 64; j++)
			if (w->seen[j] & ~m->allowed[i].mask.bits[j])
				return true;
	}
	return false;
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void add_share(struct measured *sum, uint64_t cpu_time, uint64_t held)
{
	uint64_t share = scaled(cpu_time, 1000, held);

	sum->most_share = max_of(sum->most_share, share);
	if (sum->count == 0 || share < sum->least_share)
		sum->least_share = share;
}

static void add_worker(const struct measure *m, const struct agent_worker *w, struct measured *sum)
{
	struct agent_worker was = baseline(m, w);

	if (!was.alive)
		return; /* it had ended before */
	sum->iterations += w->iterations - was.iterations;
	sum->migrations += w->migrations - was.migrations;
	sum->wakeups += w->wakeups - was.wakeups;
	sum->cpu_time += w->cpu_time - was.cpu_time;
	sum->max_gap = max_of(sum->max_gap, w->gap);
	sum->max_latency = max_of(sum->max_latency, w->max_latency);
	if (!(sum->count + sum->ended) || w->scope < sum->scope)
		sum->scope = w->scope;
	sum->outside += was_outside(m, w, &sum->outside_known);
	if (!w->alive) {
		sum->ended++;
		return;
	}
	if (m->now > w->update_time)
		sum->max_gap = max_of(sum->max_gap, m->now - w->update_time);
	add_share(sum, w->cpu_time - was.cpu_time, coord_time(m->coord) - m->begin);
	sum->starved += w->iterations == was.iterations;
	sum->count++;
}

/* The workers come in order of their cgroup's name. */
static void add_all(const struct measure *m, const struct agent_worker *workers, unsigned int count,
		    struct measured *list, unsigned int *ret_count)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (!n || strcmp(list[n - 1].cgroup, workers[i].cgroup) != 0) {
			list[n] = (struct measured){0};
			memcpy(list[n].cgroup, workers[i].cgroup, sizeof(list[n].cgroup));
			n++;
		}
		add_worker(m, &workers[i], &list[n - 1]);
	}
	*ret_count = n;
}

struct err *measure_take(struct measure *m, struct measured **ret, unsigned int *ret_count)
{
	struct agent_worker *workers;
	struct measured *list;
	unsigned int count;

	ERR_TRY(measure_note(m));
	ERR_TRY(agent_workers(coord_agent(m->coord), NULL, &workers, &count));
	m->now = agent_clock(coord_agent(m->coord));
	list = calloc(count + 1, sizeof(*list));
	if (list)
		add_all(m, workers, count, list, ret_count);
	free(workers);
	*ret = list;
	return list ? NULL : err_nomem();
}

struct err *measure_iterations(struct coord *c, uint64_t *ret)
{
	struct agent_worker *workers;
	unsigned int count;

	ERR_TRY(agent_workers(coord_agent(c), NULL, &workers, &count));
	*ret = 0;
	for (unsigned int i = 0; i < count; i++)
		*ret += workers[i].iterations;
	free(workers);
	return NULL;
}

struct err *measure_outside(struct coord *c, const char *cgroup, struct maybe *ret)
{
	struct measure m = {.coord = c};
	struct agent_worker *workers;
	unsigned int count;
	bool known = true;
	struct err *err;

	*ret = (struct maybe){0};
	find_cpusets(&m);
	if (!m.cpusets.usable)
		return NULL;
	ERR_TRY(agent_workers(coord_agent(c), cgroup, &workers, &count));
	err = note_workers(&m, workers, count);
	for (unsigned int i = 0; i < count && !err; i++)
		ret->value += was_outside(&m, &workers[i], &known);
	ret->present = !err;
	free(workers);
	free(m.allowed);
	return err;
}
