// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scopes (enum wire_scope): what was made while a scope was open belongs to it, and ends with it. Of
 * workers and programs their own entries say so; of cgroups the table here does.
 */
#include "guest/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define STEP 1000000ULL        /* ns between looks while waiting */
#define DEADLINE 5000000000ULL /* ns of guest time for what was killed to end */

int scope_take(struct agent *a, const char *name)
{
	struct owned_cgroup *o = &a->owned[a->owned_count];

	if (a->header->scope == WIRE_SCOPE_SESSION)
		return 0;
	if (a->owned_count == AGENT_OWNED)
		return agent_fail(a, ENOSPC, "a scenario has %d cgroups at most", AGENT_OWNED);
	o->scope = a->header->scope;
	snprintf(o->name, sizeof(o->name), "%s", name);
	a->owned_count++;
	return 0;
}

void scope_drop(struct agent *a, const char *name)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < a->owned_count; i++)
		if (strcmp(a->owned[i].name, name) != 0)
			a->owned[kept++] = a->owned[i];
	a->owned_count = kept;
}

uint32_t scope_of(const struct agent *a, const char *name)
{
	for (unsigned int i = 0; i < a->owned_count; i++)
		if (strcmp(a->owned[i].name, name) == 0)
			return a->owned[i].scope;
	return WIRE_SCOPE_SESSION;
}

int op_scope_begin(struct agent *a, const void *payload)
{
	const struct wire_scope_request *r = payload;

	if (r->scope <= WIRE_SCOPE_SESSION || r->scope >= WIRE_SCOPES)
		return agent_fail(a, EINVAL, "there is no scope %u", r->scope);
	a->header->scope = r->scope;
	return 0;
}

/* Whether a worker that has not ended belongs to `scope` or to one within it. */
static bool lives_in(const struct wire_worker *w, uint32_t scope)
{
	return (w->state == WIRE_WORKER_STARTING || w->state == WIRE_WORKER_RUNNING) &&
	       w->scope >= scope;
}

static unsigned int workers_left(const struct agent *a, uint32_t scope)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < a->header->worker_high; i++)
		n += lives_in(&a->workers[i], scope);
	return n;
}

/* What they did is the host's by now: their slots are free again. */
static int end_workers(struct agent *a, uint32_t scope)
{
	uint64_t end = agent_now() + DEADLINE;

	for (unsigned int i = 0; i < a->header->worker_high; i++)
		if (lives_in(&a->workers[i], scope))
			worker_kill(&a->workers[i]);
	while (workers_left(a, scope) && agent_now() < end)
		agent_pause(a, STEP);
	for (unsigned int i = 0; i < a->header->worker_high; i++)
		if (a->workers[i].state == WIRE_WORKER_DEAD && a->workers[i].scope >= scope)
			memset(&a->workers[i], 0, sizeof(a->workers[i]));
	if (workers_left(a, scope))
		return agent_fail(a, EBUSY, "%u workers do not end", workers_left(a, scope));
	return 0;
}

static unsigned int programs_left(const struct agent *a, uint32_t scope)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < AGENT_CHILDREN; i++)
		n += a->children[i].kind == CHILD_PROGRAM && a->children[i].scope >= scope &&
		     !a->children[i].ended;
	return n;
}

static int end_programs(struct agent *a, uint32_t scope)
{
	uint64_t end = agent_now() + DEADLINE;

	for (unsigned int i = 0; i < AGENT_CHILDREN; i++) {
		const struct child *child = &a->children[i];

		if (child->kind == CHILD_PROGRAM && child->scope >= scope && !child->ended)
			kill(-child->pid, SIGKILL); /* with all that it started */
	}
	while (programs_left(a, scope) && agent_now() < end)
		agent_pause(a, STEP);
	if (programs_left(a, scope))
		return agent_fail(a, EBUSY, "%u programs do not end", programs_left(a, scope));
	for (unsigned int i = 0; i < AGENT_CHILDREN; i++)
		if (a->children[i].kind == CHILD_PROGRAM && a->children[i].scope >= scope)
			child_forget(&a->children[i]);
	return 0;
}

/* The newest first: a cgroup was made after those above it. */
static int end_cgroups(struct agent *a, uint32_t scope)
{
	int errnum = 0;

	for (unsigned int i = a->owned_count; i-- && !errnum;) {
		char name[WIRE_CGROUP_NAME];

		if (i >= a->owned_count || a->owned[i].scope < scope)
			continue;
		memcpy(name, a->owned[i].name, sizeof(name));
		errnum = cgroup_end(a, name);
	}
	return errnum;
}

/* Each part is ended even if one before it could not be; the first failure is reported. */
int op_scope_end(struct agent *a, const void *payload)
{
	const struct wire_scope_request *r = payload;
	int errnum, workers, programs, cgroups;

	errnum = op_scope_begin(a, payload);
	if (errnum)
		return errnum;
	a->header->scope = WIRE_SCOPE_SESSION;
	workers = end_workers(a, r->scope);
	programs = end_programs(a, r->scope);
	cgroups = end_cgroups(a, r->scope);
	pins_end(a, r->scope);
	return workers ? workers : programs ? programs : cgroups;
}
