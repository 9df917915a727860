/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What CPUs do instead of running a task: others, classes that come first, code with interrupts
 * off. */
#include "coord/why_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ull
/* A busy CPU that was not seen by its own tick for this long takes no interrupts: ticks come every
 * 1 to 10 ms. */
#define MASKED_NS (100 * MS)
/* A turn that is longer is why others wait. */
#define LONG_SLICE_NS (100 * MS)

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

uint64_t why_current_for(struct why *w, const struct model_cpu *cpu)
{
	struct object o;

	if (cpu->current_task < 0)
		return 0;
	object_init(&o, w->kernel, w->model->tasks[cpu->current_task].address);
	return why_since(w, object_read(&o, &w->last_arrival));
}

struct why_text why_slice(const struct model_task *t)
{
	struct why_text text = {""};

	if (t->class != CLASS_EXT || !t->scx_slice.present)
		return text;
	if (t->scx_slice.value == UINT64_MAX)
		snprintf(text.text, sizeof(text.text), ", with a slice without end");
	else if (t->scx_slice.value >= LONG_SLICE_NS)
		snprintf(text.text, sizeof(text.text), ", with %s of its slice left",
			 why_time(t->scx_slice.value).text);
	return text;
}

/* ---- where a CPU is ---- */

/* Functions in which a CPU waits for a spinlock. */
static bool is_spinning(const char *function)
{
	return strcmp(function, "native_queued_spin_lock_slowpath") == 0 ||
	       str_starts(function, "_raw_spin_lock") || str_starts(function, "queued_spin_lock") ||
	       str_starts(function, "raw_spin_rq_lock");
}

/* What a walk over a CPU's stack found, innermost first. */
struct whereabouts {
	struct str function; /* the first that has a name and does not wait for a spinlock */
	struct str program;  /* the outermost BPF function: an operation of the scheduler */
	bool spins;	     /* `function` waits for a spinlock */
	bool scheduling;     /* inside __schedule() */
};

static void whereabouts_deinit(struct whereabouts *p)
{
	str_deinit(&p->function);
	str_deinit(&p->program);
}

static void look_at_frame(struct why *w, const struct unwind_frame *f, struct whereabouts *p)
{
	struct str name = {0};
	bool lock;

	if (!code_function(&w->code, f->exact ? f->ip : f->ip - 1, &name)) {
		str_deinit(&name);
		return;
	}
	lock = is_spinning(str_text(&name));
	p->scheduling |= strcmp(str_text(&name), "__schedule") == 0;
	if (!p->function.len) {
		p->spins |= lock;
		if (!lock)
			str_addf(&p->function, "%.64s", str_text(&name));
	}
	if (str_starts(str_text(&name), "bpf:")) {
		str_deinit(&p->program);
		str_addf(&p->program, "%.64s", str_text(&name));
	}
	str_deinit(&name);
}

/* In the kernel with interrupts off; where. False: it is not, or cannot be told. */
static bool keeps_off(struct why *w, const struct model_cpu *cpu, struct whereabouts *p)
{
	struct cpu_registers r;
	struct err *err = w->machine ? machine_registers(w->machine, cpu->cpu, &r) : NULL;
	bool off =
		w->machine && !err && !(r.value[REG_RFLAGS] & RFLAGS_IF) && !registers_in_user(&r);

	err_free(err);
	if (!off || cpu->current_task < 0 || !why_unwind(w))
		return off;
	unwind_running(w->unwind, w->model->tasks[cpu->current_task].address, cpu->cpu, &r,
		       w->trace);
	for (unsigned int i = 0; i < w->trace->count; i++)
		look_at_frame(w, &w->trace->frames[i], p);
	return true;
}

const char *why_scheduling(struct why *w, const struct model_cpu *cpu)
{
	struct whereabouts p = {0};
	char **place;

	if (!w->scheduling)
		w->scheduling = calloc(w->model->cpu_count, sizeof(*w->scheduling));
	if (!w->scheduling || cpu->cpu >= w->model->cpu_count)
		return NULL;
	place = &w->scheduling[cpu->cpu];
	if (!*place && keeps_off(w, cpu, &p) && p.scheduling)
		*place = str_format("%s", str_text(p.program.len ? &p.program : &p.function));
	else if (!*place)
		*place = str_format("%s", "");
	whereabouts_deinit(&p);
	return *place && **place ? *place : NULL;
}

/* ---- interrupts off ---- */

uint64_t why_masked(struct why *w, const struct model_cpu *cpu)
{
	uint64_t age = why_since(w, cpu->clock);

	if (age < MASKED_NS || !cpu->online)
		return 0;
	/* Ticks may be off there; __schedule() itself begins with bringing the clock up to date. */
	if (cpu->idle || (cpu->tick_stopped.present && cpu->tick_stopped.value))
		return why_scheduling(w, cpu) ? age : 0;
	return age;
}

/* For how long the host let a vCPU wait, in all; 0 under the virtual clock. */
static uint64_t stolen(struct why *w, unsigned int cpu)
{
	const struct vcpu_runstate *states = NULL;
	unsigned int count = 0;

	if (w->machine && machine_info(w->machine)->clock == CLOCK_REAL)
		err_free(machine_runstates(w->machine, &states, &count));
	return cpu < count ? states[cpu].time[RUNSTATE_RUNNABLE] : 0;
}

enum why_verdict why_masked_verdict(struct why *w, const struct model_cpu *cpu)
{
	return stolen(w, cpu->cpu) >= why_masked(w, cpu) ? WHY_STOLEN : WHY_CPU_MASKED;
}

/* A vCPU that its host did not run saw no interrupts either: as long as that may be it, no task is
 * blamed. */
struct why_sentence why_masked_text(struct why *w, const struct model_cpu *cpu)
{
	uint64_t age = why_masked(w, cpu), waited = stolen(w, cpu->cpu);
	struct why_text time = why_time(age), name = {"?"};
	struct why_sentence s;
	struct whereabouts p = {0};
	bool off = keeps_off(w, cpu, &p);
	const char *function =
		str_text(str_starts(str_text(&p.function), "bpf:") ? &p.program : &p.function);

	if (cpu->current_task >= 0)
		name = why_name(&w->model->tasks[cpu->current_task]);
	if (waited >= age)
		snprintf(s.text, sizeof(s.text),
			 "cpu %u has had no timer interrupt for %s: %s the host did not run this "
			 "vCPU (it waited for %s in all)",
			 cpu->cpu, time.text,
			 off ? "its code keeps them off, or" : "interrupts are on, so",
			 why_time(waited).text);
	else if (off)
		snprintf(s.text, sizeof(s.text),
			 "cpu %u has had no timer interrupt for %s: %s keeps them off, %s%s%s",
			 cpu->cpu, time.text, name.text, p.spins ? "spinning for a lock " : "",
			 *function ? "in " : "in code without a name", function);
	else
		snprintf(s.text, sizeof(s.text),
			 "cpu %u has had no timer interrupt for %s: %s runs there, but has not "
			 "forbidden them",
			 cpu->cpu, time.text, name.text);
	whereabouts_deinit(&p);
	return s;
}

/* ---- on a CPU's queue ---- */

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

/* "; cpu 1-3 may run it and idle", or nothing. */
static struct why_text idle_elsewhere(struct question *q)
{
	const struct model *m = q->why->model;
	struct why_text text = {""};
	struct cpu_set idle = {0};
	unsigned int count;
	char *cpus;

	for (unsigned int i = 0; i < m->cpu_count && i < WHY_CPUS; i++)
		if (m->cpus[i].online && m->cpus[i].idle && mask_test(q->allowed.bits, i) &&
		    !why_scheduling(q->why, &m->cpus[i]))
			mask_set(idle.bits, i);
	count = mask_count(idle.bits, WHY_CPUS);
	cpus = count && q->answer->waited.value >= PROMPT_NS ? why_cpus(&idle) : NULL;
	if (cpus)
		snprintf(text.text, sizeof(text.text), "; cpu %s may run it, too, and idle%s", cpus,
			 count == 1 ? "s" : "");
	free(cpus);
	return text;
}

static void say_behind(struct question *q, const struct model_cpu *cpu,
		       const struct model_task *current, int ahead)
{
	struct why_text runs = why_time(why_current_for(q->why, cpu)), name = why_name(current);
	struct why_text slice = why_slice(current), idle = idle_elsewhere(q);

	if (ahead > 0)
		why_say(q, WHY_BEHIND,
			"waits its turn on cpu %u behind %d other%s; %s runs there for %s%s%s",
			cpu->cpu, ahead, ahead == 1 ? "" : "s", name.text, runs.text, slice.text,
			idle.text);
	else
		why_say(q, WHY_BEHIND, "%s on cpu %u; %s runs there for %s%s%s",
			ahead == 0 ? "comes next" : "waits its turn", cpu->cpu, name.text,
			runs.text, slice.text, idle.text);
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
		why_say(q, why_masked_verdict(q->why, cpu), "waits: %s",
			why_masked_text(q->why, cpu).text);
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
