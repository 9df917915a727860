/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/travel_impl.h"

#include "base/parse.h"
#include "commands/replay.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

void travel_destroy(struct travel *t)
{
	if (!t)
		return;
	travel_dismiss(&t->latest);
	travel_dismiss(&t->rear);
	recording_destroy(t->history);
	free(t);
}

/* ---- the history ---- */

static bool at_end(const struct travel *t, uint64_t time)
{
	return !t->inside && t->place.next == t->end.step && time == t->end.time;
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
	t->place = (struct travel_place){.next = history->step_count};
	t->end = (struct moment){.time = travel_time_of(s), .step = history->step_count};
	t->inside = NULL;
	t->changed = false;
	travel_dismiss(&t->latest);
	travel_check_rear(t, s);
	return NULL;
}

/* Whether the history that was read is still the whole of it, and the only one. */
static bool is_current(const struct travel *t, struct session *s)
{
	bool looked = recorder_lines(session_recorder(s)) != t->lines;

	return t->history && !t->changed && t->arrival == travel_time_of(s) &&
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
struct err *travel_prepare(struct session *s, struct travel **ret)
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

/* ---- the way ---- */

/* The present guest waits where history ends; elsewhere nobody is going to need it. */
static void put_aside(struct travel *t, struct waiting_guest *old)
{
	if (at_end(t, travel_time_of(old->session)) && !t->latest.session)
		t->latest = *old;
	else
		travel_dismiss(old);
}

static bool is_here(const struct travel *t, struct session *s, const struct moment *to)
{
	return !t->inside && !travel_later(travel_time_of(s), t->place, to);
}

/* The guest is the session's own now, and frozen, which is on record unless it was so then. */
static struct err *arrive(struct travel *t, struct session *s)
{
	char command[] = "freeze";
	const struct recording_step freeze = {.command = command};

	t->lines = recorder_lines(session_recorder(s));
	t->was_frozen = coord_frozen(session_coord(s));
	t->arrival = travel_time_of(s);
	t->changed = false;
	return t->was_frozen ? NULL : travel_execute(s, &freeze);
}

/* From the present on, without another guest. */
static struct err *go_on(struct travel *t, struct session *s, const struct moment *to)
{
	struct traveller v = {.travel = t, .session = s, .place = t->place, .shown = s, .to = to};
	struct coord *coord = session_coord(s);
	struct err *err;

	if (!at_end(t, travel_time_of(s))) {
		recorder_truncate(session_recorder(s), t->lines);
		ERR_TRY(t->was_frozen ? coord_freeze(coord) : coord_thaw(coord));
	}
	err = traveller_advance(&v);
	t->place = v.place;
	t->inside = v.inside;
	return err;
}

static struct err *go_elsewhere(struct travel *t, struct session *s, const struct moment *to)
{
	struct traveller v = {.travel = t, .shown = s, .to = to};
	struct waiting_guest start, old = {.place = t->place};
	struct err *err;

	ERR_TRY(travel_find_start(t, s, to, &start));
	if (travel_time_of(s) > to->time)
		travel_post_rear(t, s, to);
	v.session = start.session;
	v.place = start.place;
	err = traveller_advance(&v);
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

struct err *travel_go(struct travel *t, struct session *s, const struct moment *to,
			  struct travel_arrival *ret)
{
	struct err *err = is_here(t, s, to) ? go_on(t, s, to) : go_elsewhere(t, s, to);

	ERR_TRY(err);
	ERR_TRY(arrive(t, s));
	*ret = (struct travel_arrival){
		.time = travel_time_of(s),
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

	ERR_TRY(travel_prepare(s, &t));
	if (to.time > t->end.time)
		return err_new(ERR_USAGE, "history ends at %s: `run` makes more of it",
			       format_seconds(t->end.time, end));
	return travel_go(t, s, &to, ret);
}

struct err *travel_to_line(struct session *s, uint64_t line, struct travel_arrival *ret)
{
	struct moment to = {0};
	struct travel *t;

	ERR_TRY(travel_prepare(s, &t));
	if (line > t->history->line_count)
		return err_new(ERR_USAGE, "the history has %u lines", t->history->line_count);
	while (to.step < t->history->step_count && t->history->steps[to.step].line < line)
		to.step++;
	to.time = to.step < t->history->step_count ? t->history->steps[to.step].time : t->end.time;
	return travel_go(t, s, &to, ret);
}

struct err *travel_to_end(struct session *s, struct travel_arrival *ret)
{
	struct moment to;
	struct travel *t;

	ERR_TRY(travel_prepare(s, &t));
	to = t->end;
	return travel_go(t, s, &to, ret);
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
