/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that wait in the queues of the kernel's own classes. */
#include "coord/why_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- fair, rt, deadline ---- */

/* What the cgroups of a fair task say of its quota. True: throttled. */
static bool is_throttled(struct question *q, const struct model_group *groups, unsigned int count,
			 uint64_t cgroup)
{
	for (unsigned int i = 0; i < count; i++) {
		struct model_group_cpu on;
		struct str path = {0};

		if (groups[i].address != cgroup)
			continue;
		if (groups[i].quota.present && q->cpu &&
		    model_group_cpu(q->why->kernel, q->why->model, &groups[i], q->cpu->cpu, &on) &&
		    on.throttled.present && on.throttled.value) {
			str_add_clean(&path, groups[i].path, SIZE_MAX);
			why_fact(q, "cpu.max", "%s: %s of every %s", str_text(&path),
				 why_time(groups[i].quota.value).text,
				 why_time(groups[i].period.value).text);
			if (groups[i].refill.present && (int64_t)groups[i].refill.value > 0)
				why_say(q, WHY_THROTTLED,
					"is throttled: cgroup %s has used up its cpu.max and gets "
					"more in %s",
					str_text(&path), why_time(groups[i].refill.value).text);
			else
				why_say(q, WHY_THROTTLED,
					"is throttled: cgroup %s has used up its cpu.max",
					str_text(&path));
			str_deinit(&path);
			return true;
		}
		return groups[i].parent >= 0 &&
		       is_throttled(q, groups, count, groups[groups[i].parent].address);
	}
	return false;
}

static bool quota_throttled(struct question *q)
{
	struct why *w = q->why;
	uint64_t cgroup = model_task_cgroup(w->kernel, w->model, q->task->address);
	struct model_group *groups = NULL;
	unsigned int count = 0;
	struct str damage = {0};
	bool throttled = false;
	struct err *err =
		cgroup ? model_groups(w->kernel, w->model, &groups, &count, &damage) : NULL;

	if (!err)
		throttled = is_throttled(q, groups, count, cgroup);
	err_free(err);
	model_groups_destroy(groups, count);
	str_deinit(&damage);
	return throttled;
}

/* A deadline task that has had its runtime waits for a timer that begins its next period. */
static bool budget_throttled(struct question *q)
{
	const struct types *t = kernel_types(q->why->kernel);
	struct field throttled, yielded, timer;
	struct why_text when = {""};
	struct object o;
	int64_t left;
	bool gave_up;

	field_find(t, "struct task_struct", "dl.dl_throttled", &throttled);
	field_find(t, "struct task_struct", "dl.dl_yielded", &yielded);
	field_find(t, "struct task_struct", "dl.dl_timer", &timer);
	object_init(&o, q->why->kernel, q->task->address);
	gave_up = object_read(&o, &yielded);
	if (!object_read(&o, &throttled) && !gave_up)
		return false;
	if (timer.present && why_timer_left(q->why, object_address(&o, &timer), &left) && left > 0)
		snprintf(when.text, sizeof(when.text), " and gets more in %s",
			 why_time((uint64_t)left).text);
	return why_say(q, WHY_THROTTLED, "is throttled: it has %s%s",
		       gave_up ? "given up the rest of its deadline budget (sched_yield)"
			       : "used up its deadline budget",
		       when.text);
}

bool why_throttled(struct question *q)
{
	return q->task->class == CLASS_FAIR ? quota_throttled(q)
	       : q->task->class == CLASS_DL ? budget_throttled(q)
					    : false;
}

/* Tasks of its own class that the kernel would pick before it. */
static int entities_ahead(struct question *q, const struct model_entity *e, unsigned int count)
{
	const struct model_entity *own = NULL;
	int ahead = 0;

	for (unsigned int i = 0; i < count; i++)
		if (e[i].task == q->index)
			own = &e[i];
	if (!own)
		return -1;
	if (own->class == CLASS_FAIR) {
		why_fact(q, "fair", "lag %" PRId64 " (%s), deadline in %" PRId64 " of virtual time",
			 (int64_t)own->lag.value,
			 own->eligible.present && own->eligible.value ? "eligible" : "not eligible",
			 (int64_t)(own->deadline.value - own->vruntime.value));
		/* Groups have deadlines of their own: a place in all of them is no number. */
		for (unsigned int i = 0; i < count; i++)
			if (e[i].class == CLASS_FAIR && e[i].depth)
				return -1;
	}
	for (unsigned int i = 0; i < count; i++)
		if (e[i].kind == ENTITY_TASK && e[i].queued && &e[i] != own && !e[i].current &&
		    e[i].class == own->class &&
		    (own->class == CLASS_FAIR
			     ? (int64_t)(e[i].deadline.value - own->deadline.value) < 0
			     : &e[i] < own))
			ahead++;
	return ahead;
}

void why_own_queue(struct question *q)
{
	struct model_entity *entities = NULL;
	unsigned int count = 0;
	struct str damage = {0};
	struct err *err = model_entities(q->why->kernel, q->why->model, q->cpu->cpu, &entities,
					 &count, &damage);
	int ahead = err ? -1 : entities_ahead(q, entities, count);

	err_free(err);
	why_on_cpu(q, q->cpu, ahead);
	free(entities);
	str_deinit(&damage);
}
