/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/runstate.h"
#include "base/file.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REST_TIMEOUT UINT64_C(200000000) /* host ns */

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

/* What a thread waited for the host before it was stopped is in its books when it sleeps. */
static struct err *read_at_rest(pid_t pid, int tid, struct schedstat *ret)
{
	uint64_t deadline = host_now() + REST_TIMEOUT;

	ERR_TRY(schedstat_read(pid, tid, ret));
	while (!ret->waits && host_now() < deadline) {
		usleep(1000);
		ERR_TRY(schedstat_read(pid, tid, ret));
	}
	return NULL;
}

struct err *runstates_begin(struct runstates *r, pid_t pid, const int *tids, unsigned int count,
			    uint64_t base, const struct vcpu_runstate *carry)
{
	runstates_deinit(r);
	r->vcpus = calloc(count, sizeof(*r->vcpus));
	r->origin = calloc(count, sizeof(*r->origin));
	r->carry = calloc(count, sizeof(*r->carry));
	if (!r->vcpus || !r->origin || !r->carry) {
		runstates_deinit(r);
		return err_nomem();
	}
	r->count = count;
	r->base = base;
	if (carry)
		memcpy(r->carry, carry, count * sizeof(*carry));
	memcpy(r->vcpus, r->carry, count * sizeof(*carry));
	for (unsigned int i = 0; i < count; i++) {
		struct err *err = read_at_rest(pid, tids[i], &r->origin[i]);

		if (err) {
			runstates_deinit(r);
			return err;
		}
		r->vcpus[i].state = RUNSTATE_OFFLINE;
	}
	r->start = host_now();
	return NULL;
}

void runstates_deinit(struct runstates *r)
{
	free(r->vcpus);
	free(r->origin);
	free(r->carry);
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
static void account(struct runstates *r, unsigned int i, const struct schedstat *now, uint64_t wall,
		    uint64_t ran, bool held)
{
	struct vcpu_runstate *v = &r->vcpus[i];
	const uint64_t *carry = r->carry[i].time;
	uint64_t run = now->run - r->origin[i].run;
	uint64_t delay = now->delay - r->origin[i].delay + r->stolen;
	bool advanced = carry[RUNSTATE_RUNNING] + run > v->time[RUNSTATE_RUNNING];

	raise_to(&v->time[RUNSTATE_RUNNING], carry[RUNSTATE_RUNNING] + run);
	raise_to(&v->time[RUNSTATE_RUNNABLE], carry[RUNSTATE_RUNNABLE] + delay);
	raise_to(&v->time[RUNSTATE_OFFLINE], carry[RUNSTATE_OFFLINE] + less(wall, ran));
	if (held || now->waits)
		raise_to(&v->time[RUNSTATE_BLOCKED],
			 carry[RUNSTATE_BLOCKED] + less(ran, run + delay));
	if (held)
		enter(v, RUNSTATE_OFFLINE, wall);
	else if (now->waits)
		enter(v, RUNSTATE_BLOCKED, wall);
	else
		enter(v, advanced ? RUNSTATE_RUNNING : RUNSTATE_RUNNABLE, wall);
}

void runstates_sample(struct runstates *r, pid_t pid, const int *tids, uint64_t time, bool held)
{
	uint64_t wall = host_now() - r->start, ran = time - r->base;

	for (unsigned int i = 0; i < r->count; i++) {
		struct schedstat now;
		struct err *err = schedstat_read(pid, tids[i], &now);

		if (!err)
			account(r, i, &now, wall, ran, held);
		err_free(err);
	}
}
