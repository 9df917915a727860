/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What shows in the kernel's state only: it is looked at in a rhythm of guest time. */
#include "base/mask.h"
#include "base/parse.h"
#include "commands/show.h"
#include "commands/trigger_impl.h"
#include "coord/model.h"
#include "vmm/topology.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STALL_EVERY 250000000ull /* 4 Hz */
#define IDLE_EVERY_MIN 1000000ull
#define IDLE_LOOKS 4 /* a busy host may keep us from looking for long */
/* The kernel's own watchdogs say so after 20 s, where one of its CPUs still can. */
#define PULSE_LOST 10000000000ull
#define PULSE_LOOKS 8

struct picture {
	struct kernel *kernel;
	const struct model *model;
};

static struct err *take(struct session *s, struct picture *ret)
{
	ERR_TRY(session_kernel(s, &ret->kernel));
	return coord_model(session_coord(s), &ret->model);
}

static void describe_task(const struct model_task *task, struct str *s)
{
	char comm[SHOW_COMM];

	str_add_clean(s, show_comm(task, comm), SHOW_COMM);
	str_addf(s, " (pid %d)", task->pid);
}

/* ---- a stall ---- */

struct stall {
	struct session *session;
	uint64_t told; /* the task that it was said of, while it still waits; 0: none */
};

static struct err *judge_stall(void *context, const struct machine_hit *hit, bool *stop, struct str *what)
{
	struct stall *t = context;
	char waited[DURATION_TEXT], limit[DURATION_TEXT];
	const struct model_scx *scx;
	struct str damage = {0};
	struct picture p;
	int64_t age = 0;
	int task = -1;
	struct err *err;

	(void)hit;
	ERR_TRY(take(t->session, &p));
	scx = &p.model->scx;
	if (!scx->watchdog_ns.present || strcmp(scx->state, "enabled") != 0)
		return NULL;
	err = model_longest_waiting(p.kernel, p.model, &task, &age, &damage);
	str_deinit(&damage);
	if (err || task < 0 || age <= (int64_t)(scx->watchdog_ns.value / 2)) {
		t->told = 0;
		return err;
	}
	*stop = t->told != p.model->tasks[task].address;
	t->told = p.model->tasks[task].address;
	describe_task(&p.model->tasks[task], what);
	str_addf(what, " has waited for %s, the watchdog ends the scheduler at %s",
		 format_duration((uint64_t)age, waited), format_duration(scx->watchdog_ns.value, limit));
	return NULL;
}

static const struct halt_ops stall_ops = {judge_stall, free};

struct err *trigger_stall(struct session *s, struct trigger_spec *ret)
{
	struct stall *t = calloc(1, sizeof(*t));

	if (!t)
		return err_nomem();
	t->session = s;
	ret->halt.ops = &stall_ops;
	ret->halt.context = t;
	ret->halt.every = STALL_EVERY;
	return NULL;
}

/* ---- idle while runnable ---- */

#define WAITERS 64

/* A task that has waited beside an idle CPU whenever it was looked at, without having run. */
struct waiter {
	uint64_t task, runtime, since;
	unsigned int cpu, looks;
};

struct idle {
	struct session *session;
	uint64_t span;
	struct waiter waiters[WAITERS];
	unsigned int count;
};

static bool waits(const struct picture *p, unsigned int i)
{
	const struct model_task *task = &p->model->tasks[i];
	struct model_detail detail;

	return task->on_rq && !task->current && task->state == 'R' &&
	       model_task_detail(p->kernel, p->model, (int)i, &detail) && !detail.throttled.value;
}

/* One that was told to reschedule is about to: its vCPU waits for the host. */
static bool idles(const struct model *m, unsigned int cpu)
{
	return m->cpus[cpu].online && m->cpus[cpu].idle && !m->cpus[cpu].need_resched.value;
}

/* An idle CPU that the task may use, -1: none. */
static int idle_cpu_for(const struct picture *p, unsigned int task)
{
	uint64_t allowed[MASK_WORDS(TOPOLOGY_CPUS_MAX)] = {0};

	if (!model_task_allowed(p->kernel, p->model, (int)task, allowed, TOPOLOGY_CPUS_MAX))
		return -1;
	for (unsigned int cpu = 0; cpu < p->model->cpu_count && cpu < TOPOLOGY_CPUS_MAX; cpu++)
		if (idles(p->model, cpu) && mask_test(allowed, cpu))
			return (int)cpu;
	return -1;
}

static struct waiter waits_since(const struct idle *t, const struct model_task *task, int cpu, uint64_t now)
{
	struct waiter w = {task->address, task->runtime, now, (unsigned int)cpu, 1};

	for (unsigned int i = 0; i < t->count; i++)
		if (t->waiters[i].task == w.task && t->waiters[i].runtime == w.runtime) {
			w.since = t->waiters[i].since;
			w.looks = t->waiters[i].looks + 1;
		}
	return w;
}

/* Those of now, the first WAITERS of them. */
static void find_waiters(struct idle *t, const struct picture *p)
{
	struct waiter found[WAITERS] = {0};
	unsigned int count = 0;

	for (unsigned int i = 0; i < p->model->task_count && count < WAITERS; i++) {
		const struct model_task *task = &p->model->tasks[i];
		int cpu = waits(p, i) ? idle_cpu_for(p, i) : -1;

		if (cpu >= 0)
			found[count++] = waits_since(t, task, cpu, p->model->time);
	}
	memcpy(t->waiters, found, count * sizeof(*found));
	t->count = count;
}

static struct err *judge_idle(void *context, const struct machine_hit *hit, bool *stop, struct str *what)
{
	struct idle *t = context;
	char text[DURATION_TEXT];
	struct picture p;

	(void)hit;
	ERR_TRY(take(t->session, &p));
	find_waiters(t, &p);
	for (unsigned int i = 0; i < t->count && !*stop; i++) {
		const struct waiter *w = &t->waiters[i];

		*stop = w->looks >= IDLE_LOOKS && p.model->time - w->since >= t->span;
		if (!*stop)
			continue;
		describe_task(&p.model->tasks[model_find_address(p.model, w->task)], what);
		str_addf(what, " has waited for %s while CPU %u, which it may use, idles",
			 format_duration(p.model->time - w->since, text), w->cpu);
		t->count = 0;
	}
	return NULL;
}

static const struct halt_ops idle_ops = {judge_idle, free};

struct err *trigger_idle(struct session *s, uint64_t span, struct trigger_spec *ret)
{
	struct idle *t = calloc(1, sizeof(*t));

	if (!t)
		return err_nomem();
	t->session = s;
	t->span = span;
	ret->halt.ops = &idle_ops;
	ret->halt.context = t;
	ret->halt.every = span / 8 > IDLE_EVERY_MIN ? span / 8 : IDLE_EVERY_MIN;
	return NULL;
}

/* ---- CPUs that take no tick ---- */

struct pulse {
	uint64_t ticks; /* the time that its ticks have counted, ns */
	uint64_t since; /* guest time */
	unsigned int looks;
};

struct pulses {
	struct session *session;
	struct pulse cpus[TOPOLOGY_CPUS_MAX];
};

struct err *pulses_create(struct session *s, struct pulses **ret)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return err_nomem();
	(*ret)->session = s;
	return NULL;
}

void pulses_destroy(struct pulses *p)
{
	free(p);
}

/* Only a CPU's own ticks count its work; its run queue's clock is moved by others, too. */
static uint64_t ticks_of(const struct model_cpu *cpu)
{
	static const char *const work[] = {"user", "nice", "system", "softirq", "irq"};
	uint64_t sum = 0;

	for (unsigned int i = 0; i < MODEL_TIMES; i++)
		for (size_t j = 0; j < sizeof(work) / sizeof(work[0]); j++)
			if (strcmp(model_time_name(i), work[j]) == 0)
				sum += cpu->times[i].value;
	return sum;
}

/* One that idles has no ticks, and one that ktdbg stalls executes nothing: neither hangs. */
static bool should_tick(struct machine *m, const struct model_cpu *cpu)
{
	return cpu->online && !cpu->idle && !machine_stalled_until(m, cpu->cpu);
}

/* A vCPU that has not had the host's CPU may be late once, not whenever it is looked at. */
static bool is_lost(struct pulse *pulse, const struct model_cpu *cpu, uint64_t now, bool should)
{
	uint64_t ticks = ticks_of(cpu);

	if (!should || pulse->ticks != ticks) {
		*pulse = (struct pulse){.ticks = ticks, .since = now};
		return false;
	}
	return ++pulse->looks >= PULSE_LOOKS && now - pulse->since >= PULSE_LOST;
}

static void describe_pulse(struct session *s, const struct picture *p, const struct model_cpu *cpu,
			   uint64_t age, struct str *what)
{
	struct machine *m = coord_machine(session_coord(s));
	struct cpu_registers r;
	char name[256], text[DURATION_TEXT];
	uint64_t offset;
	struct err *err = machine_registers(m, cpu->cpu, &r);

	str_addf(what, "CPU %u has taken no tick for %s", cpu->cpu, format_duration(age, text));
	if (cpu->current_task >= 0) {
		str_add(what, "; it runs ");
		describe_task(&p->model->tasks[cpu->current_task], what);
	}
	if (!err)
		err = kernel_symbol_at(p->kernel, r.value[REG_RIP], name, sizeof(name), &offset);
	if (!err)
		str_addf(what, " at %s+0x%" PRIx64 ", interrupts %s", name, offset,
			 r.value[REG_RFLAGS] & RFLAGS_IF ? "on" : "off");
	err_free(err);
}

struct err *pulses_look(struct pulses *pulses, bool *ret, struct str *what)
{
	struct coord *coord = session_coord(pulses->session);
	struct machine *m = coord_machine(coord);
	struct str panic = {0};
	struct picture p;
	bool over;

	ERR_TRY(take(pulses->session, &p));
	over = coord_panicked(coord, &panic);
	str_deinit(&panic);
	if (over)
		return NULL;
	for (unsigned int i = 0; i < p.model->cpu_count && i < TOPOLOGY_CPUS_MAX; i++) {
		const struct model_cpu *cpu = &p.model->cpus[i];
		struct pulse *pulse = &pulses->cpus[i];

		if (!is_lost(pulse, cpu, p.model->time, should_tick(m, cpu)))
			continue;
		str_add(what, *ret ? "; " : "");
		describe_pulse(pulses->session, &p, cpu, p.model->time - pulse->since, what);
		*pulse = (struct pulse){.ticks = pulse->ticks, .since = p.model->time};
		*ret = true;
	}
	return NULL;
}
