/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/model.h"
#include "coord/model_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *sched_class_name(enum sched_class c)
{
	static const char *const names[] = {"stop", "dl", "rt", "fair", "ext", "idle", "?"};

	return names[c <= CLASS_UNKNOWN ? c : CLASS_UNKNOWN];
}

const char *sched_policy_name(unsigned int policy)
{
	/* uapi/linux/sched.h; 4 was SCHED_ISO, never merged. */
	static const char *const names[] = {"normal", "fifo", "rr",	  "batch",
					    "?",      "idle", "deadline", "ext"};

	return policy < sizeof(names) / sizeof(names[0]) ? names[policy] : "?";
}

/*
 * As get_task_state() in fs/proc/array.c does it. The bits are macros of include/linux/sched.h, in
 * no BTF, unchanged since 4.14 (TASK_RTLOCK_WAIT 5.15, TASK_FROZEN 6.1).
 */
char model_state_letter(uint32_t state, uint32_t exit_state)
{
	const uint32_t report = 0x7f, report_idle = 0x80; /* TASK_REPORT, TASK_REPORT_IDLE */
	const uint32_t uninterruptible = 0x2, idle = 0x402, rtlock_wait = 0x1000, frozen = 0x8000;
	uint32_t shown = (state | exit_state) & report;

	if ((state & idle) == idle)
		shown = report_idle;
	if (state & (rtlock_wait | frozen))
		shown = uninterruptible;
	return "RSDTtXZPI"[shown ? 32 - __builtin_clz(shown) : 0];
}

void model_damage(struct model *m, const char *fmt, ...)
{
	va_list ap;

	if (m->damage[0])
		return;
	va_start(ap, fmt);
	vsnprintf(m->damage, sizeof(m->damage), fmt, ap);
	va_end(ap);
}

static uint32_t hash(uint64_t key)
{
	return (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> 32);
}

static void index_put(int32_t *table, uint32_t mask, uint64_t key, int32_t value)
{
	uint32_t slot = hash(key) & mask;

	while (table[slot] >= 0)
		slot = (slot + 1) & mask;
	table[slot] = value;
}

/* A list that was bent into a loop is walked round more than once before that is noticed. Keeps the
 * first of each task, and enters it by its address. */
static void drop_repeats(struct model *m, int32_t *by_address, uint32_t mask)
{
	uint32_t kept = 0, tasks = 0;

	for (uint32_t i = 0; i < m->task_count + m->idle_count; i++) {
		uint32_t slot = hash(m->tasks[i].address) & mask;

		while (by_address[slot] >= 0 &&
		       m->tasks[by_address[slot]].address != m->tasks[i].address)
			slot = (slot + 1) & mask;
		if (by_address[slot] >= 0)
			continue;
		by_address[slot] = (int32_t)kept;
		tasks += i < m->task_count;
		if (kept != i)
			m->tasks[kept] = m->tasks[i];
		kept++;
	}
	m->task_count = tasks;
	m->idle_count = kept - tasks;
}

static struct err *build_index(struct model *m)
{
	uint32_t total = m->task_count + m->idle_count, size = 16;
	struct model_index *index = calloc(1, sizeof(*index));

	if (!index)
		return err_nomem();
	m->index = index;
	/* Half empty, also when a task for every CPU is added later. */
	while (size < (total + m->cpu_count) * 2)
		size *= 2;
	index->mask = size - 1;
	index->by_pid = malloc(size * sizeof(*index->by_pid));
	index->by_address = malloc(size * sizeof(*index->by_address));
	if (!index->by_pid || !index->by_address)
		return err_nomem();
	for (uint32_t i = 0; i < size; i++)
		index->by_pid[i] = index->by_address[i] = -1;
	drop_repeats(m, index->by_address, index->mask);
	for (uint32_t i = 0; i < m->task_count; i++)
		index_put(index->by_pid, index->mask, (uint32_t)m->tasks[i].pid, (int32_t)i);
	return NULL;
}

int model_find_task(const struct model *m, int pid)
{
	uint32_t slot;

	if (!m->index)
		return -1;
	slot = hash((uint32_t)pid) & m->index->mask;
	for (; m->index->by_pid[slot] >= 0; slot = (slot + 1) & m->index->mask)
		if (m->tasks[m->index->by_pid[slot]].pid == pid)
			return m->index->by_pid[slot];
	return -1;
}

int model_find_address(const struct model *m, uint64_t address)
{
	uint32_t slot;

	if (!m->index)
		return -1;
	slot = hash(address) & m->index->mask;
	for (; m->index->by_address[slot] >= 0; slot = (slot + 1) & m->index->mask)
		if (m->tasks[m->index->by_address[slot]].address == address)
			return m->index->by_address[slot];
	return -1;
}

/* A task that has been released runs on for its last moments: no list has it any more. */
static struct err *add_unlisted(struct kernel *k, struct model *m, uint64_t address, int *ret)
{
	uint32_t total = m->task_count + m->idle_count;
	struct model_task task, *tasks;

	if (!address || !model_read_task(k, m, address, &task))
		return NULL;
	tasks = realloc(m->tasks, (total + 1) * sizeof(*tasks));
	if (!tasks)
		return err_nomem();
	m->tasks = tasks;
	m->tasks[total] = task;
	m->idle_count++;
	index_put(m->index->by_address, m->index->mask, address, (int32_t)total);
	*ret = (int)total;
	return NULL;
}

static struct maybe thread_flags(struct kernel *k, const struct model_layout *l, uint64_t task)
{
	struct object o;
	uint64_t flags;

	object_init(&o, k, task);
	flags = object_read(&o, &l->thread_flags);
	return (struct maybe){l->thread_flags.present && !o.faulted, flags};
}

/* Which task runs where needs both lists. */
static struct err *mark_current(struct kernel *k, struct model *m)
{
	for (unsigned int i = 0; i < m->cpu_count; i++) {
		struct model_cpu *cpu = &m->cpus[i];
		struct object rq;
		uint64_t curr;

		cpu->current_task = -1;
		if (!cpu->online || !cpu->rq)
			continue;
		object_init(&rq, k, cpu->rq);
		curr = object_read(&rq, &m->layout->rq_curr);
		cpu->current_task = model_find_address(m, curr);
		if (cpu->current_task < 0)
			ERR_TRY(add_unlisted(k, m, curr, &cpu->current_task));
		cpu->thread_flags = thread_flags(k, m->layout, curr);
		if (cpu->current_task >= 0)
			m->tasks[cpu->current_task].current = true;
		else
			model_damage(m, "cpu %u: its current task cannot be read (0x%llx)",
				     cpu->cpu, (unsigned long long)curr);
	}
	return NULL;
}

struct err *model_take(struct kernel *k, struct model_layout *layout, struct model **ret)
{
	struct model *m = calloc(1, sizeof(*m));
	struct err *err;

	if (!m)
		return err_nomem();
	m->layout = layout;
	layout->users++;
	err = model_take_cpus(k, m);
	if (!err)
		err = model_take_tasks(k, m);
	if (!err)
		err = build_index(m);
	if (!err)
		err = model_take_scx(k, m);
	if (!err)
		err = mark_current(k, m);
	if (err) {
		model_destroy(m);
		return err;
	}
	*ret = m;
	return NULL;
}

struct err *model_create(struct kernel *k, struct model **ret)
{
	struct model_layout *layout;
	struct err *err;

	ERR_TRY(model_layout_create(k, &layout));
	err = model_take(k, layout, ret);
	model_layout_put(layout);
	return err;
}

void model_destroy(struct model *m)
{
	if (!m)
		return;
	if (m->index) {
		free(m->index->by_pid);
		free(m->index->by_address);
		free(m->index);
	}
	free(m->cpus);
	free(m->tasks);
	free(m->scx.events);
	model_layout_put(m->layout);
	free(m);
}
