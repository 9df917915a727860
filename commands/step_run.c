/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One backdrop or step from its beginning to its end. Whatever goes wrong in between, what it made is
 * taken down and its record is finished.
 */
#include "base/interrupt.h"
#include "base/parse.h"
#include "commands/scenario_impl.h"
#include "commands/show.h"
#include "commands/step_plan.h"
#include "coord/scope.h"

#include <stdlib.h>
#include <string.h>

#define LOOK 5000000ULL	   /* guest ns between two looks at the scheduler */
#define LAST_WORDS 300000000ULL /* guest ns for a dying scheduler's process to end */

struct run {
	struct session *session;
	struct coord *coord;
	struct agent *agent;
	struct scenario *scenario;
	struct out *out;
	struct plan plan;
	struct hold hold;
	enum wire_scope scope;
	struct step_record *record;
	struct measure *measure;
	struct liveness liveness;
	bool changes_scheduler;
};

/* ---- stamps ---- */

static struct err *stamp(struct run *r, struct step_stamp *ret)
{
	ret->time = coord_time(r->coord);
	ret->ops = r->scenario->ops;
	return measure_iterations(r->coord, &ret->iterations);
}

static bool died(const struct run *r)
{
	return r->record->result == STEP_DIED;
}

/* The scheduler, if it is there to be watched. */
static void look(struct run *r)
{
	if (!died(r) && liveness_watches(&r->liveness) && liveness_look(&r->liveness, &r->record->death))
		r->record->result = STEP_DIED;
}

/* ---- parts ---- */

static struct err *apply_line(struct run *r, const struct plan_line *line)
{
	struct err *err = session_run_line(r->session, line->text, r->out);

	if (!err && line->part != PLAN_EXPECT)
		r->scenario->ops++;
	return err_wrap(err, "line %u", line->number);
}

/* The lines of one part, in their order; stops where the scheduler is seen to have died. */
static struct err *apply(struct run *r, enum plan_part part)
{
	for (unsigned int i = 0; i < r->plan.count && !died(r); i++) {
		if (r->plan.lines[i].part != part)
			continue;
		ERR_TRY(apply_line(r, &r->plan.lines[i]));
		if (!r->changes_scheduler)
			look(r);
	}
	return NULL;
}

/* In a step a payload is an op like any other; it comes in its place among them. */
static struct err *apply_ops(struct run *r)
{
	for (unsigned int i = 0; i < r->plan.count && !died(r); i++) {
		enum plan_part part = r->plan.lines[i].part;

		if (part != PLAN_OP && part != PLAN_PAYLOAD)
			continue;
		ERR_TRY(apply_line(r, &r->plan.lines[i]));
		if (!r->changes_scheduler)
			look(r);
	}
	if (r->changes_scheduler)
		liveness_begin(&r->liveness, r->coord);
	return NULL;
}

/* Let time pass until `end`, or until the scheduler is gone. */
static struct err *pass_until(struct run *r, uint64_t end)
{
	uint64_t now;

	while (!died(r) && (now = coord_time(r->coord)) < end) {
		uint64_t next = liveness_watches(&r->liveness) && end - now > LOOK ? now + LOOK : end;

		ERR_TRY(coord_run_until(r->coord, next));
		look(r);
	}
	return NULL;
}

/* ---- the hold ---- */

static struct err *begin_hold(struct run *r)
{
	r->record->held_from = coord_time(r->coord);
	return measure_create(r->coord, &r->measure);
}

/* Where workers end with the step, this is the last that is seen of them. */
static struct err *end_hold(struct run *r)
{
	struct step_record *record = r->record;

	if (!r->measure)
		return NULL;
	record->held_until = coord_time(r->coord);
	return measure_take(r->measure, &record->groups, &record->group_count);
}

static struct err *run_turns(struct run *r)
{
	uint64_t from = r->record->held_from, end = from + r->hold.time;

	while (!died(r) && coord_time(r->coord) < end) {
		uint64_t next;

		ERR_TRY(apply_ops(r));
		ERR_TRY(measure_note(r->measure));
		r->record->turns++;
		next = from + r->record->turns * r->hold.every;
		ERR_TRY(pass_until(r, next < end ? next : end));
	}
	return NULL;
}

static struct err *run_step(struct run *r)
{
	if (r->hold.every) {
		ERR_TRY(apply(r, PLAN_DEF));
		ERR_TRY(begin_hold(r));
		return run_turns(r);
	}
	ERR_TRY(apply_ops(r));
	ERR_TRY(apply(r, PLAN_DEF));
	ERR_TRY(begin_hold(r));
	return pass_until(r, r->record->held_from + r->hold.time);
}

static struct err *run_backdrop(struct run *r)
{
	ERR_TRY(apply(r, PLAN_DEF));
	ERR_TRY(apply(r, PLAN_OP));
	return apply(r, PLAN_PAYLOAD);
}

/* ---- the end ---- */

/* The first error is the cause of those after it. */
static struct err *first_of(struct err *first, struct err *second)
{
	if (!first)
		return second;
	err_free(second);
	return first;
}

/* Ctrl-C ends the hold, not the taking down of what the step made. */
static void let_teardown(const struct err *err)
{
	if (err && err_kind(err) == ERR_INTERRUPTED && !interrupt_is_final())
		interrupt_clear();
}

/* A process dies only after the kernel has taken its scheduler off, so how it ended is known late. */
static struct err *await_last_words(struct run *r)
{
	uint64_t end = coord_time(r->coord) + LAST_WORDS;
	struct death *d = &r->record->death;

	liveness_settle(&r->liveness, d);
	while (r->liveness.process && !d->has_status && coord_time(r->coord) < end) {
		ERR_TRY(coord_run_until(r->coord, coord_time(r->coord) + LOOK));
		liveness_settle(&r->liveness, d);
	}
	return NULL;
}

/* After a death nothing of the scenario goes on: its workers are killed before all else. */
static struct err *take_down(struct run *r)
{
	struct err *err;

	if (!died(r))
		return scope_end(r->agent, r->scope);
	err = scope_end(r->agent, WIRE_SCOPE_BACKDROP);
	return first_of(err, await_last_words(r));
}

static struct err *describe_death(const struct run *r)
{
	const struct step_record *record = r->record;
	const struct death *d = &record->death;
	char at[DURATION_TEXT], after[DURATION_TEXT];
	uint64_t from = record->held_from ? record->held_from : record->begin.time;
	struct str why = {0}, where = {0};
	struct err *err;

	death_describe(d, &why);
	if (record->number)
		str_addf(&where, "step %u", record->number);
	else
		str_add(&where, "the backdrop");
	err = err_new(ERR_REFUSED, "%s: scheduler %s %s at %s, %s %s: %s", str_text(&where),
		      d->scheduler[0] ? d->scheduler : "?", death_name(d->kind),
		      format_seconds(d->time, at), format_duration(d->time - from, after),
		      record->held_from ? "into the hold" : "after its begin", str_text(&why));
	str_deinit(&why);
	str_deinit(&where);
	return err;
}

static struct err *finish(struct run *r, struct err *err)
{
	const struct step_record *record = r->record;
	bool gone = err && err_kind(err) == ERR_GUEST_DIED;

	let_teardown(err);
	if (!gone) {
		err = first_of(err, end_hold(r));
		err = first_of(err, stamp(r, &r->record->end));
	}
	if (!gone && (err || died(r) || r->scope == WIRE_SCOPE_STEP))
		err = first_of(err, take_down(r));
	if (err && !died(r)) {
		r->record->result = STEP_FAILED;
		r->record->failure = strdup(err_detail(err));
	}
	scenario_show_groups(r->out, &record, 1);
	if (died(r))
		err = first_of(describe_death(r), err);
	return err;
}

/* What the step expects is judged while its workers still are there, but by the measure just taken. */
static struct err *check_expectations(struct run *r, struct err *err)
{
	if (err || died(r))
		return err;
	ERR_TRY(end_hold(r));
	measure_destroy(r->measure);
	r->measure = NULL;
	return apply(r, PLAN_EXPECT);
}

/* From the first thing that it makes on. */
static struct err *run_parts(struct run *r, struct err *(*parts)(struct run *r))
{
	struct err *err = stamp(r, &r->record->begin);

	liveness_begin(&r->liveness, r->coord);
	r->changes_scheduler = plan_changes_scheduler(&r->plan);
	if (!err)
		err = scope_begin(r->agent, r->scope);
	if (!err)
		err = parts(r);
	err = check_expectations(r, err);
	err = finish(r, err);
	measure_destroy(r->measure);
	return err;
}

static struct err *run_init(struct run *r, struct session *s, struct out *out)
{
	*r = (struct run){.session = s, .out = out, .scenario = session_scenario(s),
			  .coord = session_coord(s)};
	if (coord_frozen(r->coord))
		return err_new(ERR_REFUSED, "the guest is frozen, so no time can pass in it; thaw it first");
	return show_agent(s, &r->agent);
}

struct err *scenario_run_step(struct session *s, const struct command_line *line, struct out *out)
{
	uint64_t duration;
	struct run r;
	struct err *err;

	ERR_TRY(run_init(&r, s, out));
	duration = r.scenario->active ? r.scenario->duration : SCENARIO_DURATION;
	ERR_TRY(hold_parse(line->count, line->words, duration, &r.hold));
	ERR_TRY(plan_parse(s, line->block, line->block_count, &r.plan));
	if (!r.scenario->active)
		scenario_begin(r.scenario, duration);
	r.scope = WIRE_SCOPE_STEP;
	err = scenario_add(r.scenario, r.scenario->next, &r.record);
	if (!err) {
		r.scenario->next++;
		r.record->loop = r.hold.every != 0;
		err = run_parts(&r, run_step);
	}
	plan_deinit(&r.plan);
	return err;
}

/* [for=T] */
static struct err *parse_duration_word(const struct command_line *line, uint64_t *ret)
{
	*ret = SCENARIO_DURATION;
	if (!line->count)
		return NULL;
	if (line->count > 1 || !str_starts(line->words[0], "for="))
		return command_usage(&command_backdrop);
	ERR_TRY(err_wrap(parse_duration(line->words[0] + 4, ret), "for"));
	return *ret ? NULL : err_new(ERR_USAGE, "for=0: a scenario takes time");
}

struct err *scenario_run_backdrop(struct session *s, const struct command_line *line, struct out *out)
{
	struct run r;
	uint64_t duration;
	struct err *err;

	ERR_TRY(run_init(&r, s, out));
	ERR_TRY(parse_duration_word(line, &duration));
	if (r.scenario->active)
		ERR_TRY(scenario_end(s));
	ERR_TRY(plan_parse(s, line->block, line->block_count, &r.plan));
	scenario_begin(r.scenario, duration);
	r.scope = WIRE_SCOPE_BACKDROP;
	err = scenario_add(r.scenario, 0, &r.record);
	if (!err)
		err = run_parts(&r, run_backdrop);
	if (err)
		r.scenario->active = false;
	plan_deinit(&r.plan);
	return err;
}

struct err *scenario_end(struct session *s)
{
	struct scenario *sc = session_scenario(s);
	struct agent *agent;

	if (!sc->active)
		return err_new(ERR_USAGE, "no scenario is running");
	ERR_TRY(show_agent(s, &agent));
	ERR_TRY(scope_end(agent, WIRE_SCOPE_BACKDROP));
	sc->active = false;
	return NULL;
}
