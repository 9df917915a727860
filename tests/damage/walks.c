// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/damage/walks.h"

#include "commands/session.h"
#include "commands/start.h"
#include "coord/bpf.h"
#include "coord/model.h"
#include "tests/unit/coord/fake_machine.h"

#include <stdlib.h>
#include <string.h>

struct walk_line {
	char *line;
	unsigned int weight;
	bool adopts; /* finds the kernel anew first */
};

struct walks {
	struct machine machines[2]; /* of the two sessions; one memory */
	struct session *adopted, *adopting;
	struct walk_line *lines;
	unsigned int count;
};

/* What session_boot() needs of commands/start.h: a guest that is there already. */
static struct machine *next_machine;

struct err *start_machine(const struct options *options, const struct machine_callbacks *callbacks,
			  struct machine **ret)
{
	*ret = next_machine;
	return NULL;
}

struct err *start_scheduler(const struct options *options, struct coord *coord)
{
	return NULL;
}

/* With %u for each of some tasks or CPUs; weights are of each. */
static const struct template
{
	enum { ONCE, EACH_CPU, EACH_TASK, EACH_MAP } each;
	unsigned int weight;
	const char *line;
}
templates[] = {
	{ONCE, 30, "tasks"},
	{ONCE, 10, "tasks where se.vruntime > 0 && class == \"fair\" sort -se.deadline"},
	{ONCE, 10, "tasks columns pid,cgroup,cpus_allowed,waiting,dsq_name,runnable_age,ops_state"},
	{ONCE, 40, "cpus"},
	{ONCE, 10, "cpus columns cpu,kick,kick_wait,idle_state,lock_tail,cfs.nr_queued,time_irq"},
	{EACH_CPU, 12, "rq %u"},
	{ONCE, 40, "cgroups"},
	{ONCE, 10, "cgroups web/front/deep"},
	{ONCE, 60, "dsq"},
	{EACH_CPU, 3, "dsq local:%u"},
	{ONCE, 10, "dsq global"},
	{ONCE, 10, "dsq local"},
	{ONCE, 60, "scx"},
	{ONCE, 2, "scx --as-drgn"},
	{EACH_TASK, 8, "task %u"},
	{EACH_TASK, 6, "backtrace %u"},
	{ONCE, 8, "backtrace all"},
	{EACH_CPU, 3, "backtrace cpu:%u"},
	{ONCE, 20, "why"},
	{EACH_TASK, 4, "why %u"},
	{ONCE, 30, "bpf"},
	{ONCE, 15, "bpf maps"},
	{ONCE, 15, "bpf programs"},
	{EACH_MAP, 8, "bpf map %u"},
	{ONCE, 30, "dmesg"},
	{ONCE, 20, "counters"},
	{ONCE, 10, "status"},
	{EACH_CPU, 3, "print rq(%u)"},
	{EACH_CPU, 3, "print curr(%u)->comm"},
	{EACH_CPU, 2, "print percpu(kernel_cpustat,%u)"},
	{EACH_TASK, 4, "print task(%u)->scx.dsq->id"},
	{EACH_TASK, 5, "print task(%u)->cgroups->dfl_cgrp->kn->parent->name"},
	{EACH_TASK, 2, "read task %u comm"},
	{EACH_TASK, 2, "write --dry-run task %u scx.dsq_vtime 5"},
	{ONCE, 10, "print dsq(0)"},
	{ONCE, 10, "print scx"},
	{ONCE, 10, "print cgroup(web/front)"},
	{ONCE, 6, "print init_task.tasks.next->next->prev"},
	{ONCE, 6, "print *init_task.real_parent"},
	{ONCE, 2, "memory init_task 4096"},
};

/* Adoption from memory that is damaged, and then a look through what it gave. */
static const struct template adoptions[] = {
	{ONCE, 10, "tasks"},
	{ONCE, 5, "cpus"},
	{ONCE, 5, "rq 0"},
	{ONCE, 5, "cgroups"},
	{ONCE, 5, "dsq"},
	{ONCE, 5, "scx"},
	{ONCE, 5, "bpf"},
	{ONCE, 5, "backtrace all"},
	{ONCE, 5, "dmesg"},
	{ONCE, 5, "counters"},
	{ONCE, 5, "print init_task"},
	{ONCE, 3, "ptype task_struct"},
	{ONCE, 2, "symbol schedule"},
	{ONCE, 2, "symbol no_such_thing"},
	{ONCE, 2, "task 1"},
};

#define EACH_TASK_MAX 6
#define EACH_CPU_MAX 4

static struct err *add_line(struct walks *w, const struct template *t, unsigned int number,
			    bool adopts)
{
	struct walk_line *lines = reallocarray(w->lines, w->count + 1, sizeof(*lines));

	if (!lines)
		return err_nomem();
	w->lines = lines;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	lines[w->count].line = str_format(t->line, number);
#pragma GCC diagnostic pop
	lines[w->count].weight = t->weight;
	lines[w->count].adopts = adopts;
	return lines[w->count].line ? w->count++, NULL : err_nomem();
}

/* A task of each kind: spread over the list, in which tasks of a kind stand together. */
static struct err *add_each_task(struct walks *w, const struct template *t)
{
	const struct model *m;

	ERR_TRY(coord_model(session_coord(w->adopted), &m));
	for (unsigned int i = 0; i < EACH_TASK_MAX; i++)
		ERR_TRY(add_line(
			w, t,
			(unsigned int)m->tasks[i * (m->task_count - 1) / (EACH_TASK_MAX - 1)].pid,
			false));
	return NULL;
}

static struct err *add_each_map(struct walks *w, const struct template *t)
{
	struct bpf_list list;
	struct err *err = bpf_list(walks_kernel(w), &list);

	if (err)
		return err;
	for (unsigned int i = 0; i < list.map_count && !err; i++)
		err = add_line(w, t, list.maps[i].id, false);
	bpf_list_deinit(&list);
	return err;
}

static struct err *add_lines(struct walks *w, const struct template *t)
{
	switch (t->each) {
	case ONCE:
		return add_line(w, t, 0, false);
	case EACH_TASK:
		return add_each_task(w, t);
	case EACH_MAP:
		return add_each_map(w, t);
	case EACH_CPU:
		for (unsigned int cpu = 0; cpu < EACH_CPU_MAX; cpu++)
			ERR_TRY(add_line(w, t, cpu, false));
	}
	return NULL;
}

static struct err *start(struct machine *machine, const struct memory *memory, struct session **ret)
{
	struct options options;
	struct kernel *k;

	options_init(&options);
	machine->state = MACHINE_HELD;
	machine->ram = memory->ram;
	next_machine = machine;
	ERR_TRY(session_create(&options, ret));
	ERR_TRY(session_boot(*ret));
	return coord_kernel(session_coord(*ret), &k);
}

static struct err *fill(struct walks *w, struct memory *memory)
{
	ERR_TRY(start(&w->machines[0], memory, &w->adopted));
	ERR_TRY(start(&w->machines[1], memory, &w->adopting));
	for (unsigned int i = 0; i < sizeof(templates) / sizeof(*templates); i++)
		ERR_TRY(add_lines(w, &templates[i]));
	for (unsigned int i = 0; i < sizeof(adoptions) / sizeof(*adoptions); i++)
		ERR_TRY(add_line(w, &adoptions[i], 0, true));
	return NULL;
}

/* What has no answer on whole memory (a map of a kind that is not shown) is no walk. */
static void drop_failing(struct walks *w)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < w->count; i++) {
		struct str output = {0};
		struct err *err = walks_run(w, i, false, &output);

		if (err)
			free(w->lines[i].line);
		else
			w->lines[kept++] = w->lines[i];
		err_free(err);
		str_deinit(&output);
	}
	w->count = kept;
}

struct err *walks_create(struct memory *memory, struct walks **ret)
{
	struct walks *w = calloc(1, sizeof(*w));
	struct err *err;

	if (!w)
		return err_nomem();
	err = fill(w, memory);
	if (err) {
		walks_destroy(w);
		return err;
	}
	drop_failing(w);
	*ret = w;
	return NULL;
}

void walks_destroy(struct walks *w)
{
	if (!w)
		return;
	for (unsigned int i = 0; i < w->count; i++)
		free(w->lines[i].line);
	free(w->lines);
	session_destroy(w->adopting);
	session_destroy(w->adopted);
	free(w);
}

unsigned int walks_count(const struct walks *w)
{
	return w->count;
}

const char *walks_line(const struct walks *w, unsigned int i)
{
	return w->lines[i].line;
}

bool walks_adopts(const struct walks *w, unsigned int i)
{
	return w->lines[i].adopts;
}

unsigned int walks_weight(const struct walks *w, unsigned int i)
{
	return w->lines[i].weight;
}

struct kernel *walks_kernel(struct walks *w)
{
	struct kernel *k = NULL;

	err_free(coord_kernel(session_coord(w->adopted), &k));
	return k;
}

static struct session *session_of(const struct walks *w, bool adopts)
{
	return adopts ? w->adopting : w->adopted;
}

void walks_forget(struct walks *w, bool adopts)
{
	struct coord *c = session_coord(session_of(w, adopts));

	if (adopts) {
		coord_forget_kernel(c);
	} else {
		coord_touched(c);
		kernel_window_begin(walks_kernel(w));
	}
}

bool walks_has_kernel(struct walks *w, bool adopts)
{
	struct kernel *k;
	struct err *err = coord_kernel(session_coord(session_of(w, adopts)), &k);

	err_free(err);
	return !err;
}

struct err *walks_run(struct walks *w, unsigned int i, bool json, struct str *output)
{
	struct out *out = out_create(json ? OUT_JSON : OUT_TEXT, out_sink_str, output);
	struct err *err;
	bool more;

	if (!out)
		return err_nomem();
	err = session_execute(session_of(w, w->lines[i].adopts), w->lines[i].line, out, &more);
	out_destroy(out);
	return err;
}
