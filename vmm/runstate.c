/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/runstate.h"
#include "base/file.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *runstate_name(enum runstate state)
{
	static const char *const names[] = {"running", "runnable", "blocked", "offline"};

	return names[state];
}

static struct err *read_task_file(pid_t pid, int tid, const char *name, char **ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, tid, name);
	return read_whole_file(path, 4096, ret, NULL);
}

struct err *schedstat_read(pid_t pid, int tid, struct schedstat *ret)
{
	char *text = NULL, *stat = NULL, *state;
	struct schedstat s = {0};
	struct err *err = read_task_file(pid, tid, "schedstat", &text);

	if (!err)
		err = read_task_file(pid, tid, "stat", &stat);
	if (!err && sscanf(text, "%" SCNu64 " %" SCNu64, &s.run, &s.delay) != 2)
		err = err_new(ERR_ABSENT, "this host's kernel keeps no schedstat");
	if (!err) {
		state = strrchr(stat, ')');
		s.waits = state && !str_starts(state, ") R");
		*ret = s;
	}
	free(text);
	free(stat);
	return err;
}

struct err *runstates_begin(struct runstates *r, pid_t pid, const int *tids, unsigned int count)
{
	runstates_deinit(r);
	r->vcpus = calloc(count, sizeof(*r->vcpus));
	r->origin = calloc(count, sizeof(*r->origin));
	if (!r->vcpus || !r->origin) {
		runstates_deinit(r);
		return err_nomem();
	}
	r->count = count;
	r->start = host_now();
	for (unsigned int i = 0; i < count; i++) {
		struct err *err = schedstat_read(pid, tids[i], &r->origin[i]);

		if (err) {
			runstates_deinit(r);
			return err;
		}
		r->vcpus[i].state = RUNSTATE_OFFLINE;
	}
	return NULL;
}

void runstates_deinit(struct runstates *r)
{
	free(r->vcpus);
	free(r->origin);
	*r = (struct runstates){0};
}

static void raise_to(uint64_t *time, uint64_t value)
{
	if (value > *time)
		*time = value;
}

static void enter(struct vcpu_runstate *v, enum runstate state, uint64_t when)
{
	if (v->state == state)
		return;
	v->state = state;
	v->entry_time = when;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* A thread that is ready has time that is not booked yet, which would pass for waiting. */
static void account(struct vcpu_runstate *v, const struct schedstat *origin,
		    const struct schedstat *now, uint64_t stolen, uint64_t wall, uint64_t ran,
		    bool held)
{
	uint64_t run = now->run - origin->run, delay = now->delay - origin->delay + stolen;
	bool advanced = run > v->time[RUNSTATE_RUNNING];

	raise_to(&v->time[RUNSTATE_RUNNING], run);
	raise_to(&v->time[RUNSTATE_RUNNABLE], delay);
	raise_to(&v->time[RUNSTATE_OFFLINE], less(wall, ran));
	if (held || now->waits)
		raise_to(&v->time[RUNSTATE_BLOCKED], less(ran, run + delay));
	if (held)
		enter(v, RUNSTATE_OFFLINE, wall);
	else if (now->waits)
		enter(v, RUNSTATE_BLOCKED, wall);
	else
		enter(v, advanced ? RUNSTATE_RUNNING : RUNSTATE_RUNNABLE, wall);
}

void runstates_sample(struct runstates *r, pid_t pid, const int *tids, uint64_t ran, bool held)
{
	uint64_t wall = host_now() - r->start;

	for (unsigned int i = 0; i < r->count; i++) {
		struct schedstat now;
		struct err *err = schedstat_read(pid, tids[i], &now);

		if (!err)
			account(&r->vcpus[i], &r->origin[i], &now, r->stolen, wall, ran, held);
		err_free(err);
	}
}
