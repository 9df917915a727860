/* SPDX-License-Identifier: GPL-2.0-or-later */
/* step(N) and step(N, CGROUP): what a step of the scenario did, and what one cgroup's workers did in it. */
#include "commands/expr_internal.h"

#include "commands/scenario.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct scenario *scenario_of(const struct eval *ev)
{
	return ev->context->session ? session_scenario(ev->context->session) : NULL;
}

static const struct step_record *find_step(const struct eval *ev, const struct operand *record)
{
	const struct scenario *sc = scenario_of(ev);

	return sc ? scenario_step(sc, record->record_cpu) : NULL;
}

/* How many steps there are, for a message. */
static unsigned int last_step(const struct scenario *sc)
{
	unsigned int last = 0;

	for (unsigned int i = 0; sc && scenario_record(sc, i); i++)
		last = scenario_record(sc, i)->number;
	return last;
}

struct err *expr_function_step(struct eval *ev, const struct node *n, const struct operand *args,
			       unsigned int count, struct operand *ret)
{
	struct value v;

	ERR_TRY(eval_scalar(ev, n->child[0], &args[0], &v));
	if (v.kind != VALUE_NUMBER || v.number > UINT32_MAX)
		return eval_error(ev, ERR_USAGE, n->child[0], "steps are numbered from 1; 0 is the backdrop");
	*ret = (struct operand){.record = RECORD_STEP, .record_cpu = (unsigned int)v.number};
	if (count < 2)
		return NULL;
	if (args[1].record != RECORD_NONE || args[1].value.kind != VALUE_STRING)
		return eval_error(ev, ERR_USAGE, n->child[1], "this argument is no name");
	snprintf(ret->record_name, sizeof(ret->record_name), "%s", args[1].value.string);
	return NULL;
}

/* ---- members ---- */

static const char *const step_members[] = {
	"result", "begin", "end", "held", "ops", "turns", "workers", "iterations", "rate", "why", NULL,
};

static const char *const group_members[] = {
	"count",      "ended",	 "iterations", "rate",	  "max_gap",	 "spread", "migrations",
	"starved",    "outside", "wakeups",    "cpu_time", "max_latency", NULL,
};

const char *const *expr_step_members(const struct operand *record)
{
	return record->record_name[0] ? group_members : step_members;
}

struct named {
	const char *name;
	uint64_t value;
};

static bool find_number(const struct named *rows, size_t count, const char *name, struct value *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		*ret = value_unsigned(rows[i].value);
		return true;
	}
	return false;
}

static struct value why_of(const struct step_record *r)
{
	struct str s = {0};
	struct value v;

	if (r->result == STEP_DIED)
		death_describe(&r->death, &s);
	else if (r->failure)
		str_add(&s, r->failure);
	v = value_string(str_text(&s));
	str_deinit(&s);
	return v;
}

static bool step_member(const struct step_record *r, const char *name, struct value *ret)
{
	uint64_t held = r->held_until - r->held_from, iterations = step_iterations(r);
	const struct named rows[] = {
		{"begin", r->begin.time},     {"end", r->end.time},
		{"held", held},		      {"ops", r->end.ops - r->begin.ops},
		{"turns", r->turns},	      {"workers", step_workers(r)},
		{"iterations", iterations},   {"rate", measured_rate(iterations, held)},
	};

	if (strcmp(name, "result") == 0)
		*ret = value_string(step_result_name(r));
	else if (strcmp(name, "why") == 0)
		*ret = why_of(r);
	else
		return find_number(rows, sizeof(rows) / sizeof(rows[0]), name, ret);
	return true;
}

static bool group_member(const struct step_record *r, const struct measured *g, const char *name,
			 struct value *ret)
{
	const struct named rows[] = {
		{"count", g->count},
		{"ended", g->ended},
		{"iterations", g->iterations},
		{"rate", measured_rate(g->iterations, r->held_until - r->held_from)},
		{"max_gap", g->max_gap},
		{"spread", measured_spread(g)},
		{"migrations", g->migrations},
		{"starved", g->starved},
		{"outside", g->outside},
		{"wakeups", g->wakeups},
		{"cpu_time", g->cpu_time},
		{"max_latency", g->max_latency},
	};

	if (strcmp(name, "outside") != 0 || g->outside_known)
		return find_number(rows, sizeof(rows) / sizeof(rows[0]), name, ret);
	*ret = value_string(name);
	ret->kind = VALUE_ABSENT;
	return true;
}

/* Nothing is there to be judged: absent, so that no expectation holds by it. */
static struct err *nothing(struct eval *ev, bool *found, struct value *ret, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static struct err *nothing(struct eval *ev, bool *found, struct value *ret, const char *fmt, ...)
{
	char why[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	eval_missing(ev, EXPR_GONE, "%s", why);
	*ret = value_string("step");
	ret->kind = VALUE_ABSENT;
	*found = true;
	return NULL;
}

struct err *expr_step_member(struct eval *ev, const struct operand *record, const char *name, bool *found,
			     struct value *ret)
{
	const struct step_record *r = find_step(ev, record);
	const struct measured *group;

	if (!r)
		return nothing(ev, found, ret, "no step %u; the last is %u", record->record_cpu,
			       last_step(scenario_of(ev)));
	if (!record->record_name[0]) {
		*found = step_member(r, name, ret);
		return NULL;
	}
	group = step_group(r, record->record_name);
	if (!group)
		return nothing(ev, found, ret, "no workers of cgroup %s in step %u", record->record_name,
			       record->record_cpu);
	*found = group_member(r, group, name, ret);
	return NULL;
}

bool expr_ended_workers(const struct eval *ev, const char *cgroup, struct measured *ret)
{
	const struct scenario *sc = scenario_of(ev);
	const struct measured *last = sc ? scenario_last(sc, cgroup) : NULL;

	if (last)
		*ret = *last;
	return last != NULL;
}
