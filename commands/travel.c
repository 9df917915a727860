/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/travel.h"

#include "base/log.h"
#include "base/parse.h"
#include "commands/command.h"
#include "commands/expr.h"
#include "commands/recorder.h"
#include "commands/recording.h"
#include "commands/replay.h"
#include "commands/words.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define LOOK_STEP (100 * MS) /* guest time between two looks at the progress */
#define SCAN_STEP (MS / 10)  /* and at an expression; the grid where that is coarser */
/* The rear guard is so many times as far back as the last step back was long, at least so far; and is not
 * worth its memory where a fresh guest would be as near. */
#define REAR_FACTOR 4
#define REAR_MIN (1000 * MS)
#define REAR_WORTH (500 * MS)

/* Where in the history a guest is. */
struct place {
	unsigned int next; /* the first step that has not been done whole */
	bool partly;       /* that is a wait, and has begun */
};

struct waiting_guest {
	struct session *session; /* NULL: none */
	struct place place;
};

/* A moment: the guest's time, and the steps before `step` done, as far as that time lets them. */
struct moment {
	uint64_t time;
	unsigned int step;
};

struct travel {
	struct recording *history;
	struct moment end;	    /* where it was left for the past */
	struct place place;	    /* of the session's own guest */
	const char *inside;	    /* the step that this one stands in the middle of, or NULL */
	size_t lines;		    /* of the recorder, on arrival */
	bool was_frozen;	    /* then; it is frozen now in any case */
	bool changed;		    /* since: what lies ahead is not going to happen */
	uint64_t arrival;	    /* when that was */
	struct waiting_guest latest; /* at `end` */
	struct waiting_guest rear;
	uint64_t rear_time;	    /* where the rear guard is to wait */
};

/* One guest on its way. */
struct traveller {
	struct travel *travel;
	struct session *session;
	struct place place;
	const char *inside;
	struct session *shown; /* whose progress is shown, or NULL */
	const struct moment *to;
	struct coord_lookout lookout;
};

static void dismiss(struct waiting_guest *w)
{
	session_destroy(w->session);
	*w = (struct waiting_guest){0};
}

void travel_destroy(struct travel *t)
{
	if (!t)
		return;
	dismiss(&t->latest);
	dismiss(&t->rear);
	recording_destroy(t->history);
	free(t);
}

static uint64_t time_of(struct session *s)
{
	return coord_time(session_coord(s));
}

static bool later(uint64_t time, struct place place, const struct moment *than)
{
	return time > than->time || place.next > than->step;
}

/* ---- one step ---- */

static unsigned int flags_of(const struct recording_step *step)
{
	const struct command *command;
	const char *rest;
	size_t len = words_first(step->command, &rest);
	char *name = strndup(step->command, len);
	struct err *err = name ? command_find(name, &command) : err_nomem();
	unsigned int flags = err ? 0 : command->flags;

	free(name);
	err_free(err);
	return flags;
}

/* What went wrong then goes wrong again, and is part of the history; unless the guest is gone. */
static struct err *keep_going(struct session *s, struct err *err)
{
	if (!err)
		return NULL;
	if (err_kind(err) == ERR_INTERRUPTED || err_kind(err) == ERR_NOMEM || !session_coord(s) ||
	    machine_state(coord_machine(session_coord(s))) == MACHINE_DEAD)
		return err;
	err_free(err);
	return NULL;
}

static struct err *execute(struct session *s, const struct recording_step *step)
{
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);
	struct err *err = out ? replay_execute(s, step, out) : err_nomem();

	out_destroy(out);
	str_deinit(&text);
	return err;
}

/* Do the next step; one that does not end before the moment is left in its middle. */
static struct err *do_step(struct traveller *v)
{
	const struct recording_step *step = &v->travel->history->steps[v->place.next];
	struct recorder *recorder = session_recorder(v->session);
	size_t lines = recorder_lines(recorder);
	struct err *err = execute(v->session, step);

	if (!v->lookout.reached) {
		v->place.next++;
		return keep_going(v->session, err);
	}
	err_free(err);
	recorder_truncate(recorder, lines);
	v->place.partly = flags_of(step) & CMD_WAITS;
	if (!v->place.partly)
		v->inside = step->command;
	return NULL;
}

/* When step `i` was over at the latest. */
static uint64_t end_of_step(const struct travel *t, unsigned int i)
{
	return i + 1 < t->history->step_count ? t->history->steps[i + 1].time : t->end.time;
}

/* The lines of step `i` as the history has them. */
static struct err *append_lines(struct traveller *v, unsigned int i)
{
	const struct recording *r = v->travel->history;
	unsigned int end = i + 1 < r->step_count ? r->steps[i + 1].line : r->line_count + 1;
	struct str text = {0};
	struct err *err;

	for (unsigned int line = r->steps[i].line; line < end; line++)
		str_addf(&text, "%s\n", r->lines[line - 1]);
	err = str_error(&text);
	if (!err)
		err = recorder_append(session_recorder(v->session), str_text(&text));
	str_deinit(&text);
	return err;
}

/* The rest of a wait that has begun: the time that it took, and what it leaves. */
static struct err *finish_wait(struct traveller *v)
{
	struct coord *coord = session_coord(v->session);
	unsigned int i = v->place.next;

	ERR_TRY(coord_go_to(coord, end_of_step(v->travel, i)));
	ERR_TRY(append_lines(v, i));
	v->place = (struct place){.next = i + 1};
	return str_starts(v->travel->history->steps[i].command, "wait") ? NULL : coord_freeze(coord);
}

/* ---- the way ---- */

static void push_rear(struct travel *t);

/* Now and then on the way. */
static struct err *look_around(void *context)
{
	struct traveller *v = context;
	char now[DURATION_TEXT], all[DURATION_TEXT], text[96];

	push_rear(v->travel);
	if (!v->shown)
		return NULL;
	snprintf(text, sizeof(text), "once more: %s of %s",
		 format_duration(time_of(v->session), now), format_duration(v->to->time, all));
	session_progress(v->shown, text);
	return NULL;
}

/* Whether the next step is before the moment. At the same instant: what lets no time pass. */
static bool is_due(const struct traveller *v)
{
	const struct recording *r = v->travel->history;
	const struct recording_step *step = &r->steps[v->place.next];

	if (v->place.next >= r->step_count || v->place.next >= v->to->step)
		return false;
	if (v->place.partly)
		return end_of_step(v->travel, v->place.next) <= v->to->time;
	return step->time < v->to->time ||
	       (step->time == v->to->time &&
		(v->to->step != UINT_MAX || !(flags_of(step) & (CMD_AGENT | CMD_WAITS))));
}

static struct err *go(struct traveller *v)
{
	while (!v->inside && is_due(v)) {
		ERR_TRY(v->place.partly ? finish_wait(v) : do_step(v));
		if (v->lookout.reached)
			return NULL;
	}
	return coord_go_to(session_coord(v->session), v->to->time);
}

/* Take a guest to a moment that is not before it. */
static struct err *advance(struct traveller *v)
{
	struct coord *coord = session_coord(v->session);
	struct err *err;

	v->lookout.end = v->to->time;
	if (!v->lookout.look) {
		v->lookout.look = look_around;
		v->lookout.step = LOOK_STEP;
		v->lookout.context = v;
	}
	ERR_TRY(coord_enter(coord));
	coord_set_lookout(coord, &v->lookout);
	err = go(v);
	coord_set_lookout(coord, NULL);
	if (v->shown)
		session_progress(v->shown, NULL);
	return coord_leave_with(coord, err);
}

/* ---- guests ---- */

static struct err *make_guest(struct session *like, struct session **ret)
{
	struct options options = *session_options(like);
	struct session *s;
	struct err *err;

	options.record = NULL;
	ERR_TRY(session_create(&options, &s));
	session_set_mode(s, MODE_BATCH);
	err = session_boot(s);
	if (err) {
		session_destroy(s);
		return err_wrap(err, "a guest for the past");
	}
	*ret = s;
	return NULL;
}

/* A rear guard that does not get on is no loss. */
static void drop_rear(struct travel *t, struct err *err)
{
	if (!err)
		return;
	log_info("no rear guard: %s", err_detail(err));
	err_free(err);
	dismiss(&t->rear);
}

/* Where the rear guard can run to by itself. */
static uint64_t rear_goal(const struct travel *t)
{
	const struct recording *r = t->history;
	unsigned int next = t->rear.place.next;
	uint64_t goal = t->rear_time;

	if (t->rear.place.partly && end_of_step(t, next) < goal)
		goal = end_of_step(t, next);
	else if (!t->rear.place.partly && next < r->step_count && r->steps[next].time < goal)
		goal = r->steps[next].time;
	return goal;
}

/* One step of the rear guard, which stands where it is due. */
static struct err *step_rear(struct travel *t)
{
	const struct moment to = {.time = t->rear_time, .step = UINT_MAX};
	struct traveller v = {.travel = t,
			      .session = t->rear.session,
			      .place = t->rear.place,
			      .to = &to,
			      .lookout = {.end = to.time}};
	struct err *err;

	if (v.place.partly) {
		err = finish_wait(&v);
	} else if (flags_of(&t->history->steps[v.place.next]) & CMD_WAITS) {
		v.place.partly = true;
		err = NULL;
	} else {
		coord_set_lookout(session_coord(v.session), &v.lookout);
		err = do_step(&v);
		coord_set_lookout(session_coord(v.session), NULL);
	}
	t->rear.place = v.place;
	if (!err && v.inside)
		err = err_new(ERR_REFUSED, "it would stand in the middle of `%s`", v.inside);
	return err;
}

/* As far as it gets without anybody waiting for it. */
static struct err *try_push(struct travel *t)
{
	while (time_of(t->rear.session) >= rear_goal(t)) {
		if (time_of(t->rear.session) >= t->rear_time)
			return NULL;
		ERR_TRY(step_rear(t));
	}
	return coord_start_until(session_coord(t->rear.session), rear_goal(t));
}

static bool stands(struct session *s)
{
	return machine_state(coord_machine(session_coord(s))) != MACHINE_RUNNING;
}

static void push_rear(struct travel *t)
{
	if (t->rear.session && stands(t->rear.session))
		drop_rear(t, try_push(t));
}

void travel_idle(struct session *s)
{
	struct travel *t = *session_travel(s);

	if (t)
		push_rear(t);
}

/* Somewhat further back than where the next step back will probably go. */
static void post_rear(struct travel *t, struct session *s, const struct moment *to)
{
	uint64_t behind = (time_of(s) - to->time) * REAR_FACTOR;
	struct session *guest;
	struct err *err;

	if (behind < REAR_MIN)
		behind = REAR_MIN;
	if (t->rear.session || to->time < behind + REAR_WORTH)
		return;
	err = make_guest(s, &guest);
	if (!err)
		t->rear = (struct waiting_guest){.session = guest};
	t->rear_time = to->time - behind;
	drop_rear(t, err);
	push_rear(t);
}

/* Hold a guest that may still run, so that its time is exact. */
static struct err *halt(struct session *s)
{
	ERR_TRY(coord_enter(session_coord(s)));
	return coord_leave(session_coord(s));
}

/* The best guest to begin at: one that waits, or a new one. Takes it out of its place. */
static struct err *find_start(struct travel *t, struct session *s, const struct moment *to,
			      struct waiting_guest *ret)
{
	struct waiting_guest *list[] = {&t->latest, &t->rear}, *best = NULL;

	if (t->rear.session)
		drop_rear(t, halt(t->rear.session));
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i]->session &&
		    !later(time_of(list[i]->session), list[i]->place, to) &&
		    (!best || time_of(list[i]->session) > time_of(best->session)))
			best = list[i];
	if (!best) {
		*ret = (struct waiting_guest){0};
		return make_guest(s, &ret->session);
	}
	*ret = *best;
	*best = (struct waiting_guest){0};
	return NULL;
}

static bool at_end(const struct travel *t, uint64_t time)
{
	return !t->inside && t->place.next == t->end.step && time == t->end.time;
}

/* The present guest waits where history ends; elsewhere nobody is going to need it. */
static void put_aside(struct travel *t, struct waiting_guest *old)
{
	if (at_end(t, time_of(old->session)) && !t->latest.session)
		t->latest = *old;
	else
		dismiss(old);
}

/* ---- the history ---- */

static bool same_lines(const struct session *a_session, struct session *b_session)
{
	struct recorder *a = session_recorder((struct session *)a_session);
	struct recorder *b = session_recorder(b_session);

	if (recorder_lines(a) > recorder_lines(b))
		return false;
	for (size_t i = 0; i < recorder_lines(a); i++)
		if (strcmp(recorder_line(a, i), recorder_line(b, i)) != 0)
			return false;
	return true;
}

/* A rear guard of the old history is one of the new as well if they part after it. */
static void check_rear(struct travel *t, struct session *s)
{
	struct waiting_guest *rear = &t->rear;

	if (!rear->session)
		return;
	drop_rear(t, halt(rear->session));
	if (!rear->session)
		return;
	rear->place.partly = false;
	if (!same_lines(rear->session, s) || rear->place.next > t->history->step_count ||
	    time_of(rear->session) > end_of_step(t, rear->place.next) ||
	    (rear->place.next < t->history->step_count &&
	     t->history->steps[rear->place.next].time < time_of(rear->session)))
		dismiss(rear);
}

static struct err *read_history(struct travel *t, struct session *s)
{
	struct recording *history = NULL;
	struct str text = {0};
	struct err *err = recorder_text(session_recorder(s), &text);

	if (!err)
		err = recording_parse("history", text.data, text.len, &history);
	str_deinit(&text);
	ERR_TRY(err);
	recording_destroy(t->history);
	t->history = history;
	t->place = (struct place){.next = history->step_count};
	t->end = (struct moment){.time = time_of(s), .step = history->step_count};
	t->inside = NULL;
	t->changed = false;
	dismiss(&t->latest);
	check_rear(t, s);
	return NULL;
}

/* Whether the history that was read is still the whole of it, and the only one. */
static bool is_current(const struct travel *t, struct session *s)
{
	bool looked = recorder_lines(session_recorder(s)) != t->lines;

	return t->history && !t->changed && t->arrival == time_of(s) &&
	       !(looked && at_end(t, t->arrival));
}

/* Moments are told apart by guest time, which a restore sets. */
static struct err *check_history(const struct travel *t)
{
	for (unsigned int i = 0; i < t->history->step_count; i++)
		if (recording_sets_time(&t->history->steps[i]))
			return err_new(ERR_REFUSED,
				       "line %u of the history is a `checkpoint restore`, behind which "
				       "guest time was another: another restore leads back",
				       t->history->steps[i].line);
	return NULL;
}

/* What there is to travel in. */
static struct err *prepare(struct session *s, struct travel **ret)
{
	struct travel **t = session_travel(s);

	if (machine_info(coord_machine(session_coord(s)))->clock != CLOCK_VIRTUAL)
		return err_new(ERR_REFUSED, "time travel needs --clock virtual: only there does the "
					    "same history come to the same guest");
	if (!*t)
		*t = calloc(1, sizeof(**t));
	if (!*t)
		return err_nomem();
	*ret = *t;
	if (!is_current(*t, s))
		ERR_TRY(read_history(*t, s));
	return check_history(*t);
}

static bool is_here(const struct travel *t, struct session *s, const struct moment *to)
{
	return !t->inside && !later(time_of(s), t->place, to);
}

/* The guest is the session's own now, and frozen, which is on record unless it was so then. */
static struct err *arrive(struct travel *t, struct session *s)
{
	char command[] = "freeze";
	const struct recording_step freeze = {.command = command};

	t->lines = recorder_lines(session_recorder(s));
	t->was_frozen = coord_frozen(session_coord(s));
	t->arrival = time_of(s);
	t->changed = false;
	return t->was_frozen ? NULL : execute(s, &freeze);
}

/* From the present on, without another guest. */
static struct err *go_on(struct travel *t, struct session *s, const struct moment *to)
{
	struct traveller v = {.travel = t, .session = s, .place = t->place, .shown = s, .to = to};
	struct coord *coord = session_coord(s);
	struct err *err;

	if (!at_end(t, time_of(s))) {
		recorder_truncate(session_recorder(s), t->lines);
		ERR_TRY(t->was_frozen ? coord_freeze(coord) : coord_thaw(coord));
	}
	err = advance(&v);
	t->place = v.place;
	t->inside = v.inside;
	return err;
}

static struct err *go_elsewhere(struct travel *t, struct session *s, const struct moment *to)
{
	struct traveller v = {.travel = t, .shown = s, .to = to};
	struct waiting_guest start, old = {.place = t->place};
	struct err *err;

	ERR_TRY(find_start(t, s, to, &start));
	if (time_of(s) > to->time)
		post_rear(t, s, to);
	v.session = start.session;
	v.place = start.place;
	err = advance(&v);
	if (err) {
		session_destroy(start.session);
		return err;
	}
	session_exchange(s, start.session);
	old.session = start.session;
	put_aside(t, &old);
	t->place = v.place;
	t->inside = v.inside;
	return NULL;
}

/* Whether what was done on the way gave what it had given. */
static bool differs(const struct travel *t, struct session *s)
{
	struct recorder *r = session_recorder(s);
	unsigned int header = recorder_header_lines(r);

	for (size_t i = 0; i < t->lines && header + i < t->history->line_count; i++)
		if (strcmp(recorder_line(r, i), t->history->lines[header + i]) != 0)
			return true;
	return false;
}

static struct err *travel(struct travel *t, struct session *s, const struct moment *to,
			  struct travel_arrival *ret)
{
	struct err *err = is_here(t, s, to) ? go_on(t, s, to) : go_elsewhere(t, s, to);

	ERR_TRY(err);
	ERR_TRY(arrive(t, s));
	*ret = (struct travel_arrival){
		.time = time_of(s),
		.ahead = t->end.step - t->place.next,
		.inside = t->inside,
		.differs = differs(t, s),
	};
	return NULL;
}

/* ---- moments ---- */

struct err *travel_to_time(struct session *s, uint64_t time, struct travel_arrival *ret)
{
	uint64_t grid = machine_grid(coord_machine(session_coord(s)));
	struct moment to = {.time = (time + grid - 1) / grid * grid, .step = UINT_MAX};
	char end[DURATION_TEXT];
	struct travel *t;

	ERR_TRY(prepare(s, &t));
	if (to.time > t->end.time)
		return err_new(ERR_USAGE, "history ends at %s: `run` makes more of it",
			       format_seconds(t->end.time, end));
	return travel(t, s, &to, ret);
}

struct err *travel_to_line(struct session *s, uint64_t line, struct travel_arrival *ret)
{
	struct moment to = {0};
	struct travel *t;

	ERR_TRY(prepare(s, &t));
	if (line > t->history->line_count)
		return err_new(ERR_USAGE, "the history has %u lines", t->history->line_count);
	while (to.step < t->history->step_count && t->history->steps[to.step].line < line)
		to.step++;
	to.time = to.step < t->history->step_count ? t->history->steps[to.step].time : t->end.time;
	return travel(t, s, &to, ret);
}

struct err *travel_to_end(struct session *s, struct travel_arrival *ret)
{
	struct moment to;
	struct travel *t;

	ERR_TRY(prepare(s, &t));
	to = t->end;
	return travel(t, s, &to, ret);
}

/* ---- until an expression ---- */

struct scan {
	struct traveller v;
	const struct expr *expr;
	struct moment now; /* the present one: only earlier ones count */
	struct moment found;
	bool any;
};

static struct err *look_at(struct scan *scan, unsigned int step)
{
	struct expr_context context = expr_session_context(scan->v.session);
	uint64_t time = time_of(scan->v.session);
	struct expr_test test;

	if (time > scan->now.time || (time == scan->now.time && step >= scan->now.step))
		return NULL;
	ERR_TRY(expr_test(scan->expr, &context, &test));
	if (!test.holds || test.missing != EXPR_COMPLETE)
		return NULL;
	scan->any = true;
	scan->found = (struct moment){.time = time, .step = step};
	return NULL;
}

/* In the middle of a step, which the moment then includes as far as it got. */
static struct err *look_while_waiting(void *context)
{
	struct scan *scan = context;
	const struct recording *r = scan->v.travel->history;
	unsigned int next = scan->v.place.next;
	bool begun = next < r->step_count && r->steps[next].time < time_of(scan->v.session);

	return look_at(scan, next + begun);
}

static struct err *scan_history(struct scan *scan)
{
	struct traveller *v = &scan->v;
	const struct recording *r = v->travel->history;
	struct moment to = {0};
	struct err *err = NULL;

	v->to = &to;
	while (!err && !v->inside && to.step <= scan->now.step) {
		to.time = to.step < r->step_count ? r->steps[to.step].time : scan->now.time;
		if (to.time > scan->now.time)
			to.time = scan->now.time;
		v->lookout.look = look_while_waiting;
		err = advance(v);
		if (!err)
			err = look_at(scan, v->place.next);
		to.step++;
	}
	return err;
}

/* All of it, from its beginning to the present. */
static struct err *scan_with_guest(struct travel *t, struct session *s, struct scan *scan)
{
	uint64_t grid = machine_grid(coord_machine(session_coord(s)));
	struct err *err;

	scan->v.travel = t;
	scan->v.lookout.context = scan;
	scan->v.lookout.step = (SCAN_STEP + grid - 1) / grid * grid;
	scan->now = (struct moment){.time = time_of(s), .step = t->place.next};
	ERR_TRY(make_guest(s, &scan->v.session));
	err = scan_history(scan);
	session_destroy(scan->v.session);
	return err;
}

struct err *travel_to_last(struct session *s, const struct expr *e, struct travel_arrival *ret)
{
	struct scan scan = {.expr = e};
	struct travel *t;

	ERR_TRY(prepare(s, &t));
	ERR_TRY(scan_with_guest(t, s, &scan));
	if (!scan.any)
		return err_new(ERR_NOT_FOUND, "`%s` was never true before", expr_text(e));
	return travel(t, s, &scan.found, ret);
}

struct err *travel_check(struct session *s, const char *name)
{
	struct travel *t = *session_travel(s);

	if (!t)
		return NULL;
	t->changed = true;
	if (!t->inside)
		return NULL;
	t->changed = false;
	return err_new(ERR_REFUSED,
		       "%s: the guest stands in the middle of `%.*s`: it can be looked at; `back` and "
		       "`forward` lead out",
		       name, (int)strcspn(t->inside, "\n"), t->inside);
}
