/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/snapshot.h"

#include <inttypes.h>
#include <string.h>

struct diff {
	const struct snapshot *before, *after;
	bool counters;
	difference_fn visit;
	void *context;
	struct str what, old, new;
};

static void report(struct diff *d, const char *field)
{
	d->visit(d->context, &(struct difference){str_text(&d->what), field, str_text(&d->old),
						  str_text(&d->new)});
}

static void begin(struct diff *d)
{
	str_clear(&d->old);
	str_clear(&d->new);
}

/* Reports `old` and `new`, which the caller has filled in, when they differ. */
static void compare(struct diff *d, const char *field)
{
	if (strcmp(str_text(&d->old), str_text(&d->new)) != 0)
		report(d, field);
	begin(d);
}

static void compare_numbers(struct diff *d, const char *field, uint64_t old, uint64_t new)
{
	if (old == new)
		return;
	str_addf(&d->old, "%" PRIu64, old);
	str_addf(&d->new, "%" PRIu64, new);
	compare(d, field);
}

static void compare_maybe(struct diff *d, const char *field, struct maybe old, struct maybe new)
{
	if (old.present && new.present)
		compare_numbers(d, field, old.value, new.value);
}

static void compare_texts(struct diff *d, const char *field, const char *old, const char *new, size_t size)
{
	str_add_clean(&d->old, old, size);
	str_add_clean(&d->new, new, size);
	compare(d, field);
}

/* ---- sched_ext ---- */

static int64_t count_of(const struct model_scx *scx, const char *event)
{
	for (unsigned int i = 0; i < scx->event_count; i++)
		if (strcmp(scx->events[i].name, event) == 0)
			return scx->events[i].count;
	return 0;
}

static void diff_events(struct diff *d, const struct model_scx *old, const struct model_scx *new)
{
	for (unsigned int i = 0; i < new->event_count; i++) {
		int64_t before = count_of(old, new->events[i].name);

		if (before == new->events[i].count)
			continue;
		str_addf(&d->old, "%" PRId64, before);
		str_addf(&d->new, "%" PRId64, new->events[i].count);
		compare(d, new->events[i].name);
	}
}

static void diff_scx(struct diff *d)
{
	const struct model_scx *old = &d->before->model->scx, *new = &d->after->model->scx;

	str_clear(&d->what);
	str_add(&d->what, "scx");
	compare_texts(d, "state", old->state, new->state, sizeof(old->state));
	compare_texts(d, "ops", old->ops, new->ops, sizeof(old->ops));
	compare_maybe(d, "enable_seq", old->enable_seq, new->enable_seq);
	compare_maybe(d, "nr_rejected", old->nr_rejected, new->nr_rejected);
	compare_maybe(d, "bypass_depth", old->bypass_depth, new->bypass_depth);
	compare_maybe(d, "exit_kind", old->exit_kind, new->exit_kind);
	compare_texts(d, "exit_message", old->exit_message, new->exit_message, sizeof(old->exit_message));
	diff_events(d, old, new);
}

/* ---- CPUs ---- */

static void add_current(struct str *s, const struct model *m, const struct model_cpu *cpu)
{
	const struct model_task *task;

	if (cpu->current_task < 0) {
		str_add(s, "?");
		return;
	}
	task = &m->tasks[cpu->current_task];
	if (task->pid)
		str_addf(s, "%d ", task->pid);
	str_add_clean(s, task->comm, sizeof(task->comm));
}

static void diff_cpu(struct diff *d, unsigned int i)
{
	const struct model_cpu *old = &d->before->model->cpus[i], *new = &d->after->model->cpus[i];

	str_clear(&d->what);
	str_addf(&d->what, "cpu %u", i);
	add_current(&d->old, d->before->model, old);
	add_current(&d->new, d->after->model, new);
	compare(d, "current");
	compare_numbers(d, "online", old->online, new->online);
	compare_numbers(d, "nr_running", old->nr_running, new->nr_running);
	compare_numbers(d, "nr_fair", old->nr_fair, new->nr_fair);
	compare_numbers(d, "nr_rt", old->nr_rt, new->nr_rt);
	compare_numbers(d, "nr_dl", old->nr_dl, new->nr_dl);
	compare_maybe(d, "nr_ext", old->nr_ext, new->nr_ext);
	compare_numbers(d, "locked", old->locked, new->locked);
	if (!d->counters)
		return;
	compare_numbers(d, "switches", old->switches, new->switches);
	compare_maybe(d, "user", old->user, new->user);
	compare_maybe(d, "system", old->system, new->system);
	compare_maybe(d, "idle_time", old->idle_time, new->idle_time);
	compare_maybe(d, "steal", old->steal, new->steal);
}

/* ---- dispatch queues ---- */

static void name_dsq(struct diff *d, const struct model_dsq *q)
{
	str_clear(&d->what);
	str_add(&d->what, "dsq ");
	if (q->kind == DSQ_USER)
		model_dsq_name(q->id, &d->what);
	else if (q->cpu >= 0)
		str_addf(&d->what, "%s:%d", q->kind == DSQ_LOCAL ? "local" : "bypass", q->cpu);
	else
		str_addf(&d->what, "global:%d", q->node);
}

/* The kernel's own queues exist however many schedulers come and go, only their addresses change. */
static const struct model_dsq *find_dsq(const struct snapshot *s, const struct model_dsq *like)
{
	for (unsigned int i = 0; i < s->dsq_count; i++) {
		const struct model_dsq *q = &s->dsqs[i];

		if (q->kind == like->kind && q->cpu == like->cpu && q->node == like->node &&
		    (q->kind != DSQ_USER || q->id == like->id))
			return q;
	}
	return NULL;
}

static void one_sided(struct diff *d, bool came)
{
	str_add(came ? &d->new : &d->old, "there");
	compare(d, "");
}

static void diff_dsqs(struct diff *d)
{
	for (unsigned int i = 0; i < d->before->dsq_count; i++) {
		const struct model_dsq *old = &d->before->dsqs[i], *new = find_dsq(d->after, old);

		name_dsq(d, old);
		if (new)
			compare_numbers(d, "nr", old->nr, new->nr);
		else
			one_sided(d, false);
	}
	for (unsigned int i = 0; i < d->after->dsq_count; i++) {
		if (find_dsq(d->before, &d->after->dsqs[i]))
			continue;
		name_dsq(d, &d->after->dsqs[i]);
		one_sided(d, true);
	}
}

/* ---- tasks ---- */

/* A pid is the same task only with the same start. */
static const struct model_task *find_task(const struct snapshot *s, const struct model_task *like)
{
	int i = model_find_task(s->model, like->pid);

	return i >= 0 && s->model->tasks[i].start_time == like->start_time ? &s->model->tasks[i] : NULL;
}

static void name_task(struct diff *d, const struct model_task *task)
{
	str_clear(&d->what);
	str_addf(&d->what, "task %d ", task->pid);
	str_add_clean(&d->what, task->comm, sizeof(task->comm));
}

static void add_queue(struct str *s, const struct model_task *task)
{
	if (task->scx_dsq_id.present)
		model_dsq_name(task->scx_dsq_id.value, s);
	else
		str_add(s, "-");
}

static void compare_tasks(struct diff *d, const struct model_task *old, const struct model_task *new)
{
	compare_texts(d, "comm", old->comm, new->comm, sizeof(old->comm));
	compare_texts(d, "state", &old->state, &new->state, 1);
	compare_numbers(d, "cpu", old->cpu, new->cpu);
	compare_numbers(d, "on_rq", old->on_rq, new->on_rq);
	str_add(&d->old, sched_class_name(old->class));
	str_add(&d->new, sched_class_name(new->class));
	compare(d, "class");
	str_add(&d->old, sched_policy_name(old->policy));
	str_add(&d->new, sched_policy_name(new->policy));
	compare(d, "policy");
	compare_numbers(d, "prio", (uint64_t)old->prio, (uint64_t)new->prio);
	add_queue(&d->old, old);
	add_queue(&d->new, new);
	compare(d, "dsq");
	if (!d->counters)
		return;
	compare_numbers(d, "runtime", old->runtime, new->runtime);
	compare_numbers(d, "switches", old->switches, new->switches);
	compare_maybe(d, "run_delay", old->run_delay, new->run_delay);
	compare_maybe(d, "vtime", old->scx_vtime, new->scx_vtime);
}

static void diff_tasks(struct diff *d)
{
	const struct model *before = d->before->model, *after = d->after->model;

	for (unsigned int i = 0; i < before->task_count; i++) {
		const struct model_task *old = &before->tasks[i], *new = find_task(d->after, old);

		name_task(d, old);
		if (new)
			compare_tasks(d, old, new);
		else
			one_sided(d, false);
	}
	for (unsigned int i = 0; i < after->task_count; i++) {
		if (find_task(d->before, &after->tasks[i]))
			continue;
		name_task(d, &after->tasks[i]);
		one_sided(d, true);
	}
}

struct err *snapshot_diff(const struct snapshot *before, const struct snapshot *after, bool counters,
			  difference_fn visit, void *context)
{
	struct diff d = {.before = before, .after = after, .counters = counters, .visit = visit,
			 .context = context};
	unsigned int cpus = before->model->cpu_count;
	struct err *err;

	diff_scx(&d);
	for (unsigned int i = 0; i < cpus && i < after->model->cpu_count; i++)
		diff_cpu(&d, i);
	diff_dsqs(&d);
	diff_tasks(&d);
	err = str_error(&d.what);
	if (!err)
		err = str_error(&d.old);
	if (!err)
		err = str_error(&d.new);
	str_deinit(&d.what);
	str_deinit(&d.old);
	str_deinit(&d.new);
	return err;
}
