/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of the language, and the records: scx, cpu(N) and workers(CGROUP), whose members
 * come from the scheduler model and the agent's workers and not from one guest struct.
 */
#include "commands/expr_internal.h"

#include "coord/agent.h"
#include "coord/bpf.h"
#include "coord/coord.h"
#include "coord/counters.h"
#include "coord/globals.h"
#include "coord/model.h"
#include "coord/why.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void set_absent(struct operand *o, const char *what)
{
	struct value v = value_string(what);

	v.kind = VALUE_ABSENT;
	operand_set(o, v);
}

static void set_maybe(struct eval *ev, const struct node *n, struct operand *o, struct maybe m)
{
	if (m.present) {
		operand_set(o, value_unsigned(m.value));
		return;
	}
	eval_missing(ev, EXPR_ABSENT, "this kernel has no `%s`", n->text);
	set_absent(o, n->text);
}

/* ---- what arguments mean ---- */

static struct err *number_argument(struct eval *ev, const struct node *n, unsigned int i,
				   const struct operand *arg, int64_t *ret)
{
	struct value v;

	ERR_TRY(eval_scalar(ev, n->child[i], arg, &v));
	if (v.kind != VALUE_NUMBER)
		return eval_error(ev, ERR_USAGE, n->child[i], "this argument cannot be read");
	*ret = (int64_t)v.number;
	return NULL;
}

static struct err *word_argument(struct eval *ev, const struct node *n, unsigned int i,
				 const struct operand *arg, const char **ret)
{
	if (arg->record != RECORD_NONE || arg->value.kind != VALUE_STRING)
		return eval_error(ev, ERR_USAGE, n->child[i], "this argument is no name");
	*ret = arg->value.string;
	return NULL;
}

static struct err *cpu_argument(struct eval *ev, const struct node *n, unsigned int i,
				const struct operand *arg, unsigned int *ret)
{
	int64_t cpu;

	ERR_TRY(eval_need_kernel(ev, n));
	ERR_TRY(number_argument(ev, n, i, arg, &cpu));
	if (cpu < 0 || cpu >= kernel_cpus(ev->kernel))
		return eval_error(ev, ERR_NOT_FOUND, n->child[i],
				  "no CPU %" PRId64 ": this guest has CPUs 0 to %u", cpu,
				  kernel_cpus(ev->kernel) - 1);
	*ret = (unsigned int)cpu;
	return NULL;
}

static struct err *take_model(struct eval *ev, const struct node *n, const struct model **ret)
{
	struct err *err;

	ERR_TRY(eval_need_kernel(ev, n));
	if (!ev->context->coord)
		return eval_error(ev, ERR_NOT_FOUND, n, "%s needs a running guest", n->text);
	err = coord_model(ev->context->coord, ret);
	return err_wrap(err, "%s", n->text);
}

static struct err *take_agent(struct eval *ev, const struct node *n, struct agent **ret)
{
	*ret = ev->context->coord ? coord_agent(ev->context->coord) : NULL;
	if (*ret)
		return NULL;
	return eval_error(ev, ERR_NOT_FOUND, n, "%s needs the agent of a running guest", n->text);
}

/* ---- objects of the kernel ---- */

static struct err *percpu_object(struct eval *ev, const struct node *n, const char *symbol,
				 unsigned int cpu, struct value *ret)
{
	uint64_t base, address;
	uint32_t type = 0;
	struct err *err = kernel_symbol(ev->kernel, symbol, &base);

	if (err) {
		struct err *placed = eval_error(ev, err_kind(err), n, "%s", err_detail(err));

		err_free(err);
		return placed;
	}
	ERR_TRY(kernel_percpu(ev->kernel, base, cpu, &address));
	err = global_type(ev->types, symbol, &type);
	if (err && err_kind(err) == ERR_NOMEM)
		return err;
	*ret = err ? value_unsigned(address) : value_object(type, address);
	err_free(err);
	return NULL;
}

static struct err *function_percpu(struct eval *ev, const struct node *n,
				   const struct operand *args, unsigned int count,
				   struct operand *ret)
{
	const char *symbol;
	unsigned int cpu;
	struct value v;

	ERR_TRY(word_argument(ev, n, 0, &args[0], &symbol));
	ERR_TRY(cpu_argument(ev, n, 1, &args[1], &cpu));
	ERR_TRY(percpu_object(ev, n, symbol, cpu, &v));
	operand_set(ret, v);
	return NULL;
}

static struct err *function_rq(struct eval *ev, const struct node *n, const struct operand *args,
			       unsigned int count, struct operand *ret)
{
	unsigned int cpu;
	struct value v;

	ERR_TRY(cpu_argument(ev, n, 0, &args[0], &cpu));
	ERR_TRY(percpu_object(ev, n, "runqueues", cpu, &v));
	operand_set(ret, v);
	return NULL;
}

/* The task that runs on a CPU, as its run queue says. */
static struct err *function_curr(struct eval *ev, const struct node *n, const struct operand *args,
				 unsigned int count, struct operand *ret)
{
	struct value curr, task;
	struct operand rq;

	ERR_TRY(function_rq(ev, n, args, count, &rq));
	ERR_TRY(value_member(ev->kernel, &rq.value, "curr", &curr));
	ERR_TRY(value_deref(ev->kernel, &curr, &task));
	operand_set(ret, task);
	return NULL;
}

static struct err *task_object(struct eval *ev, uint64_t address, struct operand *ret)
{
	uint32_t type;

	ERR_TRY(types_parse(ev->types, "struct task_struct", &type));
	operand_set(ret, value_object(type, address));
	return NULL;
}

static struct err *function_task(struct eval *ev, const struct node *n, const struct operand *args,
				 unsigned int count, struct operand *ret)
{
	const struct model *model;
	int64_t pid;
	int i;

	ERR_TRY(number_argument(ev, n, 0, &args[0], &pid));
	ERR_TRY(take_model(ev, n, &model));
	i = pid > 0 && pid <= INT32_MAX ? model_find_task(model, (int)pid) : -1;
	if (i >= 0)
		return task_object(ev, model->tasks[i].address, ret);
	eval_missing(ev, EXPR_GONE, "no task has pid %" PRId64, pid);
	set_absent(ret, "task");
	return NULL;
}

/* why(PID): the sentence. */
static struct err *function_why(struct eval *ev, const struct node *n, const struct operand *args,
				unsigned int count, struct operand *ret)
{
	const struct model *model;
	struct why_answer answer;
	struct why *why;
	struct err *err;
	int64_t pid;
	int i;

	ERR_TRY(take_model(ev, n, &model));
	ERR_TRY(number_argument(ev, n, 0, &args[0], &pid));
	i = pid >= 0 && pid <= INT32_MAX ? model_find_task(model, (int)pid) : -1;
	if (i < 0) {
		eval_missing(ev, EXPR_GONE, "no task has pid %" PRId64, pid);
		set_absent(ret, "task");
		return NULL;
	}
	ERR_TRY(why_create(ev->kernel, model, coord_machine(ev->context->coord), &why));
	err = why_task(why, i, &answer);
	if (!err) {
		operand_set(ret, value_string(answer.sentence));
		why_answer_deinit(&answer);
	}
	why_destroy(why);
	return err;
}

static struct err *function_dsq(struct eval *ev, const struct node *n, const struct operand *args,
				unsigned int count, struct operand *ret)
{
	uint64_t address;
	uint32_t type;
	int64_t id;
	bool found;

	ERR_TRY(eval_need_kernel(ev, n));
	ERR_TRY(number_argument(ev, n, 0, &args[0], &id));
	ERR_TRY(expr_find_dsq(ev->kernel, (uint64_t)id, &found, &address));
	if (!found) {
		eval_missing(ev, EXPR_GONE, "no dispatch queue has id 0x%" PRIx64, (uint64_t)id);
		set_absent(ret, "dispatch queue");
		return NULL;
	}
	ERR_TRY(types_parse(ev->types, "struct scx_dispatch_q", &type));
	operand_set(ret, value_object(type, address));
	return NULL;
}

static struct err *function_cgroup(struct eval *ev, const struct node *n,
				   const struct operand *args, unsigned int count,
				   struct operand *ret)
{
	uint64_t address;
	uint32_t type;
	const char *name;
	bool found;

	ERR_TRY(eval_need_kernel(ev, n));
	ERR_TRY(word_argument(ev, n, 0, &args[0], &name));
	ERR_TRY(expr_find_cgroup(ev->kernel, name, &found, &address));
	if (!found) {
		eval_missing(ev, EXPR_GONE, "no cgroup `%s`", name);
		set_absent(ret, "cgroup");
		return NULL;
	}
	ERR_TRY(types_parse(ev->types, "struct cgroup", &type));
	operand_set(ret, value_object(type, address));
	return NULL;
}

/* The map's types end with this call, so what is left is a number or a text. */
static struct err *load_bpf(struct bpf_open *open, const char *path, struct value *ret)
{
	struct kernel *k = bpf_open_kernel(open);
	struct place place;
	struct value v;

	ERR_TRY(bpf_place(open, path, &place));
	v = value_at(&place);
	if (value_is_text(k, &v)) {
		char text[256];

		ERR_TRY(value_text(k, &v, text, sizeof(text)));
		*ret = value_string(text);
		return NULL;
	}
	ERR_TRY(value_load(k, &v, ret));
	ret->type = 0;
	return NULL;
}

/* bpf(MAP.VAR), bpf(MAP[KEY].FIELD): a scalar of a map. */
static struct err *function_bpf(struct eval *ev, const struct node *n, const struct operand *args,
				unsigned int count, struct operand *ret)
{
	struct bpf_open *open = NULL;
	const struct bpf_map *map;
	const char *text, *path;
	struct bpf_list list;
	struct value v;
	struct err *err;

	ERR_TRY(eval_need_kernel(ev, n));
	ERR_TRY(word_argument(ev, n, 0, &args[0], &text));
	ERR_TRY(bpf_list(ev->kernel, &list));
	err = bpf_split(&list, text, &map, &path);
	if (!err)
		err = bpf_open(ev->kernel, map, &open);
	if (!err)
		err = load_bpf(open, path, &v);
	bpf_close(open);
	bpf_list_deinit(&list);
	if (err) {
		struct err *placed =
			eval_error(ev, err_kind(err), n->child[0], "%s", err_detail(err));

		err_free(err);
		return placed;
	}
	operand_set(ret, v);
	return NULL;
}

/* ---- counters ---- */

static struct err *function_cpu(struct eval *ev, const struct node *n, const struct operand *args,
				unsigned int count, struct operand *ret)
{
	unsigned int cpu;

	ERR_TRY(cpu_argument(ev, n, 0, &args[0], &cpu));
	*ret = (struct operand){.record = RECORD_CPU, .record_cpu = cpu};
	return NULL;
}

static struct err *function_steal(struct eval *ev, const struct node *n, const struct operand *args,
				  unsigned int count, struct operand *ret)
{
	const struct model *model;
	unsigned int cpu;

	ERR_TRY(cpu_argument(ev, n, 0, &args[0], &cpu));
	ERR_TRY(take_model(ev, n, &model));
	set_maybe(ev, n, ret, cpu < model->cpu_count ? model->cpus[cpu].steal : (struct maybe){0});
	return NULL;
}

/* What the host did with a vCPU; a record only where there is one. */
static struct err *function_runstate(struct eval *ev, const struct node *n,
				     const struct operand *args, unsigned int count,
				     struct operand *ret)
{
	unsigned int cpu;

	ERR_TRY(cpu_argument(ev, n, 0, &args[0], &cpu));
	if (machine_info(coord_machine(ev->context->coord))->clock == CLOCK_VIRTUAL) {
		eval_missing(ev, EXPR_ABSENT, "no runstates under the virtual clock");
		set_absent(ret, "runstate");
	} else {
		*ret = (struct operand){.record = RECORD_RUNSTATE, .record_cpu = cpu};
	}
	return NULL;
}

/* A counter of sched_ext events, over all CPUs. */
static bool event_counter(const struct model *model, const char *name, struct value *ret)
{
	for (unsigned int i = 0; i < model->scx.event_count; i++) {
		if (strcmp(model->scx.events[i].name, name) == 0) {
			*ret = value_number(model->scx.events[i].count);
			return true;
		}
	}
	return false;
}

/* A member of a CPU's run queue, as a number. */
static struct err *rq_counter(struct eval *ev, const struct node *n, const char *name,
			      unsigned int cpu, struct value *ret)
{
	struct value rq, member;

	ERR_TRY(percpu_object(ev, n, "runqueues", cpu, &rq));
	ERR_TRY(value_member(ev->kernel, &rq, name, &member));
	if (member.kind != VALUE_OBJECT) {
		*ret = member;
		return NULL;
	}
	return value_load(ev->kernel, &member, ret);
}

static struct err *sum_rq_counter(struct eval *ev, const struct node *n, const char *name,
				  struct value *ret)
{
	uint64_t total = 0;

	for (unsigned int cpu = 0; cpu < kernel_cpus(ev->kernel); cpu++) {
		ERR_TRY(rq_counter(ev, n, name, cpu, ret));
		if (ret->kind != VALUE_NUMBER)
			return NULL;
		total += ret->number;
	}
	*ret = value_unsigned(total);
	return NULL;
}

/* One that `counters` shows, of one CPU or (-1) the sum of all. */
static struct err *table_counter(struct eval *ev, const struct node *n, enum counter which, int cpu,
				 struct operand *ret)
{
	struct coord *coord = ev->context->coord;
	const char *name = counter_table[which].name;
	struct sample *sample;
	uint64_t total = 0;

	/* How long the host ran a vCPU is nothing that an expectation may depend on. */
	if (which == COUNTER_VCPU_TIME)
		return eval_error(ev, ERR_REFUSED, n, "vcpu_time is the host's");
	if (!coord)
		return eval_error(ev, ERR_NOT_FOUND, n, "%s needs a running guest", n->text);
	ERR_TRY(err_wrap(counters_now(coord_counters(coord), ev->kernel, coord_machine(coord),
				      &sample),
			 "%s", n->text));
	for (unsigned int i = 0; i < sample->cpus; i++)
		if (cpu < 0 || cpu == (int)i)
			total += sample_value(sample, i, which);
	if (sample_has(sample, which)) {
		operand_set(ret, value_unsigned(total));
	} else {
		eval_missing(ev, EXPR_ABSENT, "this guest does not count `%s`", name);
		set_absent(ret, name);
	}
	free(sample);
	return NULL;
}

static struct err *scx_counter(struct eval *ev, const struct node *n, const char *name,
			       struct operand *ret)
{
	const struct model *model;
	struct value v;

	ERR_TRY(take_model(ev, n, &model));
	if (event_counter(model, name, &v)) {
		operand_set(ret, v);
		return NULL;
	}
	eval_missing(ev, EXPR_ABSENT, "no counter `%s` in this kernel or this scheduler", name);
	set_absent(ret, name);
	return NULL;
}

/* counter(NAME[,N]): an event of sched_ext, one that `counters` shows, else a member of the run
 * queues; summed without N. */
static struct err *function_counter(struct eval *ev, const struct node *n,
				    const struct operand *args, unsigned int count,
				    struct operand *ret)
{
	unsigned int cpu = 0;
	const char *name;
	struct value v;
	int which;

	ERR_TRY(eval_need_kernel(ev, n));
	ERR_TRY(word_argument(ev, n, 0, &args[0], &name));
	if (str_starts(name, "SCX_EV_")) {
		if (count > 1)
			return eval_error(ev, ERR_USAGE, n->child[1],
					  "sched_ext events are counted over all CPUs");
		return scx_counter(ev, n, name, ret);
	}
	if (count > 1)
		ERR_TRY(cpu_argument(ev, n, 1, &args[1], &cpu));
	which = counter_find(name);
	if (which >= 0)
		return table_counter(ev, n, (enum counter)which, count > 1 ? (int)cpu : -1, ret);
	if (count > 1)
		ERR_TRY(rq_counter(ev, n, name, cpu, &v));
	else
		ERR_TRY(sum_rq_counter(ev, n, name, &v));
	if (v.kind == VALUE_ABSENT)
		eval_missing(ev, EXPR_ABSENT, "no counter `%s` in this kernel", name);
	operand_set(ret, v);
	return NULL;
}

/* ---- workers ---- */

static struct err *function_worker(struct eval *ev, const struct node *n,
				   const struct operand *args, unsigned int count,
				   struct operand *ret)
{
	struct agent_worker worker;
	struct agent *agent;
	const char *cgroup;
	int64_t index;
	struct err *err;

	ERR_TRY(word_argument(ev, n, 0, &args[0], &cgroup));
	ERR_TRY(number_argument(ev, n, 1, &args[1], &index));
	ERR_TRY(take_agent(ev, n, &agent));
	if (index < 0 || index > UINT32_MAX)
		return eval_error(ev, ERR_USAGE, n->child[1], "workers are numbered from 0");
	err = agent_worker(agent, cgroup, (unsigned int)index, &worker);
	if (!err) {
		operand_set(ret, value_number(worker.pid));
		return NULL;
	}
	if (err_kind(err) != ERR_NOT_FOUND)
		return err;
	eval_missing(ev, EXPR_GONE, "%s", err_detail(err));
	err_free(err);
	set_absent(ret, "worker");
	return NULL;
}

static struct err *function_workers(struct eval *ev, const struct node *n,
				    const struct operand *args, unsigned int count,
				    struct operand *ret)
{
	const char *cgroup;

	ERR_TRY(word_argument(ev, n, 0, &args[0], &cgroup));
	if (strlen(cgroup) >= sizeof(ret->record_name))
		return eval_error(ev, ERR_USAGE, n->child[0], "this name is too long for a cgroup");
	*ret = (struct operand){.record = RECORD_WORKERS};
	strcpy(ret->record_name, cgroup);
	return NULL;
}

const struct expr_function expr_functions[] = {
	{"task", "n", function_task},
	{"worker", "wn", function_worker},
	{"rq", "n", function_rq},
	{"curr", "n", function_curr},
	{"percpu", "wn", function_percpu},
	{"dsq", "n", function_dsq},
	{"cpu", "n", function_cpu},
	{"steal", "n", function_steal},
	{"runstate", "n", function_runstate},
	{"counter", "w|n", function_counter},
	{"workers", "w", function_workers},
	{"step", "n|w", expr_function_step},
	{"cgroup", "w", function_cgroup},
	{"bpf", "w", function_bpf},
	{"why", "n", function_why},
	{NULL, NULL, NULL},
};

const struct expr_function *expr_function_find(const char *name)
{
	for (const struct expr_function *f = expr_functions; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}
