/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One guest on its way through the history: step by step, and within one. */
#include "commands/travel_impl.h"

#include "base/parse.h"
#include "commands/command.h"
#include "commands/replay.h"
#include "commands/words.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_STEP (100 * TRAVEL_MS) /* guest time between two looks at the progress */

uint64_t travel_time_of(struct session *s)
{
	return coord_time(session_coord(s));
}

/* ---- one step ---- */

unsigned int travel_flags(const struct recording_step *step)
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

struct err *travel_execute(struct session *s, const struct recording_step *step)
{
	struct str text = {0};
	struct out *out = out_create(OUT_TEXT, out_sink_str, &text);
	struct err *err = out ? replay_execute(s, step, out) : err_nomem();

	out_destroy(out);
	str_deinit(&text);
	return err;
}

/* Do the next step; one that does not end before the moment is left in its middle. */
struct err *traveller_step(struct traveller *v)
{
	const struct recording_step *step = &v->travel->history->steps[v->place.next];
	struct recorder *recorder = session_recorder(v->session);
	size_t lines = recorder_lines(recorder);
	struct err *err = travel_execute(v->session, step);

	if (!v->lookout.reached) {
		v->place.next++;
		return keep_going(v->session, err);
	}
	err_free(err);
	recorder_truncate(recorder, lines);
	v->place.partly = travel_flags(step) & CMD_WAITS;
	if (!v->place.partly)
		v->inside = step->command;
	return NULL;
}

/* When step `i` was over at the latest. */
uint64_t travel_end_of_step(const struct travel *t, unsigned int i)
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
struct err *traveller_finish_wait(struct traveller *v)
{
	struct coord *coord = session_coord(v->session);
	unsigned int i = v->place.next;

	ERR_TRY(coord_go_to(coord, travel_end_of_step(v->travel, i)));
	ERR_TRY(append_lines(v, i));
	v->place = (struct travel_place){.next = i + 1};
	return str_starts(v->travel->history->steps[i].command, "wait") ? NULL : coord_freeze(coord);
}

/* ---- the way ---- */

/* Now and then on the way. */
static struct err *look_around(void *context)
{
	struct traveller *v = context;
	char now[DURATION_TEXT], all[DURATION_TEXT], text[96];

	travel_push_rear(v->travel);
	if (!v->shown)
		return NULL;
	snprintf(text, sizeof(text), "once more: %s of %s",
		 format_duration(travel_time_of(v->session), now), format_duration(v->to->time, all));
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
		return travel_end_of_step(v->travel, v->place.next) <= v->to->time;
	return step->time < v->to->time ||
	       (step->time == v->to->time &&
		(v->to->step != UINT_MAX || !(travel_flags(step) & (CMD_AGENT | CMD_WAITS))));
}

static struct err *go(struct traveller *v)
{
	while (!v->inside && is_due(v)) {
		ERR_TRY(v->place.partly ? traveller_finish_wait(v) : traveller_step(v));
		if (v->lookout.reached)
			return NULL;
	}
	return coord_go_to(session_coord(v->session), v->to->time);
}

/* Take a guest to a moment that is not before it. */
struct err *traveller_advance(struct traveller *v)
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
