/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/why_impl.h"

#include "base/parse.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ull

/* A busy CPU that was not seen by its own tick for this long takes no interrupts: ticks come every
 * 1 to 10 ms. */
#define MASKED_NS (100 * MS)
/* A CPU without interrupts is why others wait: it comes first. */
#define MASKED_FIRST (1ull << 62)
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

/* Its own queue's clock stands while that CPU idles: the latest of all clocks is now. */
static uint64_t since(const struct why *w, uint64_t clock)
{
	return clock && w->now > clock ? w->now - clock : 0;
}

uint64_t why_waited(struct question *q)
{
	struct object o;
	uint64_t age = q->detail.runnable_age.present ? q->detail.runnable_age.value : 0, waited;

	object_init(&o, q->why->kernel, q->task->address);
	q->queued = object_read(&o, &q->why->last_queued);
	waited = since(q->why, q->queued);
	/* The watchdog's account, in ticks, goes on when the task is moved from queue to queue. */
	return (int64_t)age > (int64_t)waited ? age : waited;
}

uint64_t why_last_run(struct why *w, unsigned int cpu)
{
	const struct model *m = w->model;

	if (!w->last_run)
		w->last_run = calloc(m->cpu_count + 1, sizeof(*w->last_run));
	if (!w->last_run || cpu >= m->cpu_count)
		return 0;
	for (unsigned int i = 0; !w->last_run[m->cpu_count] && i < m->task_count; i++) {
		const struct model_task *t = &m->tasks[i];
		struct object o;
		uint64_t ran;

		object_init(&o, w->kernel, t->address);
		ran = object_read(&o, &w->exec_start);
		if (t->cpu < m->cpu_count && !t->current && ran > w->last_run[t->cpu])
			w->last_run[t->cpu] = ran;
	}
	w->last_run[m->cpu_count] = 1; /* read */
	return w->last_run[cpu];
}

uint64_t why_masked(const struct why *w, const struct model_cpu *cpu)
{
	uint64_t age = since(w, cpu->clock);

	if (cpu->idle || !cpu->online || (cpu->tick_stopped.present && cpu->tick_stopped.value))
		return 0;
	return age >= MASKED_NS ? age : 0;
}

uint64_t why_current_for(struct why *w, const struct model_cpu *cpu)
{
	struct object o;

	if (cpu->current_task < 0)
		return 0;
	object_init(&o, w->kernel, w->model->tasks[cpu->current_task].address);
	return since(w, object_read(&o, &w->last_arrival));
}

/* ---- on a CPU's queue ---- */

/* Functions in which a CPU waits for a spinlock. */
static bool is_spinning(const char *function)
{
	return strcmp(function, "native_queued_spin_lock_slowpath") == 0 ||
	       str_starts(function, "_raw_spin_lock") || str_starts(function, "queued_spin_lock") ||
	       str_starts(function, "raw_spin_rq_lock");
}

/* The innermost function that has a name; past those that wait for a spinlock, who wants it. */
static void name_place(struct why *w, uint64_t task, unsigned int cpu,
		       const struct cpu_registers *r, struct str *s)
{
	bool spins = false;

	w->trace->count = 0;
	if (why_unwind(w))
		unwind_running(w->unwind, task, cpu, r, w->trace);
	for (unsigned int i = 0; i < w->trace->count; i++) {
		const struct unwind_frame *f = &w->trace->frames[i];
		struct str name = {0};
		bool found = code_function(&w->code, f->exact ? f->ip : f->ip - 1, &name);
		bool lock = found && is_spinning(str_text(&name));

		if (found && !lock)
			str_addf(s, "%s %.64s", spins ? "spinning for a lock in" : "in",
				 str_text(&name));
		str_deinit(&name);
		if (found && !lock)
			return;
		spins |= lock;
	}
	str_add(s, spins ? "spinning for a lock" : "in code without a name");
}

/* In the kernel with interrupts off; where. False: it is not, or cannot be told. */
static bool keeps_off(struct why *w, const struct model_cpu *cpu, struct str *where)
{
	struct cpu_registers r;
	struct err *err = w->machine ? machine_registers(w->machine, cpu->cpu, &r) : NULL;
	bool off =
		w->machine && !err && !(r.value[REG_RFLAGS] & RFLAGS_IF) && !registers_in_user(&r);

	err_free(err);
	if (off && cpu->current_task >= 0)
		name_place(w, w->model->tasks[cpu->current_task].address, cpu->cpu, &r, where);
	return off;
}

struct why_sentence why_masked_text(struct why *w, const struct model_cpu *cpu)
{
	struct why_text time = why_time(why_masked(w, cpu)), name = {"?"};
	struct why_sentence s;
	struct str where = {0};

	if (cpu->current_task >= 0)
		name = why_name(&w->model->tasks[cpu->current_task]);
	if (keeps_off(w, cpu, &where))
		snprintf(s.text, sizeof(s.text),
			 "cpu %u has had no timer interrupt for %s: %s keeps them off, %.100s",
			 cpu->cpu, time.text, name.text, str_text(&where));
	else
		snprintf(s.text, sizeof(s.text),
			 "cpu %u has had no timer interrupt for %s: %s runs there, but has not "
			 "forbidden them",
			 cpu->cpu, time.text, name.text);
	str_deinit(&where);
	return s;
}

static void say_idle(struct question *q, const struct model_cpu *cpu)
{
	if (cpu->need_resched.present && cpu->need_resched.value)
		why_say(q, WHY_ABOUT_TO_RUN,
			"is about to run: cpu %u idles and was told to reschedule", cpu->cpu);
	else
		why_say(q, WHY_NOT_KICKED,
			"stands in the queue of cpu %u, which idles and was not told to reschedule "
			"(waits %s)",
			cpu->cpu, why_time(q->answer->waited.value).text);
}

static void say_behind(struct question *q, const struct model_cpu *cpu,
		       const struct model_task *current, int ahead)
{
	struct why_text runs = why_time(why_current_for(q->why, cpu));

	if (ahead > 0)
		why_say(q, WHY_BEHIND,
			"waits its turn on cpu %u behind %d other%s; %s runs there for %s",
			cpu->cpu, ahead, ahead == 1 ? "" : "s", why_name(current).text, runs.text);
	else
		why_say(q, WHY_BEHIND, "%s on cpu %u; %s runs there for %s",
			ahead == 0 ? "comes next" : "waits its turn", cpu->cpu,
			why_name(current).text, runs.text);
}

void why_on_cpu(struct question *q, const struct model_cpu *cpu, int ahead)
{
	const struct model_task *current;
	uint64_t masked = why_masked(q->why, cpu);

	if (!cpu->online) {
		why_say(q, WHY_UNKNOWN, "stands in the queue of cpu %u, which is offline",
			cpu->cpu);
		return;
	}
	if (cpu->current_task < 0) {
		why_say(q, WHY_UNKNOWN, "waits on cpu %u; what runs there cannot be read",
			cpu->cpu);
		return;
	}
	current = &q->why->model->tasks[cpu->current_task];
	why_fact(q, "current", "%s, class %s, prio %d, for %s", why_name(current).text,
		 sched_class_name(current->class), current->prio,
		 why_time(why_current_for(q->why, cpu)).text);
	if (masked)
		why_say(q, WHY_CPU_MASKED, "waits: %s", why_masked_text(q->why, cpu).text);
	else if (cpu->idle)
		say_idle(q, cpu);
	else if (current->class < q->task->class)
		why_say(q, WHY_HIGHER_CLASS,
			"waits for cpu %u, which runs %s of the %s class for %s", cpu->cpu,
			why_name(current).text, sched_class_name(current->class),
			why_time(why_current_for(q->why, cpu)).text);
	else
		say_behind(q, cpu, current, ahead);
}

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

static bool why_throttled(struct question *q)
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

static void why_own_queue(struct question *q)
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
	if (q->task->class == CLASS_FAIR && why_throttled(q))
		return;
	why_own_queue(q);
}

/* ---- one answer ---- */

static void why_running(struct question *q)
{
	if (why_masked(q->why, q->cpu))
		why_say(q, WHY_RUNS_MASKED, "runs; %s", why_masked_text(q->why, q->cpu).text);
	else
		why_say(q, WHY_RUNS, "runs on cpu %u, for %s", q->cpu->cpu,
			why_time(why_current_for(q->why, q->cpu)).text);
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
	else if (q.task->on_rq)
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
		ns = since(w, object_read(&o, &w->exec_start));
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

	for (unsigned int i = 0; scores && i < w->model->task_count; i++) {
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
	free(w->last_run);
	free(w);
}
