/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/snapshot.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

#define BASE_AGE_NS 1000000000ull

static void snapshot_deinit(struct snapshot *s)
{
	free(s->model.cpus);
	free(s->model.tasks);
	free(s->model.scx.events);
	free(s->by_pid);
	*s = (struct snapshot){0};
}

void sampler_forget(struct sampler *s)
{
	snapshot_deinit(&s->now);
	snapshot_deinit(&s->base);
	snapshot_deinit(&s->next_base);
	s->host_time = 0;
}

void sampler_deinit(struct sampler *s)
{
	sampler_forget(s);
}

/* A copy of `count` things; *ret is NULL for none. */
static struct err *copy_array(const void *data, size_t count, size_t size, void *ret)
{
	void *copy = NULL;

	if (count) {
		copy = reallocarray(NULL, count, size);
		if (!copy)
			return err_nomem();
		memcpy(copy, data, count * size);
	}
	*(void **)ret = copy;
	return NULL;
}

static int compare_pids(const void *a, const void *b, void *context)
{
	const struct model *m = context;
	int pa = m->tasks[*(const int *)a].pid, pb = m->tasks[*(const int *)b].pid;

	return pa < pb ? -1 : pa > pb;
}

static struct err *index_pids(struct snapshot *s)
{
	unsigned int count = s->model.task_count;

	s->by_pid = reallocarray(NULL, count + 1, sizeof(*s->by_pid));
	if (!s->by_pid)
		return err_nomem();
	for (unsigned int i = 0; i < count; i++)
		s->by_pid[i] = (int)i;
	qsort_r(s->by_pid, count, sizeof(*s->by_pid), compare_pids, &s->model);
	return NULL;
}

static struct err *copy_model(const struct model *from, struct snapshot *to)
{
	struct model *m = &to->model;

	*m = *from;
	m->cpus = NULL;
	m->tasks = NULL;
	m->scx.events = NULL;
	m->index = NULL;
	m->layout = NULL;
	to->taken = true;
	ERR_TRY(copy_array(from->cpus, from->cpu_count, sizeof(*m->cpus), &m->cpus));
	ERR_TRY(copy_array(from->tasks, from->task_count + from->idle_count, sizeof(*m->tasks),
			   &m->tasks));
	ERR_TRY(copy_array(from->scx.events, from->scx.event_count, sizeof(*m->scx.events),
			   &m->scx.events));
	return index_pids(to);
}

/* The picture that `now` was compared with may be too old, and `now` itself may become the next
 * one. */
static void age(struct sampler *s, uint64_t time, bool stepped)
{
	if (!s->now.taken || s->now.model.time == time)
		return;
	if (stepped || !s->base.taken) {
		snapshot_deinit(&s->base);
		snapshot_deinit(&s->next_base);
		s->base = s->now;
		s->now = (struct snapshot){0};
		return;
	}
	if (s->next_base.taken && time - s->next_base.model.time >= BASE_AGE_NS) {
		snapshot_deinit(&s->base);
		s->base = s->next_base;
		s->next_base = (struct snapshot){0};
	}
	if (!s->next_base.taken) {
		s->next_base = s->now;
		s->now = (struct snapshot){0};
	}
}

struct err *sampler_add(struct sampler *s, const struct model *model, bool stepped)
{
	struct snapshot fresh = {0};
	struct err *err = copy_model(model, &fresh);

	if (err) {
		snapshot_deinit(&fresh);
		return err;
	}
	if (s->now.taken && model->time < s->now.model.time)
		sampler_forget(s); /* another history */
	age(s, model->time, stepped);
	snapshot_deinit(&s->now);
	s->now = fresh;
	s->host_time = host_now();
	return NULL;
}

const struct model *sampler_model(const struct sampler *s)
{
	return s->now.taken ? &s->now.model : NULL;
}

static int find_pid(const struct snapshot *s, int pid)
{
	int low = 0, high = s->taken ? (int)s->model.task_count : 0;

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (s->model.tasks[s->by_pid[middle]].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	if (s->taken && low < (int)s->model.task_count && s->model.tasks[s->by_pid[low]].pid == pid)
		return s->by_pid[low];
	return -1;
}

int sampler_find(const struct sampler *s, int pid)
{
	return find_pid(&s->now, pid);
}

uint64_t sampler_interval(const struct sampler *s)
{
	if (!s->now.taken || !s->base.taken)
		return 0;
	return s->now.model.time - s->base.model.time;
}

const struct model_task *sampler_old_task(const struct sampler *s, const struct model_task *task)
{
	int at = find_pid(&s->base, task->pid);

	if (at < 0 || s->base.model.tasks[at].start_time != task->start_time)
		return NULL;
	return &s->base.model.tasks[at];
}

const struct model_cpu *sampler_old_cpu(const struct sampler *s, unsigned int cpu)
{
	for (unsigned int i = 0; s->base.taken && i < s->base.model.cpu_count; i++)
		if (s->base.model.cpus[i].cpu == cpu)
			return &s->base.model.cpus[i];
	return NULL;
}

double sampler_rate(const struct sampler *s, uint64_t now, uint64_t old)
{
	uint64_t interval = sampler_interval(s);

	return interval && now > old ? (double)(now - old) * 1e9 / (double)interval : 0;
}
