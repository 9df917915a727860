/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/why_impl.h"

#include "base/parse.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ull

/* A CPU without interrupts is why others wait: it comes first. */
#define MASKED_FIRST (1ull << 62)
#define TASK_WAKING 0x200 /* include/linux/sched.h, since 4.14 */
/* From here on waiting is worth a line of its own. */
#define WAIT_NS (100 * MS)
#define BLOCKED_NS (1000 * MS)

const char *why_verdict_name(enum why_verdict v)
{
	static const char *const names[] = {
		[WHY_RUNS] = "runs",
		[WHY_RUNS_MASKED] = "interrupts off",
		[WHY_DEAD] = "dead",
		[WHY_STOPPED] = "stopped",
		[WHY_FROZEN] = "frozen",
		[WHY_BLOCKED] = "blocked",
		[WHY_MOVING] = "moving",
		[WHY_THROTTLED] = "throttled",
		[WHY_HIGHER_CLASS] = "higher class",
		[WHY_CPU_MASKED] = "interrupts off there",
		[WHY_STOLEN] = "not run by the host",
		[WHY_NOT_KICKED] = "not kicked",
		[WHY_ABOUT_TO_RUN] = "about to run",
		[WHY_BEHIND] = "behind others",
		[WHY_BYPASS] = "bypass",
		[WHY_NOT_CONSUMED] = "not consumed",
		[WHY_AFFINITY] = "affinity",
		[WHY_DSQ_TURN] = "in a queue",
		[WHY_NOT_DISPATCHED] = "not dispatched",
		[WHY_UNKNOWN] = "unknown",
	};

	return names[v];
}

/* ---- what not every question needs ---- */

struct unwind *why_unwind(struct why *w)
{
	if (!w->unwind_tried)
		err_free(unwind_create(w->kernel, &w->unwind));
	w->unwind_tried = true;
	return w->unwind;
}

const struct model_dsq *why_dsq(struct why *w, uint64_t address)
{
	struct str damage = {0};

	if (!w->dsqs_read)
		err_free(model_all_dsqs(w->kernel, w->model, &w->dsqs, &w->dsq_count, &damage));
	w->dsqs_read = true;
	str_deinit(&damage);
	for (unsigned int i = 0; i < w->dsq_count; i++)
		if (w->dsqs[i].address == address)
			return &w->dsqs[i];
	return NULL;
}

/* ---- words ---- */

struct why_text why_time(uint64_t ns)
{
	struct why_text t;
	char text[DURATION_TEXT];

	/* Nobody reads more than a microsecond of a wait. */
	snprintf(t.text, sizeof(t.text), "%s",
		 format_duration(ns < MS ? ns : ns / 1000 * 1000, text));
	return t;
}

struct why_text why_name(const struct model_task *t)
{
	struct why_text ret;
	struct str comm = {0};

	str_add_clean(&comm, t->comm, sizeof(t->comm));
	snprintf(ret.text, sizeof(ret.text), "%d %.40s", t->pid, str_text(&comm));
	str_deinit(&comm);
	return ret;
}

char *why_cpus(const struct cpu_set *set)
{
	struct str s = {0};

	mask_list(set->bits, WHY_CPUS, &s);
	if (!s.len)
		str_add(&s, "none");
	return str_take(&s);
}

bool why_say(struct question *q, enum why_verdict verdict, const char *fmt, ...)
{
	va_list args;
	char text[256]; /* as long as the text of an expression may be */

	if (q->answer->sentence)
		return true;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	q->answer->verdict = verdict;
	q->answer->sentence = str_format("%s", text);
	return true;
}

void why_fact(struct question *q, const char *key, const char *fmt, ...)
{
	struct why_answer *a = q->answer;
	va_list args;
	char text[512];

	if (a->fact_count == WHY_FACTS)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	a->facts[a->fact_count++] = (struct why_fact){key, str_format("%s", text)};
}

void why_answer_deinit(struct why_answer *a)
{
	free(a->sentence);
	for (unsigned int i = 0; i < a->fact_count; i++)
		free(a->facts[i].text);
	*a = (struct why_answer){0};
}

/* ---- time ---- */

uint64_t why_since(const struct why *w, uint64_t clock)
{
	return clock && w->now > clock ? w->now - clock : 0;
}

uint64_t why_waited(struct question *q)
{
	struct object o;
	uint64_t age = q->detail.runnable_age.present ? q->detail.runnable_age.value : 0, waited;

	object_init(&o, q->why->kernel, q->task->address);
	q->queued = object_read(&o, &q->why->last_queued);
	waited = why_since(q->why, q->queued);
	/* The watchdog's account, in ticks, goes on when the task is moved from queue to queue. */
	return (int64_t)age > (int64_t)waited ? age : waited;
}

static void why_runnable(struct question *q)
{
	q->answer->waited = (struct maybe){true, why_waited(q)};
	why_fact(q, "runnable", "for %s, on the queue of cpu %u",
		 why_time(q->answer->waited.value).text, q->task->cpu);
	if (q->task->on_rq != 1) {
		why_say(q, WHY_MOVING, "is on its way to another CPU's queue (on_rq %" PRIu64 ")",
			q->task->on_rq);
		return;
	}
	if (!q->cpu) {
		why_say(q, WHY_UNKNOWN, "names cpu %u, which this guest does not have",
			q->task->cpu);
		return;
	}
	if (q->task->class == CLASS_EXT && why_ext(q))
		return;
	if (why_throttled(q))
		return;
	why_own_queue(q);
}

/* Woken for a CPU that has not taken it onto its queue yet: it does so when it takes the interrupt.
 */
static void why_waking(struct question *q)
{
	if (q->cpu && why_masked(q->why, q->cpu))
		why_say(q, why_masked_verdict(q->why, q->cpu), "was woken, but %s",
			why_masked_text(q->why, q->cpu).text);
	else
		why_say(q, WHY_ABOUT_TO_RUN, "was woken just now, for cpu %u", q->task->cpu);
}

/* ---- one answer ---- */

/* EEVDF leaves a task that fell asleep on its queue until its lag is worn off. */
static bool is_delayed(const struct question *q)
{
	struct object o;

	object_init(&o, q->why->kernel, q->task->address);
	return q->task->on_rq && object_read(&o, &q->why->delayed);
}

static void why_running(struct question *q)
{
	if (!why_masked(q->why, q->cpu))
		why_say(q, WHY_RUNS, "runs on cpu %u, for %s", q->cpu->cpu,
			why_time(why_current_for(q->why, q->cpu)).text);
	else
		why_say(q,
			why_masked_verdict(q->why, q->cpu) == WHY_STOLEN ? WHY_STOLEN
									 : WHY_RUNS_MASKED,
			"runs; %s", why_masked_text(q->why, q->cpu).text);
}

static void add_common_facts(struct question *q)
{
	const struct model_task *t = q->task;
	char *cpus = why_cpus(&q->allowed);

	why_fact(q, "task", "state %c, class %s, policy %s, prio %d", t->state,
		 sched_class_name(t->class), sched_policy_name(t->policy), t->prio);
	if (cpus)
		why_fact(q, "allowed", "cpus %s%s", cpus,
			 q->detail.migration_disabled.value ? ", migration disabled" : "");
	free(cpus);
}

struct err *why_task(struct why *w, int task, struct why_answer *ret)
{
	struct question q = {
		.why = w, .index = task, .task = &w->model->tasks[task], .answer = ret};

	*ret = (struct why_answer){.task = task, .verdict = WHY_UNKNOWN};
	if (q.task->cpu < w->model->cpu_count)
		q.cpu = &w->model->cpus[q.task->cpu];
	model_task_detail(w->kernel, w->model, task, &q.detail);
	model_task_allowed(w->kernel, w->model, task, q.allowed.bits, WHY_CPUS);
	add_common_facts(&q);
	if (q.task->state == 'Z' || q.task->state == 'X')
		why_say(&q, WHY_DEAD, "has ended%s",
			q.task->state == 'Z' ? "; its parent has not asked for its status" : "");
	else if (q.task->current && q.cpu)
		why_running(&q);
	else if (q.task->state_bits & TASK_WAKING)
		why_waking(&q);
	else if (q.task->on_rq && !is_delayed(&q))
		why_runnable(&q);
	else
		why_blocked(&q);
	why_say(&q, WHY_UNKNOWN, "is runnable, and nothing says why it does not run");
	if (ret->sentence)
		return NULL;
	why_answer_deinit(ret);
	return err_nomem();
}

/* ---- the worst ---- */

/* How badly off a task is, in ns; 0: not. */
static uint64_t badness(struct why *w, int task)
{
	struct question q = {.why = w, .index = task, .task = &w->model->tasks[task]};
	const struct model_task *t = q.task;
	struct object o;
	uint64_t ns;

	if (t->current) {
		ns = t->cpu < w->model->cpu_count ? why_masked(w, &w->model->cpus[t->cpu]) : 0;
		return ns ? MASKED_FIRST + ns : 0;
	}
	if (t->state == 'D') {
		object_init(&o, w->kernel, t->address);
		ns = why_since(w, object_read(&o, &w->exec_start));
		return ns >= BLOCKED_NS ? ns : 0;
	}
	if (!t->on_rq || t->state != 'R')
		return 0;
	model_task_detail(w->kernel, w->model, task, &q.detail);
	ns = why_waited(&q);
	return ns >= WAIT_NS ? ns : 0;
}

unsigned int why_worst(struct why *w, int *tasks, unsigned int max)
{
	uint64_t *scores = calloc(max ? max : 1, sizeof(*scores));
	unsigned int found = 0, kept = 0;

	for (unsigned int i = 0; scores && i < w->model->task_count + w->model->idle_count; i++) {
		uint64_t score = badness(w, (int)i);
		unsigned int at = kept < max ? kept : max;

		if (!score)
			continue;
		found++;
		while (at > 0 && scores[at - 1] < score)
			at--;
		if (at == max)
			continue;
		if (kept < max)
			kept++;
		memmove(&scores[at + 1], &scores[at], (kept - at - 1) * sizeof(*scores));
		memmove(&tasks[at + 1], &tasks[at], (kept - at - 1) * sizeof(*tasks));
		scores[at] = score;
		tasks[at] = (int)i;
	}
	free(scores);
	return found;
}

/* ---- life ---- */

static void find_layout(struct why *w)
{
	const struct types *t = kernel_types(w->kernel);
	static const char task[] = "struct task_struct";

	field_find(t, task, "sched_info.last_arrival", &w->last_arrival);
	field_find(t, task, "sched_info.last_queued", &w->last_queued);
	field_find(t, task, "se.exec_start", &w->exec_start);
	field_find(t, task, "se.sched_delayed", &w->delayed);
	field_find(t, task, "blocked_on", &w->blocked_on);
	field_find(t, task, "frozen", &w->frozen);
}

struct err *why_create(struct kernel *k, const struct model *m, struct machine *machine,
		       struct why **ret)
{
	struct why *w = calloc(1, sizeof(*w));

	if (!w)
		return err_nomem();
	w->kernel = k;
	w->model = m;
	w->machine = machine;
	w->code.kernel = k;
	w->trace = malloc(sizeof(*w->trace));
	w->now = m->now > m->clock ? m->now : m->clock;
	find_layout(w);
	if (!w->trace) {
		why_destroy(w);
		return err_nomem();
	}
	*ret = w;
	return NULL;
}

void why_destroy(struct why *w)
{
	if (!w)
		return;
	unwind_destroy(w->unwind);
	code_deinit(&w->code);
	free(w->trace);
	free(w->dsqs);
	for (unsigned int i = 0; w->scheduling && i < w->model->cpu_count; i++)
		free(w->scheduling[i]);
	free(w->scheduling);
	free(w->last_run);
	free(w);
}
