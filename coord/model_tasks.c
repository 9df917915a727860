/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The task list: init_task's ring of thread group leaders, and each leader's ring of threads. */
#include "coord/model_impl.h"
#include "coord/walk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PF_KTHREAD 0x00200000u

/* More than any guest of ours has memory for; what a forged ring may cost us is some 200 MiB. */
#define MAX_TASKS (1024u * 1024)

static struct maybe maybe_field(struct object *o, const struct field *f)
{
	return (struct maybe){f->present, object_read(o, f)};
}

static enum sched_class class_of(const struct model_layout *l, uint64_t address)
{
	for (unsigned int i = 0; i < CLASS_UNKNOWN; i++)
		if (address && l->classes[i] == address)
			return (enum sched_class)i;
	return CLASS_UNKNOWN;
}

static void read_scx(struct kernel *k, const struct model_layout *l, struct object *o,
		     struct model_task *task)
{
	task->scx_dsq = maybe_field(o, &l->scx_dsq);
	task->scx_vtime = maybe_field(o, &l->scx_vtime);
	task->scx_slice = maybe_field(o, &l->scx_slice);
	task->scx_weight = maybe_field(o, &l->scx_weight);
	task->scx_flags = maybe_field(o, &l->scx_flags);
	if (task->scx_dsq.value && l->dsq_id.present) {
		struct object dsq;

		object_init(&dsq, k, task->scx_dsq.value);
		task->scx_dsq_id = maybe_field(&dsq, &l->dsq_id);
		task->scx_dsq_id.present = !dsq.faulted;
	}
}

/* sched_info.last_queued is 0 while a task runs or sleeps; a run queue's clock set it. */
static struct maybe waiting(const struct model *m, struct object *o)
{
	struct maybe queued = maybe_field(o, &m->layout->last_queued);

	if (queued.value)
		queued.value = m->clock > queued.value ? m->clock - queued.value : 0;
	return queued;
}

static void read_sched(const struct model_layout *l, struct object *o, struct model_task *task)
{
	task->policy = (unsigned int)object_read(o, &l->policy);
	task->prio = (int)object_read(o, &l->prio);
	task->static_prio = (int)object_read(o, &l->static_prio);
	task->normal_prio = (int)object_read(o, &l->normal_prio);
	task->rt_priority = (int)object_read(o, &l->rt_priority);
	/* PRIO_TO_NICE(), which wraps where the priority is no priority. */
	task->nice = (int)((unsigned int)task->static_prio - 120);
	task->class = class_of(l, object_read(o, &l->sched_class));
	task->cpu = (unsigned int)object_read(o, &l->cpu);
	task->on_rq = object_read(o, &l->on_rq);
	task->on_cpu = object_read(o, &l->on_cpu);
	task->runtime = object_read(o, &l->runtime);
	task->vruntime = object_read(o, &l->vruntime);
	task->switches = object_read(o, &l->nvcsw) + object_read(o, &l->nivcsw);
	task->run_delay = maybe_field(o, &l->run_delay);
}

static bool read_task(struct kernel *k, const struct model *m, struct object *o,
		      struct model_task *task)
{
	const struct model_layout *l = m->layout;

	object_prefetch(o, &l->task_lines);
	memset(task, 0, sizeof(*task));
	task->address = o->base;
	task->pid = (int)object_read(o, &l->pid);
	task->tgid = (int)object_read(o, &l->tgid);
	object_bytes(o, &l->comm, task->comm, sizeof(task->comm));
	task->start_time = object_read(o, &l->start_time);
	task->state_bits = (uint32_t)object_read(o, &l->state);
	task->state =
		model_state_letter(task->state_bits, (uint32_t)object_read(o, &l->exit_state));
	task->flags = (unsigned int)object_read(o, &l->flags);
	task->kthread = (task->flags & PF_KTHREAD) != 0;
	read_sched(l, o, task);
	task->waiting = waiting(m, o);
	read_scx(k, l, o, task);
	return !o->faulted;
}

bool model_read_task(struct kernel *k, const struct model *m, uint64_t address,
		     struct model_task *task)
{
	struct object o;

	object_init(&o, k, address);
	return read_task(k, m, &o, task);
}

struct task_walk {
	struct kernel *kernel;
	struct model *model;
	uint32_t capacity;
	uint64_t leader; /* whose threads are being walked */
	struct err *err; /* ends the walks */
};

static struct err *append(struct task_walk *w, const struct model_task *task)
{
	struct model *m = w->model;
	uint32_t total = m->task_count + m->idle_count;

	if (total == w->capacity) {
		uint32_t capacity = w->capacity ? w->capacity * 2 : 256;
		struct model_task *tasks = realloc(m->tasks, capacity * sizeof(*tasks));

		if (!tasks)
			return err_nomem();
		m->tasks = tasks;
		w->capacity = capacity;
	}
	m->tasks[total] = *task;
	return NULL;
}

static bool add_task(struct task_walk *w, struct object *o)
{
	struct model_task task;

	if (!read_task(w->kernel, w->model, o, &task)) {
		model_damage(w->model, "task at 0x%" PRIx64 ": bad address 0x%" PRIx64, o->base,
			     o->fault);
		return true;
	}
	w->err = append(w, &task);
	if (w->err)
		return false;
	w->model->task_count++;
	return true;
}

static void note_walk(struct model *m, const struct walk *walk, const char *what, int pid)
{
	struct str s = {0};

	walk_describe(walk, &s);
	if (s.len)
		model_damage(m, "%s of pid %d%s", what, pid, str_text(&s));
	str_deinit(&s);
}

static bool visit_thread(void *context, uint64_t address)
{
	struct task_walk *w = context;
	struct object o;

	/* The leader is in its own ring, and was added before it. */
	if (address == w->leader)
		return true;
	object_init(&o, w->kernel, address);
	return add_task(w, &o);
}

static bool visit_leader(void *context, uint64_t address)
{
	struct task_walk *w = context;
	const struct model_layout *l = w->model->layout;
	struct object o;
	struct walk walk;
	uint64_t signal;

	object_init(&o, w->kernel, address);
	if (!add_task(w, &o))
		return false;
	signal = object_read(&o, &l->signal);
	if (!signal)
		return true; /* on its way out */
	w->leader = address;
	walk = walk_list(w->kernel, signal + l->thread_head.offset, l->thread_node.offset,
			 MAX_TASKS - w->model->task_count, visit_thread, w);
	note_walk(w->model, &walk, "thread list", (int)object_read(&o, &l->pid));
	return !w->err;
}

/* The idle tasks are in no list: each run queue knows its own. */
static struct err *add_idle_tasks(struct task_walk *w)
{
	struct model *m = w->model;

	for (unsigned int i = 0; i < m->cpu_count; i++) {
		struct model_task task;
		struct object rq;
		uint64_t idle;

		if (!m->cpus[i].online || !m->cpus[i].rq)
			continue;
		object_init(&rq, w->kernel, m->cpus[i].rq);
		idle = object_read(&rq, &m->layout->rq_idle);
		if (!idle || !model_read_task(w->kernel, m, idle, &task))
			continue;
		ERR_TRY(append(w, &task));
		m->idle_count++;
	}
	return NULL;
}

struct err *model_take_tasks(struct kernel *k, struct model *m)
{
	struct task_walk w = {.kernel = k, .model = m};
	const struct model_layout *l = m->layout;
	struct walk walk;

	walk = walk_list(k, l->init_task + l->tasks.offset, l->tasks.offset, MAX_TASKS,
			 visit_leader, &w);
	if (w.err)
		return w.err;
	note_walk(m, &walk, "task list", 0);
	return add_idle_tasks(&w);
}
