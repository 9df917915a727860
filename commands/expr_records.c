/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records: things with members that are no guest struct. `scx` and cpu(N) are read off the
 * scheduler model, workers(CGROUP) is computed from what the agent's workers write.
 */
#include "commands/expr_internal.h"

#include "coord/agent.h"
#include "coord/coord.h"
#include "coord/measure.h"
#include "coord/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct value from_maybe(struct maybe m, const char *name)
{
	struct value v;

	if (m.present)
		return value_unsigned(m.value);
	v = value_string(name);
	v.kind = VALUE_ABSENT;
	return v;
}

static struct value from_bytes(const char *text, size_t size)
{
	struct str s = {0};
	struct value v;

	str_add_clean(&s, text, size);
	v = value_string(str_text(&s));
	str_deinit(&s);
	return v;
}

/* ---- scx ---- */

static const char *const scx_members[] = {
	"state",	"ops",	     "nr_rejected", "enable_seq",   "bypass_depth",
	"switched_all", "exit_kind", "exit_reason", "exit_message", "watchdog_timeout",
	NULL,
};

/* The exit kind as its enumerator, where BTF has them. */
static struct value exit_kind(struct eval *ev, struct maybe kind)
{
	uint32_t type;
	struct err *err;

	if (!kind.present)
		return from_maybe(kind, "exit_kind");
	err = types_parse(ev->types, "enum scx_exit_kind", &type);
	if (!err)
		return value_typed(type, kind.value);
	err_free(err);
	return value_unsigned(kind.value);
}

static bool scx_member(struct eval *ev, const struct model_scx *scx, const char *name,
		       struct value *ret)
{
	if (strcmp(name, "state") == 0)
		*ret = from_bytes(scx->state, sizeof(scx->state));
	else if (strcmp(name, "ops") == 0)
		*ret = from_bytes(scx->ops, sizeof(scx->ops));
	else if (strcmp(name, "nr_rejected") == 0)
		*ret = from_maybe(scx->nr_rejected, name);
	else if (strcmp(name, "enable_seq") == 0)
		*ret = from_maybe(scx->enable_seq, name);
	else if (strcmp(name, "bypass_depth") == 0)
		*ret = from_maybe(scx->bypass_depth, name);
	else if (strcmp(name, "switched_all") == 0)
		*ret = from_maybe(scx->switched_all, name);
	else if (strcmp(name, "exit_kind") == 0)
		*ret = exit_kind(ev, scx->exit_kind);
	else if (strcmp(name, "exit_reason") == 0)
		*ret = from_bytes(scx->exit_reason, sizeof(scx->exit_reason));
	else if (strcmp(name, "exit_message") == 0)
		*ret = from_bytes(scx->exit_message, sizeof(scx->exit_message));
	else if (strcmp(name, "watchdog_timeout") == 0)
		*ret = from_maybe(scx->watchdog_timeout, name);
	else
		return false;
	return true;
}

/* ---- cpu(N) ---- */

static const char *const cpu_members[] = {
	"online", "idle",  "locked", "current",	     "nr_running", "nr_fair",
	"nr_rt",  "nr_dl", "nr_ext", "local_dsq_nr", "clock",	   "switches",
	"steal",  "user",  "system", "idle_time",    NULL,
};

static bool cpu_maybe(const struct model_cpu *cpu, const char *name, struct maybe *ret)
{
	const struct {
		const char *name;
		struct maybe value;
	} rows[] = {
		{"nr_ext", cpu->nr_ext}, {"local_dsq_nr", cpu->local_dsq_nr},
		{"steal", cpu->steal},	 {"user", cpu->user},
		{"system", cpu->system}, {"idle_time", cpu->idle_time},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*ret = rows[i].value;
			return true;
		}
	}
	return false;
}

static bool cpu_number(const struct model_cpu *cpu, const char *name, uint64_t *ret)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"online", cpu->online},     {"idle", cpu->idle},
		{"locked", cpu->locked},     {"nr_running", cpu->nr_running},
		{"nr_fair", cpu->nr_fair},   {"nr_rt", cpu->nr_rt},
		{"nr_dl", cpu->nr_dl},	     {"clock", cpu->clock},
		{"switches", cpu->switches},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*ret = rows[i].value;
			return true;
		}
	}
	return false;
}

/* The pid of what runs there; 0 is the idle task, -1 unknown. */
static int64_t current_pid(const struct model *model, const struct model_cpu *cpu)
{
	return cpu->current_task < 0 ? -1 : model->tasks[cpu->current_task].pid;
}

static bool cpu_member(const struct model *model, unsigned int number, const char *name,
		       struct value *ret)
{
	const struct model_cpu *cpu = &model->cpus[number];
	struct maybe maybe;
	uint64_t plain;

	if (strcmp(name, "current") == 0)
		*ret = value_number(current_pid(model, cpu));
	else if (cpu_maybe(cpu, name, &maybe))
		*ret = from_maybe(maybe, name);
	else if (cpu_number(cpu, name, &plain))
		*ret = value_unsigned(plain);
	else
		return false;
	return true;
}

/* ---- runstate(N) ---- */

static const char *const runstate_members[] = {
	"running", "runnable", "blocked", "offline", "state", "entry_time", NULL,
};

static struct err *runstate_member(struct eval *ev, unsigned int cpu, const char *name, bool *found,
				   struct value *ret)
{
	const struct vcpu_runstate *vcpus;
	unsigned int count;

	ERR_TRY(machine_runstates(coord_machine(ev->context->coord), &vcpus, &count));
	*found = false;
	if (cpu >= count)
		return NULL;
	for (enum runstate i = 0; i < RUNSTATE_COUNT; i++) {
		if (strcmp(runstate_members[i], name) != 0)
			continue;
		*ret = value_unsigned(vcpus[cpu].time[i]);
		*found = true;
	}
	if (strcmp(name, "state") == 0) {
		*ret = value_string(runstate_name(vcpus[cpu].state));
		*found = true;
	} else if (strcmp(name, "entry_time") == 0) {
		*ret = value_unsigned(vcpus[cpu].entry_time);
		*found = true;
	}
	return NULL;
}

/* ---- workers(CGROUP) ---- */

static const char *const workers_members[] = {
	"count",   "iterations",  "max_gap",  "spread", "migrations", "starved",
	"outside", "wakeups", "max_latency", "cpu_time", "ended",	NULL,
};

struct worker_sums {
	uint64_t count, ended, starved, iterations, migrations, wakeups, cpu_time;
	uint64_t max_gap, max_latency;	  /* ns */
	uint64_t least_share, most_share; /* of a CPU, in thousandths of its life */
};

static uint64_t max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The part of its life for which a worker had a CPU, in thousandths. */
static uint64_t cpu_share(const struct agent_worker *w)
{
	uint64_t life = w->update_time > w->start_time ? w->update_time - w->start_time : 0;

	return life ? (uint64_t)((unsigned __int128)w->cpu_time * 1000 / life) : 0;
}

/* `now` is the time of the workers' clock: a gap that goes on is one, too. */
static void add_worker(struct worker_sums *sums, const struct agent_worker *w, uint64_t now)
{
	uint64_t share = cpu_share(w);

	sums->iterations += w->iterations;
	sums->migrations += w->migrations;
	sums->wakeups += w->wakeups;
	sums->cpu_time += w->cpu_time;
	sums->max_gap = max_of(sums->max_gap, w->max_gap);
	sums->max_latency = max_of(sums->max_latency, w->max_latency);
	if (!w->alive) {
		sums->ended++;
		return;
	}
	if (now > w->update_time)
		sums->max_gap = max_of(sums->max_gap, now - w->update_time);
	sums->starved += w->iterations == 0;
	sums->most_share = max_of(sums->most_share, share);
	if (sums->count == 0 || share < sums->least_share)
		sums->least_share = share;
	sums->count++;
}

/* What a step measured last of workers that ended with it. */
static void take_ended(const struct measured *m, struct worker_sums *ret)
{
	*ret = (struct worker_sums){
		.ended = m->count + m->ended,
		.starved = m->starved,
		.iterations = m->iterations,
		.migrations = m->migrations,
		.wakeups = m->wakeups,
		.cpu_time = m->cpu_time,
		.max_gap = m->max_gap,
		.max_latency = m->max_latency,
		.least_share = m->least_share,
		.most_share = m->most_share,
	};
}

static struct err *sum_workers(struct eval *ev, const char *cgroup, struct worker_sums *ret)
{
	struct agent *agent = coord_agent(ev->context->coord);
	uint64_t now = agent_clock(agent);
	struct agent_worker *workers;
	struct measured last;
	unsigned int count;

	*ret = (struct worker_sums){0};
	ERR_TRY(agent_workers(agent, cgroup, &workers, &count));
	for (unsigned int i = 0; i < count; i++)
		add_worker(ret, &workers[i], now);
	free(workers);
	if (!count && expr_ended_workers(ev, cgroup, &last))
		take_ended(&last, ret);
	return NULL;
}

/* Where they were allowed to run is known best of a step's hold. */
static struct err *workers_outside(struct eval *ev, const char *cgroup, struct value *ret)
{
	struct measured last;
	struct maybe outside;

	if (expr_ended_workers(ev, cgroup, &last))
		outside = (struct maybe){last.outside_known, last.outside};
	else
		ERR_TRY(measure_outside(ev->context->coord, cgroup, &outside));
	*ret = from_maybe(outside, "outside");
	return NULL;
}

static bool workers_member(const struct worker_sums *sums, const char *name, struct value *ret)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"count", sums->count},
		{"iterations", sums->iterations},
		{"max_gap", sums->max_gap},
		{"spread", (sums->most_share - sums->least_share) / 10},
		{"migrations", sums->migrations},
		{"wakeups", sums->wakeups},
		{"max_latency", sums->max_latency},
		{"cpu_time", sums->cpu_time},
		{"ended", sums->ended},
		{"starved", sums->starved},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*ret = value_unsigned(rows[i].value);
			return true;
		}
	}
	return false;
}

/* ---- all of them ---- */

static const char *const *record_members(const struct operand *record)
{
	switch (record->record) {
	case RECORD_STEP:
		return expr_step_members(record);
	case RECORD_SCX:
		return scx_members;
	case RECORD_CPU:
		return cpu_members;
	case RECORD_RUNSTATE:
		return runstate_members;
	default:
		return workers_members;
	}
}

static struct err *find_member(struct eval *ev, const struct operand *record, const char *name,
			       bool *found, struct value *ret)
{
	const struct model *model;
	struct worker_sums sums;

	if (record->record == RECORD_STEP)
		return expr_step_member(ev, record, name, found, ret);
	if (record->record == RECORD_RUNSTATE)
		return runstate_member(ev, record->record_cpu, name, found, ret);
	if (record->record == RECORD_WORKERS && strcmp(name, "outside") == 0) {
		*found = true;
		return workers_outside(ev, record->record_name, ret);
	}
	if (record->record == RECORD_WORKERS) {
		ERR_TRY(sum_workers(ev, record->record_name, &sums));
		*found = workers_member(&sums, name, ret);
		return NULL;
	}
	ERR_TRY(coord_model(ev->context->coord, &model));
	if (record->record == RECORD_SCX)
		*found = scx_member(ev, &model->scx, name, ret);
	else
		*found = record->record_cpu < model->cpu_count &&
			 cpu_member(model, record->record_cpu, name, ret);
	return NULL;
}

static struct err *no_member(struct eval *ev, const struct node *n, const struct operand *record)
{
	struct str s = {0};
	struct err *err;

	for (const char *const *m = record_members(record); *m; m++)
		str_addf(&s, "%s%s", s.len ? ", " : "", *m);
	err = eval_error(ev, ERR_NOT_FOUND, n, "no member `%s`: there are %s", n->text,
			 str_text(&s));
	str_deinit(&s);
	return err;
}

struct err *eval_record_member(struct eval *ev, const struct node *n, const struct operand *record,
			       struct operand *ret)
{
	struct value v;
	bool found;

	if (!ev->context->coord)
		return eval_error(ev, ERR_NOT_FOUND, n, "no guest is running");
	ERR_TRY(find_member(ev, record, n->text, &found, &v));
	if (!found)
		return no_member(ev, n, record);
	if (v.kind == VALUE_ABSENT && ev->missing == EXPR_COMPLETE)
		eval_missing(ev, EXPR_ABSENT, "this kernel has no `%s`", n->text);
	*ret = (struct operand){.value = v};
	return NULL;
}

struct err *eval_record_text(struct eval *ev, const struct operand *record, struct str *s)
{
	if (!ev->context->coord)
		return err_new(ERR_NOT_FOUND, "no guest is running");
	for (const char *const *m = record_members(record); *m; m++) {
		struct value v;
		bool found;

		ERR_TRY(find_member(ev, record, *m, &found, &v));
		if (!found)
			continue;
		str_addf(s, "%s%s = ", s->len ? ", " : "{", *m);
		expr_show_value(ev->context, &v, s);
	}
	str_add_c(s, '}');
	return NULL;
}
