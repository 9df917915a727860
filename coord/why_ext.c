/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that wait under a sched_ext scheduler. */
#include "coord/why_impl.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the CPUs that it may use ---- */

/* Online CPUs, as far as they matter to a task that waits. */
struct cpus_seen {
	unsigned int allowed;
	struct cpu_set idle;		/* may run it and idle */
	struct cpu_set asleep;		/* of those: have not been through the scheduler since */
	struct cpu_set passed;		/* of those: have been */
	struct cpu_set told;		/* of those: were told to reschedule just now */
	struct cpu_set elsewhere;	/* idle, but may not run it */
	const struct model_cpu *masked; /* may run it, and takes no interrupts */
};

static unsigned int count_of(const struct cpu_set *set)
{
	return mask_count(set->bits, WHY_CPUS);
}

/*
 * Whether an idle CPU could have taken the task. __schedule() brings its queue's clock up to date
 * first, so one with a clock older than the task's queueing has not been there since. A tick brings
 * it up to date as well: only a task that ran there meanwhile proves that it has been.
 */
static void look_at_idle(struct question *q, const struct model_cpu *cpu, struct cpus_seen *seen)
{
	mask_set(seen->idle.bits, cpu->cpu);
	if (q->queued && why_last_run(q->why, cpu->cpu) > q->queued)
		mask_set(seen->passed.bits, cpu->cpu);
	if (cpu->need_resched.present && cpu->need_resched.value)
		mask_set(seen->told.bits, cpu->cpu);
	else if (q->queued && cpu->clock <= q->queued)
		mask_set(seen->asleep.bits, cpu->cpu);
}

static void look_at_cpus(struct question *q, struct cpus_seen *seen)
{
	struct why *w = q->why;

	*seen = (struct cpus_seen){0};
	for (unsigned int i = 0; i < w->model->cpu_count && i < WHY_CPUS; i++) {
		const struct model_cpu *cpu = &w->model->cpus[i];

		if (!cpu->online)
			continue;
		if (!mask_test(q->allowed.bits, i)) {
			if (cpu->idle)
				mask_set(seen->elsewhere.bits, i);
			continue;
		}
		seen->allowed++;
		if (why_masked(w, cpu))
			seen->masked = cpu;
		else if (cpu->idle)
			look_at_idle(q, cpu, seen);
	}
}

static void set_fact(struct question *q, const char *key, const struct cpu_set *set)
{
	char *cpus = count_of(set) ? why_cpus(set) : NULL;

	if (cpus)
		why_fact(q, key, "cpus %s", cpus);
	free(cpus);
}

/* "; cpu 1 was not kicked", appended; nothing for none. */
static void add_cpus(struct str *s, const struct cpu_set *set, const char *of_one,
		     const char *of_many)
{
	unsigned int count = count_of(set);
	char *cpus = count ? why_cpus(set) : NULL;

	if (cpus)
		str_addf(s, "%scpu %s %s", s->len ? "; " : "", cpus, count == 1 ? of_one : of_many);
	free(cpus);
}

/* Where one of the CPUs is, that were told to reschedule: a dispatch() that gives them nothing is
 * called again and again. */
static void add_scheduling(struct question *q, const struct cpu_set *told, struct str *s)
{
	const struct model *m = q->why->model;

	for (unsigned int i = 0; i < m->cpu_count && i < WHY_CPUS; i++) {
		const char *place =
			mask_test(told->bits, i) ? why_scheduling(q->why, &m->cpus[i]) : NULL;

		if (place) {
			str_addf(s, " (cpu %u is in %s)", i, place);
			return;
		}
	}
}

/* It has not waited long enough to accuse anybody. */
static void say_prompt(struct question *q, const struct cpus_seen *seen, const char *where,
		       enum why_verdict verdict)
{
	if (count_of(&seen->told))
		why_say(q, WHY_ABOUT_TO_RUN,
			"%s: an idle CPU that may run it was told to reschedule", where);
	else
		why_say(q, verdict == WHY_NOT_DISPATCHED ? verdict : WHY_DSQ_TURN, "%s", where);
}

/* CPUs idle that may run it. `where` says what holds it since when. */
static void say_idle(struct question *q, const struct cpus_seen *seen, const char *where,
		     enum why_verdict verdict)
{
	struct str s = {0};

	if (q->answer->waited.value < PROMPT_NS) {
		say_prompt(q, seen, where, verdict);
		return;
	}
	if (count_of(&seen->asleep) == count_of(&seen->idle))
		verdict = WHY_NOT_KICKED;
	add_cpus(&s, &seen->passed, "may run it, idles and has run others since",
		 "may run it, idle and have run others since");
	add_cpus(&s, &seen->told, "is told to reschedule", "are told to reschedule");
	add_scheduling(q, &seen->told, &s);
	add_cpus(&s, &seen->asleep, "may run it, idles, and was not kicked since",
		 "may run it, idle, and were not kicked since");
	if (!s.len)
		add_cpus(&s, &seen->idle,
			 "may run it and idles (whether kicked, memory does not say)",
			 "may run it and idle (whether kicked, memory does not say)");
	why_say(q, verdict, "%s: %s", where, str_text(&s));
	str_deinit(&s);
}

/* The allowed CPU whose current task has had it longest: "cpu 3 runs 121 spin for 3.7s". */
static void longest_current(struct question *q, char *text, size_t size)
{
	const struct model *m = q->why->model;
	const struct model_cpu *worst = NULL;
	uint64_t longest = 0;

	for (unsigned int i = 0; i < m->cpu_count && i < WHY_CPUS; i++) {
		uint64_t ns = why_current_for(q->why, &m->cpus[i]);

		if (!m->cpus[i].online || !mask_test(q->allowed.bits, i) || ns < longest)
			continue;
		worst = &m->cpus[i];
		longest = ns;
	}
	text[0] = '\0';
	if (worst && worst->current_task >= 0)
		snprintf(text, size, "cpu %u runs %s for %s%s", worst->cpu,
			 why_name(&m->tasks[worst->current_task]).text, why_time(longest).text,
			 why_slice(&m->tasks[worst->current_task]).text);
}

static void say_busy(struct question *q, const struct cpus_seen *seen, const char *where,
		     enum why_verdict verdict)
{
	enum why_verdict turn = verdict == WHY_NOT_DISPATCHED ? verdict : WHY_DSQ_TURN;
	char *cpus = why_cpus(&q->allowed), current[128];

	longest_current(q, current, sizeof(current));
	if (seen->masked)
		why_say(q, why_masked_verdict(q->why, seen->masked),
			"%s: no CPU that may run it idles, and %s", where,
			why_masked_text(q->why, seen->masked).text);
	else if (count_of(&seen->elsewhere) && q->answer->waited.value >= PROMPT_NS)
		why_say(q, verdict == WHY_NOT_DISPATCHED ? verdict : WHY_AFFINITY,
			"%s: it may only use cpu %s while others idle; %s", where, cpus, current);
	else
		why_say(q, turn, "%s: no CPU that may run it idles; %s", where, current);
	free(cpus);
}

static void say_from_cpus(struct question *q, const char *where, enum why_verdict verdict)
{
	struct cpus_seen seen;

	look_at_cpus(q, &seen);
	set_fact(q, "idle", &seen.idle);
	set_fact(q, "told to reschedule", &seen.told);
	set_fact(q, "not scheduled since", &seen.asleep);
	set_fact(q, "scheduled since", &seen.passed);
	set_fact(q, "idle, not allowed", &seen.elsewhere);
	if (count_of(&seen.idle))
		say_idle(q, &seen, where, verdict);
	else
		say_busy(q, &seen, where, verdict);
}

/* ---- where it stands ---- */

/* Its place in the queue from 0, -1: not found; and how many stand there. */
static int place_in(struct question *q, const struct model_dsq *dsq, unsigned int *ret_count)
{
	struct model_queue_entry *entries = NULL;
	struct str damage = {0};
	int place = -1;
	struct err *err = model_dsq_tasks(q->why->kernel, q->why->model, dsq->address, &entries,
					  ret_count, &damage);

	for (unsigned int i = 0; !err && i < *ret_count; i++)
		if (entries[i].task == q->index)
			place = (int)i;
	if (err)
		*ret_count = 0;
	err_free(err);
	free(entries);
	str_deinit(&damage);
	return place;
}

/* "the scheduler vtime"; a cgroup may have one of its own, below the machine's. */
static struct why_text scheduler_name(struct question *q)
{
	struct why *w = q->why;
	const struct types *t = kernel_types(w->kernel);
	struct field sched, ops;
	struct why_text ret;
	struct str name = {0};
	struct object o, scheduler;
	char raw[128] = "";
	bool sub;

	field_find(t, "struct task_struct", "scx.sched", &sched);
	field_find(t, "struct scx_sched", "ops.name", &ops);
	object_init(&o, w->kernel, q->task->address);
	object_init(&scheduler, w->kernel, object_read(&o, &sched));
	sub = ops.present && scheduler.base && w->model->scx.root &&
	      scheduler.base != w->model->scx.root;
	if (sub)
		object_bytes(&scheduler, &ops, raw, sizeof(raw) - 1);
	else
		memcpy(raw, w->model->scx.ops, sizeof(raw) - 1);
	str_add_clean(&name, raw, sizeof(raw));
	snprintf(ret.text, sizeof(ret.text), "the %sscheduler %.40s", sub ? "sub-" : "",
		 str_text(&name));
	str_deinit(&name);
	return ret;
}

static void in_shared_dsq(struct question *q, const struct model_dsq *dsq, int place,
			  unsigned int count)
{
	struct why_text time = why_time(q->answer->waited.value);
	struct str name = {0};
	char where[128];

	model_dsq_name(dsq->id, &name);
	if (dsq->kind == DSQ_USER)
		snprintf(where, sizeof(where),
			 "stands in the scheduler's dsq %s (place %d of %u) for %s",
			 str_text(&name), place + 1, count, time.text);
	else
		snprintf(where, sizeof(where),
			 "stands in the %s dsq of node %d (place %d of %u) for %s", str_text(&name),
			 dsq->node, place + 1, count, time.text);
	say_from_cpus(q, where, WHY_NOT_CONSUMED);
	str_deinit(&name);
}

/* Not among the queues of the machine's scheduler: a sub-scheduler has its own. */
static void in_other_dsq(struct question *q)
{
	struct str name = {0};
	char where[128];

	model_dsq_name(q->task->scx_dsq_id.value, &name);
	snprintf(where, sizeof(where), "stands in the dsq %s of %s for %s", str_text(&name),
		 scheduler_name(q).text, why_time(q->answer->waited.value).text);
	say_from_cpus(q, where, WHY_NOT_CONSUMED);
	str_deinit(&name);
}

static void in_dsq(struct question *q)
{
	const struct model_dsq *dsq = why_dsq(q->why, q->task->scx_dsq.value);
	unsigned int count = 0;
	struct str name = {0};
	int place;

	if (!dsq) {
		in_other_dsq(q);
		return;
	}
	place = place_in(q, dsq, &count);
	model_dsq_name(dsq->id, &name);
	why_fact(q, "dsq", "%s, place %d of %u", str_text(&name), place + 1, count);
	str_deinit(&name);
	if (dsq->kind == DSQ_BYPASS)
		why_say(q, WHY_BYPASS,
			"stands in a bypass queue, place %d of %u: the kernel bypasses the "
			"scheduler "
			"(depth %" PRIu64 ")",
			place + 1, count, q->why->model->scx.bypass_depth.value);
	else if (dsq->kind == DSQ_LOCAL && dsq->cpu >= 0 &&
		 (unsigned int)dsq->cpu < q->why->model->cpu_count)
		why_on_cpu(q, &q->why->model->cpus[dsq->cpu], place);
	else
		in_shared_dsq(q, dsq, place, count);
}

static void with_the_scheduler(struct question *q)
{
	char where[128];

	snprintf(where, sizeof(where), "%s has had it for %s and not dispatched it",
		 scheduler_name(q).text, why_time(q->answer->waited.value).text);
	say_from_cpus(q, where, WHY_NOT_DISPATCHED);
}

bool why_ext(struct question *q)
{
	struct why *w = q->why;
	const char *state = NULL;

	if (!w->model->scx.present)
		return false;
	if (q->detail.ops_state.present)
		state = model_ops_state(w->kernel, w->model, q->detail.ops_state.value);
	if (state)
		why_fact(q, "ops_state", "%s", state);
	if (w->model->scx.bypass_depth.value)
		why_fact(q, "bypass", "depth %" PRIu64, w->model->scx.bypass_depth.value);
	if (q->task->scx_dsq.value)
		in_dsq(q);
	else if (state && strcmp(state, "SCX_OPSS_QUEUED") == 0)
		with_the_scheduler(q);
	else if (state && strcmp(state, "SCX_OPSS_NONE") != 0)
		why_say(q, WHY_MOVING, "is being handed between the kernel and the scheduler (%s)",
			state);
	else if (q->detail.holding_cpu.present && (int64_t)q->detail.holding_cpu.value >= 0)
		why_say(q, WHY_MOVING, "is being moved to another queue by cpu %" PRId64,
			(int64_t)q->detail.holding_cpu.value);
	else
		return false;
	return true;
}
